"""Recovery tokens: the `pid` that a client sends to resume a socket, with signed claims about the socket.

Socket.IO calls the `pid` a session's private id, and its Node server looks it up in a table. Here the token itself
contains the socket's identity, so that a recoverable socket needs no row in the database and any node can verify it. It
contains nothing that changes: the official client regards a session as recovered if it receives the same `pid` again.
"""

from __future__ import annotations

import msgspec

from talkwire.identity.signed_claims import ClaimsSigner


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


class RecoveryTokenSigner(ClaimsSigner[RecoveryClaims]):
    """Signs and verifies recovery tokens (`pid`) with a key that all nodes share. `read` does not check whether the
    token's epoch is current.
    """

    def __init__(self, key: bytes) -> None:
        super().__init__(key, RecoveryClaims)
