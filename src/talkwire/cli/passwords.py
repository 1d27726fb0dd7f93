"""Reads passwords from a prompt or from the first line of stdin.

It does not read them from arguments, which all users of the machine can see.
"""

from __future__ import annotations

import asyncio
import getpass
import sys

from talkwire.cli.failures import Failure, Misuse
from talkwire.identity.passwords import Passwords

FROM_STDIN = "-"


def hashed_password(source: str | None) -> str:
    """Returns the hash of a password. Asks for the password twice on the terminal; reads it from the first line of
    stdin if `source` is `-` or stdin is no terminal.

    Raises Misuse if `source` is anything else but None, and Failure if the password is empty or its two entries differ.
    """
    if source not in {None, FROM_STDIN}:
        raise Misuse(
            "--password: must be `-`, to read stdin, or absent, to be prompted: other users can read arguments"
        )
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
