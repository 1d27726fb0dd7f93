"""Where passwords come from: a prompt, or the first line of stdin. Never the command's arguments, which all of the
machine's users can read while it runs."""

from __future__ import annotations

import asyncio
import getpass
import sys

from talkwire.cli.failures import Failure, Misuse
from talkwire.identity.passwords import Passwords

FROM_STDIN = "-"


def hashed_password(source: str | None) -> str:
    """The hash of a password that is asked for, or read from stdin for `-` or when there is no terminal."""
    if source not in {None, FROM_STDIN}:
        raise Misuse("--password: only `-`, for stdin: arguments can be seen by others; without it you are asked")
    password = _asked() if source is None and sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Failure("no password was given")
    return asyncio.run(_hash(password))


def _asked() -> str:
    try:
        password = getpass.getpass("Password: ")
        again = getpass.getpass("Again: ")
    except EOFError:
        return ""
    if password != again:
        raise Failure("the two passwords differ")
    return password


async def _hash(password: str) -> str:
    passwords = Passwords(workers=1)
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()
