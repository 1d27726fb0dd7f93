"""Authenticates parcels (batches of messages between nodes): only nodes of the same database can send them, and each
node accepts a parcel only once.

    parcel = MAC (16 bytes) + sender's mark (8) + number (8) + body

Keyed BLAKE2b was chosen by measuring it against HMAC-SHA256 (docs/decisions/0023-sealed-parcels.md).
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
"""Size of a parcel's MAC, in bytes."""

MARK_BYTES = 8
"""Size of a sender's mark, in bytes."""

NUMBER_BYTES = 8
"""Size of a parcel's number, in bytes."""

PARCEL_HEAD_BYTES = MAC_BYTES + MARK_BYTES + NUMBER_BYTES
"""Size of a parcel's head, in front of its body, in bytes."""

SENDERS_MAX = 4096
"""Most senders whose newest parcel numbers are kept. Each start of a node is a new sender."""

_PURPOSE = b"talkwire bus 1\n"


class Realm(NamedTuple):
    """The identity and secret that all nodes of one database share. From them each node derives the names of bus
    channels and the keys that authenticate bus messages.

    `database` is an id that copies of the database do not share; `secret` is stored in the database.
    """

    database: str
    secret: bytes

    def name(self, log: str) -> str:
        """Returns the channel name or key prefix for the log with the epoch `log`. It is a hash of 32 hexadecimal
        digits, so that it is unique also on a Redis server that others use.
        """
        return sha256(self._context(log)).hexdigest()[:32]

    def key(self, log: str) -> bytes:
        """Returns the 32-byte key that seals (authenticates) the bus parcels of the log with the epoch `log`. It is
        derived from the database's secret, so that all nodes have the same."""
        return HKDF(SHA256(), 32, salt=None, info=_PURPOSE + self._context(log)).derive(self.secret)

    def _context(self, log: str) -> bytes:
        return f"{self.database}\n{log}".encode()


class Opened(NamedTuple):
    """The body of a received parcel whose seal was valid. `own` is True if this node sent the parcel."""

    body: memoryview
    own: bool


class Seal:
    """Adds authentication codes to this node's bus parcels, and verifies parcels of all nodes that have the
    same key.
    """

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key, digest_size=MAC_BYTES)
        self._mark = token_bytes(MARK_BYTES)
        self._number = 0
        self._newest: dict[bytes, int] = {}
        """Numbers of the newest parcels that were opened, by sender."""

    def seal(self, body: bytes) -> bytes:
        """Returns `body` as a sealed parcel, with a higher number than the parcel before. A receiving node accepts it
        once, and only before it has accepted a later one.
        """
        self._number += 1
        sealed = self._mark + self._number.to_bytes(NUMBER_BYTES) + body
        return self._mac(sealed) + sealed

    def open(self, parcel: bytes) -> Opened | None:
        """Returns the content of a received parcel. Returns None, and the caller drops the parcel, if its seal is
        invalid or this node has accepted this or a later parcel of the same sender.

        A parcel with an old number is a copy, or was delayed by an attacker.
        """
        view = memoryview(parcel)
        if len(view) < PARCEL_HEAD_BYTES or not compare_digest(view[:MAC_BYTES], self._mac(view[MAC_BYTES:])):
            return None
        mark = bytes(view[MAC_BYTES : MAC_BYTES + MARK_BYTES])
        number = int.from_bytes(view[MAC_BYTES + MARK_BYTES : PARCEL_HEAD_BYTES])
        if number <= self._newest.get(mark, 0):
            return None
        self._newest[mark] = number
        if len(self._newest) > SENDERS_MAX:
            del self._newest[_first(self._newest)]
        return Opened(view[PARCEL_HEAD_BYTES:], mark == self._mark)

    def _mac(self, sealed: bytes | memoryview) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(sealed)
        return keyed.digest()


def _first(marks: Iterable[bytes]) -> bytes:
    return next(iter(marks))
