"""The command line of `talkwire-agent`."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from talkwire_agent.history import HISTORY_MAX_CHARACTERS
from talkwire_agent.tools import Tool, ToolsError, load_tools

SERVER = "http://127.0.0.1:3000"
API_KEY_VARIABLE = "OPENAI_API_KEY"

TIMEOUT_S = 120.0
"""Default of `--timeout`: longest time for which the model may send nothing, in seconds."""

CONCURRENCY = 4
"""Default of `--concurrency`: most turns that the agent answers at once."""

LEASE_S = 15
"""Default of `--lease`: seconds after which another process can claim the agent's turns, unless they are renewed."""

LEASES_S = range(5, 301)
"""Leases that the server accepts, in seconds."""

HISTORY_MIN_CHARACTERS = 100
"""Least value of `--max-history`, in characters."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the command line says. `api_key_env` is None if it names no variable."""

    openai: str
    model: str
    user: str
    server: str
    tools: tuple[Tool, ...]
    system: str
    max_history: int
    timeout_s: float
    api_key_env: str | None
    token_command: tuple[str, ...]
    concurrency: int
    lease_s: int


def parsed(given: Sequence[str] | None = None) -> Arguments:
    """Returns the arguments of the command line. Prints what is wrong and exits with 2 if they are invalid."""
    parser = _parser()
    found = parser.parse_args(given)
    try:
        return Arguments(
            openai=_url("--openai", found.openai),
            model=_not_empty("--model", found.model),
            user=_not_empty("--as", found.user),
            server=_url("--server", found.server),
            tools=() if found.tools is None else tuple(load_tools(Path(found.tools))),
            system=_text_or_file("--system", found.system),
            max_history=_at_least("--max-history", found.max_history, HISTORY_MIN_CHARACTERS),
            timeout_s=_positive("--timeout", found.timeout),
            api_key_env=found.api_key_env,
            token_command=_command("--token-command", found.token_command),
            concurrency=_at_least("--concurrency", found.concurrency, 1),
            lease_s=_lease("--lease", found.lease),
        )
    except ToolsError as error:
        parser.error(f"--tools: {error}")
    except ValueError as error:
        parser.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="talkwire-agent",
        description="Makes a language model, behind any API like OpenAI's chat completions, a member of conversations.",
        epilog="The token for the server is what --token-command prints, else that in the environment variable "
        "TALKWIRE_TOKEN, else what the command `talkwire token USER` prints.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--openai", metavar="URL", required=True, help="address of the API, such as http://localhost:11434/v1")
    add("--model", metavar="NAME", required=True, help="name of the model")
    add("--as", dest="user", metavar="USER", required=True, help="id of the agent, the user as whom it answers")
    add("--server", metavar="URL", default=SERVER, help="address of the Talkwire server (default: %(default)s)")
    add("--tools", metavar="FILE", help="Python file whose public functions the model may call")
    add("--system", metavar="TEXT|@FILE", default="", help="what the model reads before each conversation")
    add(
        "--max-history",
        metavar="CHARACTERS",
        type=int,
        default=HISTORY_MAX_CHARACTERS,
        help="how much of a conversation the model reads (default: %(default)s)",
    )
    add(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=TIMEOUT_S,
        help="how long the model may send nothing (default: %(default)g)",
    )
    add(
        "--api-key-env",
        metavar="NAME",
        help=f"environment variable that holds the API key (default: {API_KEY_VARIABLE})",
    )
    add("--token-command", metavar="COMMAND", help="command that prints a token for USER")
    add(
        "--concurrency",
        metavar="N",
        type=int,
        default=CONCURRENCY,
        help="how many conversations it answers at once (default: %(default)s)",
    )
    add(
        "--lease",
        metavar="SECONDS",
        type=int,
        default=LEASE_S,
        help="after which another process continues an answer if this one is gone (default: %(default)s)",
    )
    return parser


def _url(option: str, value: str) -> str:
    try:
        parts = urlsplit(value)
        is_valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_valid = False
        parts = urlsplit("")
    if not is_valid:
        raise ValueError(f"{option}: {value!r} must be an address such as http://localhost:8080")
    if parts.query or parts.fragment:
        raise ValueError(f"{option}: {value!r} must have no ? and no #")
    return value.rstrip("/")


def _text_or_file(option: str, value: str) -> str:
    """Returns a text, or for `@FILE` what is in the file."""
    if not value.startswith("@"):
        return value.strip()
    try:
        return Path(value[1:]).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"{option}: {value[1:]}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{option}: {value[1:]}: must be UTF-8") from None


def _command(option: str, value: str | None) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(value or ""))
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None


def _not_empty(option: str, value: str) -> str:
    if not value.strip():
        raise ValueError(f"{option}: must not be empty")
    return value


def _at_least(option: str, value: int, least: int) -> int:
    if value < least:
        raise ValueError(f"{option}: must be at least {least}")
    return value


def _lease(option: str, value: int) -> int:
    if value not in LEASES_S:
        raise ValueError(f"{option}: must be from {LEASES_S[0]} to {LEASES_S[-1]}")
    return value


def _positive(option: str, value: float) -> float:
    if not 0 < value < float("inf"):
        raise ValueError(f"{option}: must be more than 0")
    return value
