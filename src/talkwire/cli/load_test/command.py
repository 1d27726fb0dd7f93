"""The command `talkwire load`, which runs a load test against a server and prints the measured times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from talkwire.cli.failures import FAILED, WORKED, Misuse
from talkwire.cli.flags import Flag, load, takes_settings
from talkwire.cli.load_test.run import Load, LoadRun, Result
from talkwire.cli.output import print_list, print_note
from talkwire.cli.progress import progress_display
from talkwire.cli.tokens import secret_of
from talkwire.identity.issuer import TokenIssuer

_TOKEN_S = 24 * 3600
_CONNECTIONS_MAX = 20_000


@takes_settings("data", "jwt_secret", "allow_weak_secret")
def load_test(
    url: str,
    /,
    *,
    connections: Annotated[int, Parameter(help="Users who connect, one socket each.")] = 100,
    rate: Annotated[float, Parameter(help="Messages a second, of all users together.")] = 50,
    seconds: Annotated[float, Parameter(help="How long they send.")] = 30,
    **flags: Flag,
) -> int:
    """Let users connect and send messages, and print how long connecting and delivering took.

    The users are called load-1, load-2, … and stay on the server; their conversations are deleted at the end. Tokens
    are signed with the secret of the server: `--data` is its data folder, or `JWT_SECRET` is set.

    Parameters
    ----------
    url
        Address of the server, such as https://chat.example.com.
    """
    settings = load(flags).settings
    if not url.startswith(("http://", "https://")):
        raise Misuse(f'url: must begin with http:// or https://, not "{url}"')
    if not (0 < connections <= _CONNECTIONS_MAX and rate > 0 and seconds > 0):
        raise Misuse(f"connections must be between 1 and {_CONNECTIONS_MAX}, rate and seconds greater than 0")
    issuer = TokenIssuer(secret_of(settings))

    def token(user_id: str, role: str | None) -> str:
        return issuer.issue(user_id, ttl_s=_TOKEN_S, role=role)

    with progress_display() as progress:
        result = asyncio.run(LoadRun(url, Load(connections, rate, seconds), token, progress).run())
    _print(result)
    return WORKED if _is_complete(result) else FAILED


def _print(result: Result) -> None:
    measured = result.measured
    rows = [
        _row("connect", measured.connects),
        _row("acknowledgement", measured.acknowledgements),
        _row("delivery", measured.deliveries),
    ]
    print_list(("", "count", "median ms", "95 % ms", "99 % ms", "longest ms"), rows)
    refused = sum(measured.refused.values())
    print_note(f"{result.sent} messages sent, {len(measured.acknowledgements)} acknowledged, {refused} refused.")
    print_note(f"{len(measured.deliveries)} of {measured.expected} deliveries arrived.")
    for code, count in sorted(measured.refused.items()):
        print_note(f"Refused with {code}: {count}.")
    if measured.disconnected:
        print_note(f"{measured.disconnected} connections ended.")


def _row(name: str, durations_s: Sequence[float]) -> list[str]:
    ordered = sorted(durations_s)
    shown = [_percentile(ordered, part) for part in (0.5, 0.95, 0.99, 1.0)]
    return [name, str(len(ordered)), *("" if each is None else f"{each * 1000:.1f}" for each in shown)]


def _percentile(ordered: Sequence[float], part: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else None


def _is_complete(result: Result) -> bool:
    """Returns whether the server acknowledged every message, and delivered the acknowledged ones to all members."""
    measured = result.measured
    return len(measured.acknowledgements) == result.sent and len(measured.deliveries) >= measured.expected
