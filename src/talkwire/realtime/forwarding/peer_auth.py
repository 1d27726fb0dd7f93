"""How one node proves to another that it forwards a request.

Nodes share a stored secret, from which a key is derived. A forwarded request carries a seal: a MAC over its method, its
target (with the `engine_sid`), the id of the receiving node and what that node needs to know of the client.

The seal contains no time, because nodes' clocks differ. A seal that somebody intercepts is worth as much as the
`engine_sid` beside it, which opens the same session for any client, and is worth nothing once the session or its node
has ended.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HEADER = "talkwire-link"
REFUSED = b"talkwire-link: refused"
"""The response header by which a node refuses a request that no node has sealed for it."""

_PURPOSE = b"talkwire link 1"


class ForwardedHead(NamedTuple):
    """The sealed parts of a request. `address` is the client's, as the first node found it; `origin` and `host` decide
    whether the web page is allowed.
    """

    method: str
    target: str
    address: str
    host: str
    origin: str

    @classmethod
    def of(cls, method: str, target: str, address: str, headers: Mapping[str, str]) -> ForwardedHead:
        """Returns the parts to seal. `headers` have names in lower case."""
        return cls(method, target, address or "-", headers.get("host", ""), headers.get("origin", ""))


class PeerAuth:
    """Seals requests to other nodes, and checks the seals of requests from them."""

    def __init__(self, secret: bytes, node_id: str) -> None:
        self._key = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(secret)
        self._node_id = node_id

    def seal(self, request: ForwardedHead, node_id: str) -> str:
        """Returns the value of the header HEADER for a request to the node `node_id`."""
        return f"{request.address} {self._mac(request, node_id)}"

    def client_address(self, method: str, target: str, headers: Mapping[str, str]) -> str | None:
        """Returns the client's address of a request that another node forwarded to this one; None if the seal is
        missing or invalid.
        """
        address, _, mac = headers.get(HEADER, "").partition(" ")
        expected = self._mac(ForwardedHead.of(method, target, address, headers), self._node_id)
        if not address or not hmac.compare_digest(mac.encode("latin-1", "replace"), expected.encode()):
            return None
        return "" if address == "-" else address

    def _mac(self, request: ForwardedHead, node_id: str) -> str:
        # Joining with line feeds is unambiguous: HTTP allows none inside these parts.
        return hmac.digest(self._key, "\n".join((node_id, *request)).encode("latin-1", "replace"), "sha256").hex()
