"""No command prints a part of a password, whichever characters it has."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from tests.cli.conftest import CommandResult

CANARY = "cAnArY"
NOWHERE = "127.0.0.1:1"


def _passwords() -> Iterator[str]:
    """Yields passwords that together have each printable character, between two halves that are easy to find."""
    for start in range(0, len(string.punctuation), 8):
        yield f"{CANARY}{string.punctuation[start : start + 8]}{CANARY}"
    yield from (f"{CANARY}{char}{CANARY}" for char in "@/%")
    yield f"{CANARY} \u00e4\u2100\u20ac%41{CANARY}"


URLS = {
    "database": f"postgresql://user:{{}}@{NOWHERE}/chat",
    "redis": f"redis://user:{{}}@{NOWHERE}/0",
    "jwt_jwks_url": f"http://{NOWHERE}/keys?token={{}}",
}


# A server starts without Redis and without the keys of an identity provider.
@pytest.mark.parametrize(("subcommand", "name"), [("serve", "database"), *(("check", name) for name in URLS)])
@pytest.mark.parametrize("how", ["raw", "encoded"])
def test_no_command_prints_a_part_of_a_password(
    command: Callable[..., CommandResult], monkeypatch: pytest.MonkeyPatch, subcommand: str, how: str, name: str
) -> None:
    monkeypatch.setenv("JWT_SECRET", "0123456789abcdef0123456789abcdef")
    for password in _passwords():
        written = password if how == "raw" else quote(password, safe="")
        monkeypatch.setenv(f"TALKWIRE_{name.upper()}", URLS[name].format(written))
        result = command(subcommand, "--port", "0")
        assert result.exit_code != 0
        assert CANARY not in result.out + result.err, password
        assert name == "jwt_jwks_url" or how == "raw" or "127.0.0.1" in result.out + result.err
