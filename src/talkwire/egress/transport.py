"""An httpx transport that connects only to addresses that the rules allow, within limits of time and size.

The transport resolves a name once for each connection, checks every address, and connects to one of these addresses
itself. So a name that resolves to another address a moment later (DNS rebinding) cannot redirect the connection. TLS
verifies the host name of the URL. The transport neither follows redirects nor decompresses bodies, and drops cookies.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from talkwire.egress.address_rules import AddressRules, RefusedAddress, RefusedUrl
from talkwire.egress.resolver import Resolve, addresses_of

ADDRESSES_MAX = 4
"""How many addresses of a name are tried, one after the other."""

_DROPPED = frozenset({b"content-encoding", b"set-cookie"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressLimits:
    """The limits of one HTTP client. Names ending in `_s` are in seconds; `response_max` is in bytes.

    `total_s` limits the time from the start of a request to the end of its response. Idle connections are closed after
    `idle_s`, before the 5 s after which many servers close them, so that no request meets a connection being closed.
    """

    connect_s: float = 5.0
    total_s: float = 15.0
    response_max: int = 64 * 1024
    connections: int = 100
    idle_connections: int = 20
    idle_s: float = 4.0


class ResponseTooLarge(httpx.ReadError):
    """Raised when a response has more bytes than the client's limit allows."""


class CheckedTransport(httpx.AsyncBaseTransport):
    """The httpx transport of one client, which connects only to allowed addresses.

    Raises `RefusedAddress` for addresses that the rules refuse, and httpx's errors for other failures.
    """

    def __init__(
        self, rules: AddressRules, resolve: Resolve, limits: EgressLimits, tls: Callable[[], ssl.SSLContext]
    ) -> None:
        self._rules = rules
        self._resolve = resolve
        self._limits = limits
        self._tls = tls
        self._pools: dict[str, httpcore.AsyncConnectionPool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request and returns its response as soon as the headers have arrived. The caller reads the body from
        it.
        """
        try:
            self._rules.check_url(str(request.url))
        except RefusedUrl as refused:
            raise RefusedAddress(f"the URL {refused}") from None
        assert isinstance(request.stream, httpx.AsyncByteStream)
        sent = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        deadline = asyncio.get_running_loop().time() + self._limits.total_s
        async with _until(deadline):
            pool = await self._pool(request.url.scheme)
            response = await pool.handle_async_request(sent)
        return httpx.Response(
            response.status,
            headers=[(name, value) for name, value in response.headers if name.lower() not in _DROPPED],
            stream=_LimitedStream(response, deadline, self._limits.response_max),
            extensions=response.extensions,
        )

    async def _pool(self, scheme: str) -> httpcore.AsyncConnectionPool:
        """Returns the connection pool of `http` or `https`. The TLS context is made with the first request that needs
        it, and in another thread: reading the trusted certificates takes tens of milliseconds, and most servers send no
        such request.
        """
        if scheme not in self._pools:
            tls = await asyncio.to_thread(self._tls) if scheme == "https" else None
            self._pools.setdefault(scheme, self._new_pool(tls, encrypted=scheme == "https"))
        return self._pools[scheme]

    def _new_pool(self, tls: ssl.SSLContext | None, *, encrypted: bool) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=self._limits.connections,
            max_keepalive_connections=self._limits.idle_connections,
            keepalive_expiry=self._limits.idle_s,
            network_backend=_CheckedNetwork(self._rules, self._resolve, encrypted=encrypted),
        )

    async def aclose(self) -> None:
        """Closes all connections of this transport."""
        for pool in self._pools.values():
            await pool.aclose()


class _LimitedStream(httpx.AsyncByteStream):
    """The body of a response. Reading it fails after the deadline, and after more than `most` bytes."""

    def __init__(self, response: httpcore.Response, deadline: float, most: int) -> None:
        self._response = response
        self._deadline = deadline
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        chunks = self._response.aiter_stream()
        while (chunk := await self._next(chunks)) is not None:
            size += len(chunk)
            if size > self._most:
                raise ResponseTooLarge(f"the response has more than {self._most} bytes")
            yield chunk

    async def _next(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        async with _until(self._deadline):
            return await anext(chunks, None)

    async def aclose(self) -> None:
        await self._response.aclose()


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens TCP connections to a host name after checking all addresses to which the name resolves.

    `encrypted` says whether TLS will be used on the connections, since http is allowed for fewer addresses.
    """

    def __init__(self, rules: AddressRules, resolve: Resolve, *, encrypted: bool) -> None:
        self._rules = rules
        self._resolve = resolve
        self._encrypted = encrypted
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._checked_addresses(host, port)
                for address in addresses:
                    # A dead address must leave time for the others.
                    wait_s = None if timeout is None else timeout / len(addresses)
                    with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                        return await self._network.connect_tcp(address, port, wait_s, local_address, socket_options)
                raise httpcore.ConnectError(f"{host}, port {port}, does not accept connections")
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"{host} could not be connected to within {timeout} s") from None

    async def _checked_addresses(self, host: str, port: int) -> list[str]:
        """Returns the first `ADDRESSES_MAX` addresses of a host. Raises RefusedAddress if any of its addresses is not
        allowed.
        """
        try:
            addresses = await addresses_of(self._resolve, host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} could not be resolved: {error.strerror or error}") from None
        for address in addresses:
            refusal = self._rules.refusal(address, encrypted=self._encrypted)
            if refusal is not None:
                raise RefusedAddress(f"{host}: {refusal}")
        return [str(address) for address in addresses[:ADDRESSES_MAX]]


@contextlib.asynccontextmanager
async def _until(deadline: float) -> AsyncIterator[None]:
    """Ends the enclosed step of a request at the deadline (event loop time), and replaces httpcore's errors by
    httpx's.
    """
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except TimeoutError:
        raise httpx.ReadTimeout("the response was not complete in time") from None
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        # httpx has an error of the same name for each of these.
        kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
        raise kind(str(error)) from error
