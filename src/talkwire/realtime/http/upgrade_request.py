"""The request that opens a WebSocket, as the HTTP parser passes it to the WebSocket's protocol class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from talkwire.identity.address import joined
from talkwire.wire import read_query

_USUAL_QUERY_MAX = 64  # characters: longer ones have a session's id or a token

Fields = Sequence[tuple[bytes, bytes]]
"""Header fields; the names are in lower case."""


class UpgradeRequest:
    """The head of a WebSocket upgrade request: method, target, query and headers. `peer` is the address at the other
    end of the connection, perhaps a proxy's.
    """

    __slots__ = ("_fields", "headers", "method", "path", "peer", "query", "target")

    def __init__(self, method: str, target: bytes, fields: Fields, peer: str) -> None:
        self.method = method
        self.target = target.decode("latin-1")
        self.peer = peer
        self.path, _, query = self.target.partition("?")
        self.query = _usual_query(query) if len(query) <= _USUAL_QUERY_MAX else read_query(query)
        self.headers = _headers(fields)
        self._fields = fields

    def encode(self) -> bytes:
        """Returns the request's head as bytes, for another protocol that parses it again."""
        return encode_head(self.method.encode(), self.target.encode("latin-1"), "1.1", self._fields)


def encode_head(method: bytes, target: bytes, version: str, fields: Fields) -> bytes:
    """Returns the head of a request as bytes, with the empty line at its end."""
    line = b"%s %s HTTP/%s\r\n" % (method, target, version.encode())
    return line + b"".join([b"%s: %s\r\n" % field for field in fields]) + b"\r\n"


def _headers(fields: Fields) -> dict[str, str]:
    headers = {name.decode("latin-1"): value.decode("latin-1").strip() for name, value in fields}
    if len(headers) < len(fields):
        return joined((name.decode("latin-1"), value.decode("latin-1").strip()) for name, value in fields)
    return headers


@lru_cache(64)
def _usual_query(text: str) -> Mapping[str, str]:
    """Returns the parameters of a query. Caches its latest results, since most clients send the same query, so that
    their connections share one mapping. Longer queries than _USUAL_QUERY_MAX are parsed without this cache.
    """
    return MappingProxyType(read_query(text))
