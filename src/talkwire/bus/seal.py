"""Seals for parcels, so that only nodes of one database are believed, and what each of them sent only once.

    parcel = MAC (16 bytes) + sender's mark (8) + number (8) + body

Keyed BLAKE2b was measured against HMAC-SHA256 (docs/decisions/0023-sealed-parcels.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b, sha256
from hmac import compare_digest
from secrets import token_bytes
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAC_BYTES = 16
MARK_BYTES = 8
NUMBER_BYTES = 8
HEAD_BYTES = MAC_BYTES + MARK_BYTES + NUMBER_BYTES

SENDERS_MAX = 4096
"""Senders that are remembered. Every start of a node is another one."""

_PURPOSE = b"talkwire bus 1\n"


class Realm(NamedTuple):
    """The nodes that may believe each other: those of one database. `database` names it and no copy of it; `secret` is
    stored in it."""

    database: str
    secret: bytes

    def name(self, log: str) -> str:
        """Returns the name of a log of this database, for channels and keys of servers that others use too."""
        return sha256(self._context(log)).hexdigest()[:32]

    def key(self, log: str) -> bytes:
        """Returns the key that parcels about a log are sealed with."""
        return HKDF(SHA256(), 32, salt=None, info=_PURPOSE + self._context(log)).derive(self.secret)

    def _context(self, log: str) -> bytes:
        return f"{self.database}\n{log}".encode()


class Opened(NamedTuple):
    """A genuine parcel. `own`: this node has sealed it."""

    body: memoryview
    own: bool


class Seal:
    """Seals one node's parcels, and opens those of all nodes with the same key."""

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key, digest_size=MAC_BYTES)
        self._mark = token_bytes(MARK_BYTES)
        self._number = 0
        self._newest: dict[bytes, int] = {}
        """By sender, the number of the newest parcel that was opened."""

    def seal(self, body: bytes) -> bytes:
        """Returns a parcel. It can be opened once by each node, and not after a later one."""
        self._number += 1
        sealed = self._mark + self._number.to_bytes(NUMBER_BYTES) + body
        return self._mac(sealed) + sealed

    def open(self, parcel: bytes) -> Opened | None:
        """Returns what was sealed, or None for what no node of this database has sealed, and for what is no newer than
        its sender's parcels before: a copy, or one that was held back."""
        view = memoryview(parcel)
        if len(view) < HEAD_BYTES or not compare_digest(view[:MAC_BYTES], self._mac(view[MAC_BYTES:])):
            return None
        mark = bytes(view[MAC_BYTES : MAC_BYTES + MARK_BYTES])
        number = int.from_bytes(view[MAC_BYTES + MARK_BYTES : HEAD_BYTES])
        if number <= self._newest.get(mark, 0):
            return None
        self._newest[mark] = number
        if len(self._newest) > SENDERS_MAX:
            del self._newest[_first(self._newest)]
        return Opened(view[HEAD_BYTES:], mark == self._mark)

    def _mac(self, sealed: bytes | memoryview) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(sealed)
        return keyed.digest()


def _first(marks: Iterable[bytes]) -> bytes:
    return next(iter(marks))
