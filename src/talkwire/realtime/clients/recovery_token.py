"""The `pid` that a recoverable session's client brings when it comes back: a statement of ours, signed.

Socket.IO calls it the private id of a session. Node looks it up in a table; here it says itself what session it is, so
that a connection costs nothing to be recoverable, and any node can tell. It holds nothing that changes: the official
client takes a session for recovered when it is given the same `pid` again.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import msgspec

LENGTH_MAX = 2048
"""Ids have at most 128 characters, so none of ours is longer."""


class RecoveryClaims(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Whose session it is, where it began, and up to where the log `epoch` had been handed out by then."""

    user_id: str
    namespace: str
    dialect: str
    socket_id: str
    epoch: str
    node_id: str
    pos: int


class RecoveryTokenSigner:
    """Makes and checks pids with a key that all nodes share."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._decoder = msgspec.json.Decoder(RecoveryClaims)

    def sign(self, statement: RecoveryClaims) -> str:
        """The pid: the statement and its signature, each in base64url without padding."""
        body = _encode(msgspec.json.encode(statement))
        return f"{body}.{_encode(self._signature(body))}"

    def read(self, pid: object) -> RecoveryClaims | None:
        """What a client's pid says; None for anything that we did not sign."""
        if not isinstance(pid, str) or len(pid) > LENGTH_MAX or not pid.isascii():
            return None
        body, _, signature = pid.partition(".")
        if not hmac.compare_digest(signature, _encode(self._signature(body))):
            return None
        return self._decoder.decode(urlsafe_b64decode(body + "=" * (-len(body) % 4)))

    def _signature(self, body: str) -> bytes:
        return hmac.digest(self._key, body.encode(), sha256)


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
