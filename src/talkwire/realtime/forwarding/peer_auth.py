"""Authenticates requests that one node forwards to another, by a seal in a header.

Nodes share a stored secret, from which a key is derived. The seal is a MAC over the request's method, its target (with
the `engine_sid`), the id of the receiving node and what that node needs to know of the client.

The seal contains no time, because nodes' clocks differ. An intercepted seal is worth as much as the `engine_sid` beside
it, which opens the same session for any client, and is worth nothing once the session or its node has ended.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HEADER = "talkwire-link"
"""Name of the request header that carries a node's seal."""

REFUSED = b"talkwire-link: refused"
"""Response header by which a node refuses a request that no node has sealed for it."""

_PURPOSE = b"talkwire link 1"


class ForwardedHead(NamedTuple):
    """The parts of a forwarded request that the seal covers. `address` is the client's, as the node that received the
    request found it; `origin` and `host` decide whether the web page is allowed.
    """

    method: str
    target: str
    address: str
    host: str
    origin: str

    @classmethod
    def of(cls, method: str, target: str, address: str, headers: Mapping[str, str]) -> ForwardedHead:
        """Collects the parts of a request that the seal covers, to forward the request or to check its seal. `headers`
        have names in lower case.
        """
        return cls(method, target, address or "-", headers.get("host", ""), headers.get("origin", ""))


class PeerAuth:
    """Seals requests to other nodes (adds a MAC that proves that one of the server's nodes sent them), and checks the
    seals of requests from other nodes. `secret` is shared by all nodes; `node_id` is this node's id.
    """

    def __init__(self, secret: bytes, node_id: str) -> None:
        self._key = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(secret)
        self._node_id = node_id

    def seal(self, request: ForwardedHead, node_id: str) -> str:
        """Returns the seal of a request that is forwarded to the node `node_id`: the value of the header named
        HEADER.
        """
        return f"{request.address} {self._mac(request, node_id)}"

    def client_address(self, method: str, target: str, headers: Mapping[str, str]) -> str | None:
        """Checks the seal of a request that another node forwarded. Returns the client's address, empty if it is
        unknown; None if the seal is missing or invalid.
        """
        address, _, mac = headers.get(HEADER, "").partition(" ")
        expected = self._mac(ForwardedHead.of(method, target, address, headers), self._node_id)
        if not address or not hmac.compare_digest(mac.encode("latin-1", "replace"), expected.encode()):
            return None
        return "" if address == "-" else address

    def _mac(self, request: ForwardedHead, node_id: str) -> str:
        # Joining with line feeds is unambiguous: HTTP allows none inside these parts.
        return hmac.digest(self._key, "\n".join((node_id, *request)).encode("latin-1", "replace"), "sha256").hex()
