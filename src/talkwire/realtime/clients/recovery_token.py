"""Recovery tokens: the `pid` that a client sends to resume a socket, with signed claims about the socket.

Socket.IO calls the `pid` a session's private id, and its Node server looks it up in a table. Here the token itself
contains the socket's identity, so that a recoverable socket needs no row in the database and any node can verify it. It
contains nothing that changes: the official client regards a session as recovered if it receives the same `pid` again.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

LENGTH_MAX = 2048
"""The longest recovery token in characters. Ids have at most 128 characters, so no token of this server is longer."""


class RecoveryClaims(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The contents of a recovery token: which socket it resumes, of which user, in which namespace and dialect (event
    vocabulary). `node_id` is the node that issued it; `pos` is the log position (in `epoch`) that this node had
    delivered at that time.
    """

    user_id: str
    namespace: str
    dialect: str
    socket_id: str
    epoch: str
    node_id: str
    pos: int


class RecoveryTokenSigner:
    """Signs and verifies recovery tokens (`pid`) with a key that all nodes share."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")
        self._decoder = msgspec.json.Decoder(RecoveryClaims)

    def sign(self, claims: RecoveryClaims) -> str:
        """Returns a recovery token (`pid`): the claims and their signature, each in base64url without padding, joined
        by a dot.
        """
        body = _encode(msgspec.json.encode(claims))
        return f"{body}.{_encode(self._signature(body))}"

    def read(self, pid: object) -> RecoveryClaims | None:
        """Verifies a client's recovery token (`pid`) and returns its claims. Returns None for anything that no node of
        this server has signed; does not check whether the token's epoch is current.
        """
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
