"""Where the agent gets its tokens: for the Talkwire server, and the key for the model."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from talkwire_client import Token

TOKEN_VARIABLE = "TALKWIRE_TOKEN"  # noqa: S105 (the name of a variable)

COMMAND_MAX_S = 30.0
"""Longest time that a command that prints a token may run, in seconds."""

KEYLESS_API_KEY = "none"
"""Key that the client of OpenAI's API sends to an endpoint that needs no key."""


class CredentialsError(Exception):
    """Raised when there is no token or key. The text says how to give one."""


def api_key_in(environment: Mapping[str, str], name: str, *, is_required: bool) -> str:
    """Returns the model's API key from an environment variable. Without one, raises `CredentialsError` if it is
    required.
    """
    if key := environment.get(name, "").strip():
        return key
    if is_required:
        raise CredentialsError(f"--api-key-env: the environment variable {name} is not set")
    return KEYLESS_API_KEY


def token_source(environment: Mapping[str, str], user: str, command: Sequence[str]) -> Token:
    """Returns the token in TALKWIRE_TOKEN, or a function that runs a command which prints one.

    `command` is by default `talkwire token USER`, which works where the server's data folder or secret is. Raises
    `CredentialsError` if there is neither.
    """
    if not command and (token := environment.get(TOKEN_VARIABLE, "").strip()):
        return token
    found = list(command) or _own_command(user)
    if not found:
        raise CredentialsError(
            f"There is no token for {user}. Set {TOKEN_VARIABLE}, name a command that prints one with --token-command, "
            "or install the server, whose command `talkwire token` makes one"
        )
    return printed_by(found)


def printed_by(command: Sequence[str]) -> Callable[[], Awaitable[str]]:
    """Returns a function that runs a command and returns what it prints. It raises `CredentialsError` if the command
    fails, or prints nothing.
    """

    async def printed() -> str:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise CredentialsError(f"{command[0]}: cannot be run: {error.strerror}") from None
        try:
            async with asyncio.timeout(COMMAND_MAX_S):
                output, errors = await process.communicate()
        except TimeoutError:
            raise CredentialsError(f"{command[0]}: has not ended within {COMMAND_MAX_S:g} seconds") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        token = output.decode(errors="replace").strip()
        if process.returncode or not token:
            why = errors.decode(errors="replace").strip() or f"exit code {process.returncode}, no token"
            raise CredentialsError(f"{command[0]}: {why}")
        return token

    return printed


def _own_command(user: str) -> list[str]:
    """Returns the server's command that prints a token, if the server is installed here."""
    beside = Path(sys.executable).with_name("talkwire")
    found = str(beside) if beside.is_file() else shutil.which("talkwire")
    return [found, "token", user] if found else []
