"""aiohttp's connections, bounded: they lead to allowed addresses only, and a response is cut off at its limits.

A response that consists of very many small pieces costs far more time than its size suggests. So what is not body is
limited too: headers, informational responses, and the lengths of chunks.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Literal

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler

OVERHEAD_MAX_BYTES = 16 * 1024
"""Most bytes of a response that are not its body. Each chunk of a body counts with the four bytes around it or more."""

PARSED_AT_ONCE_BYTES = 4 * 1024
"""Number of bytes that are parsed between two looks at the limit."""

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Function from (host, port) to the addresses to connect to. Raises OSError."""


class MalformedResponse(aiohttp.ClientPayloadError):
    """Raised for a response that has more headers, informational responses or chunks than allowed."""


class BoundedConnector(aiohttp.TCPConnector):
    """A connector of aiohttp that opens at most `limit` connections, to the addresses that `lookup` returns, with the
    context `tls` for https.

    Idle connections are closed after `idle_s` seconds, at once if it is 0.
    """

    def __init__(self, lookup: Lookup, limit: int, idle_s: float, tls: ssl.SSLContext | Literal[True]) -> None:
        kept: dict[str, Any] = {"keepalive_timeout": idle_s} if idle_s else {"force_close": True}
        super().__init__(limit=limit, resolver=_Resolver(lookup), use_dns_cache=False, ssl=tls, **kept)
        # aiohttp has no public way to choose the protocol; a test sees that this one is in use.
        if not hasattr(self, "_factory"):
            raise RuntimeError(f"aiohttp {aiohttp.__version__} is not supported; use one that the lock file has")
        self._factory = partial(BoundedProtocol, loop=self._loop)  # type: ignore[assignment]


class BoundedProtocol(ResponseHandler):
    """The protocol of one client connection. It closes the connection if a response has more than `OVERHEAD_MAX_BYTES`
    outside its body, e.g. in headers, so that no server can fill the memory with them.
    """

    _received = 0

    def set_response_params(self, **params: Any) -> None:  # noqa: ANN401 (aiohttp's)
        """Starts to read the next response. aiohttp calls it before each request."""
        self._received = 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Parses received bytes. If the response has more than `OVERHEAD_MAX_BYTES` outside its body, aborts the
        connection and fails the request with `MalformedResponse`.
        """
        # aiohttp passes no bytes to continue with those that it kept while the body was not read.
        for start in range(0, len(data) or 1, PARSED_AT_ONCE_BYTES):
            part = data if len(data) <= PARSED_AT_ONCE_BYTES else data[start : start + PARSED_AT_ONCE_BYTES]
            self._received += len(part)
            super().data_received(part)
            if self._received > OVERHEAD_MAX_BYTES and self._is_too_much():
                self._break_off()
                return

    def _is_too_much(self) -> bool:
        if self._reading_paused:  # aiohttp keeps what it has not parsed, which is no overhead
            return False
        body = 0 if self._payload is None else self._payload.total_bytes
        return self._received - body > OVERHEAD_MAX_BYTES

    def _break_off(self) -> None:
        error = MalformedResponse(f"the response has more than {OVERHEAD_MAX_BYTES} bytes beside its body")
        if self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(error)
        self.set_exception(error)
        if self.transport is not None:
            self.transport.abort()


class _Resolver(AbstractResolver):
    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 (aiohttp's signature)
    ) -> list[ResolveResult]:
        """Returns the IP addresses of a host name, as aiohttp's connector asks for them. Raises OSError if the name
        cannot be resolved, or if the server may not connect to one of its addresses.
        """
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._lookup(host, port)
        ]

    async def close(self) -> None:
        """Does nothing, as aiohttp requires the method: the threads that resolve names belong to `Egress`."""
