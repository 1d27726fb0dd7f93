"""Recovery tokens: the `pid` that a returning client sends, with signed claims about its session.

Socket.IO calls it the private id of a session, and its Node server looks it up in a table. Here the token itself
carries the session's identity, so that a recoverable connection needs no row and any node can check it. It holds
nothing that changes: the official client regards a session as recovered if it receives the same `pid` again.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

LENGTH_MAX = 2048
"""Ids have at most 128 characters, so no token of this server is longer."""


class RecoveryClaims(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A session's user and origin. `pos` is the position up to which the node had delivered the log `epoch` by then."""

    user_id: str
    namespace: str
    dialect: str
    socket_id: str
    epoch: str
    node_id: str
    pos: int


class RecoveryTokenSigner:
    """Signs and verifies pids with a key that all nodes share."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")
        self._decoder = msgspec.json.Decoder(RecoveryClaims)

    def sign(self, claims: RecoveryClaims) -> str:
        """Returns the pid: the claims and their signature, each in base64url without padding."""
        body = _encode(msgspec.json.encode(claims))
        return f"{body}.{_encode(self._signature(body))}"

    def read(self, pid: object) -> RecoveryClaims | None:
        """Returns the claims of a client's pid, None if this server did not sign it."""
        if not isinstance(pid, str) or len(pid) > LENGTH_MAX or not pid.isascii():
            return None
        body, _, signature = pid.partition(".")
        if not hmac.compare_digest(signature, _encode(self._signature(body))):
            return None
        return self._decoder.decode(urlsafe_b64decode(body + "=" * (-len(body) % 4)))

    def _signature(self, body: str) -> bytes:
        # Copying takes half as long as looking up the hash function and hashing the key again.
        signature = self._keyed.copy()
        signature.update(body.encode())
        return signature.digest()


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
