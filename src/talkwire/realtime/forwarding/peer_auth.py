"""The link: how one node vouches to another for a request that it passes on.

Nodes share a stored secret, from which the link's key is derived. A request that is passed on carries a seal over its
method, its target (with the `engine_sid`), the node that it is for and what that node has to know of the client. There
is no time in it, since clocks differ: a seal that is overheard is worth as much as the `engine_sid` beside it, which
opens the same session by the front door, and nothing once that session or its node has ended.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HEADER = "talkwire-link"
REFUSED = b"talkwire-link: refused"
"""A header line: the request was not for this node, or not from another one."""

_PURPOSE = b"talkwire link 1"


class ForwardedHead(NamedTuple):
    """What is sealed of a request. `address` is the client's, as the node that it came to has found it; its web page's
    origin is judged by `origin` and `host`."""

    method: str
    target: str
    address: str
    host: str
    origin: str

    @classmethod
    def of(cls, method: str, target: str, address: str, headers: Mapping[str, str]) -> ForwardedHead:
        """`headers` by their names in lower case."""
        return cls(method, target, address or "-", headers.get("host", ""), headers.get("origin", ""))


class PeerAuth:
    """Seals what goes to other nodes, and reads the seals of what comes from them to this one."""

    def __init__(self, secret: bytes, node_id: str) -> None:
        self._key = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(secret)
        self._node_id = node_id

    def seal(self, request: ForwardedHead, node_id: str) -> str:
        """The header's value, for the node of this id."""
        return f"{request.address} {self._mac(request, node_id)}"

    def client_address(self, method: str, target: str, headers: Mapping[str, str]) -> str | None:
        """Where a request comes from that another node has passed on to this one; None: nobody has."""
        address, _, mac = headers.get(HEADER, "").partition(" ")
        expected = self._mac(ForwardedHead.of(method, target, address, headers), self._node_id)
        if not address or not hmac.compare_digest(mac.encode("latin-1", "replace"), expected.encode()):
            return None
        return "" if address == "-" else address

    def _mac(self, request: ForwardedHead, node_id: str) -> str:
        # No part can have a line's end in it: HTTP does not let one through.
        return hmac.digest(self._key, "\n".join((node_id, *request)).encode("latin-1", "replace"), "sha256").hex()
