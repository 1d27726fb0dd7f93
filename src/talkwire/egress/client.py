"""An HTTP client for addresses that users or operators name: it connects to allowed addresses only, and its responses
have limits of time and size.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Literal, Protocol

import aiohttp

from talkwire.egress.address_rules import AddressRules, CheckedUrl, RefusedAddress, RefusedUrl
from talkwire.egress.bounded_connection import BoundedConnector, MalformedResponse
from talkwire.egress.thread import EgressThread

DRAIN_S = 1.0
"""Longest time for which a body that nobody needs is read, so that its connection can be used again, in seconds."""

DRAIN_MAX_BYTES = 64 * 1024
"""Most bytes of a body that nobody needs that are read, so that its connection can be used again."""

Reason = Literal["address", "connection", "response", "timeout"]


class EgressError(Exception):
    """Raised when a request gets no usable response. The text says why, for operators.

    `reason` is `address` (the rules refuse the address), `connection` (it could not be made, or it broke), `response`
    (it is too large or malformed) or `timeout`.
    """

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressLimits:
    """The limits of one HTTP client. Names ending in `_s` are in seconds; `response_max` is in bytes; `connections` is
    how many may be open at once.

    `total_s` limits the time from the start of a request to the end of its response, `connect_s` each attempt to
    connect. A connection that has been idle for `idle_s` is closed (0: at once). The default is less than the 5 s after
    which many servers close it, so that no request is sent while the server does so.
    """

    connect_s: float = 5.0
    total_s: float = 15.0
    response_max: int = 64 * 1024
    connections: int = 100
    idle_s: float = 4.0


@dataclass(frozen=True, slots=True)
class EgressResponse:
    """A response: its status, its headers, whose names are case-insensitive, and its body as it was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def accepted(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


class Reach(Protocol):
    """What `EgressClient` needs in order to connect: the address rules, the allowed addresses of a host name, and the
    TLS context. `Egress` implements it.
    """

    rules: AddressRules

    @property
    def tls(self) -> ssl.SSLContext: ...

    async def addresses(self, host: str, port: int, *, encrypted: bool) -> list[str]: ...


class ResponseTooLarge(aiohttp.ClientPayloadError):
    """Raised for a response whose body has more bytes than allowed."""


@dataclass(frozen=True, slots=True)
class BodyReading:
    """How to read the body of a response. The body is returned if it has at most `most` bytes. A longer body raises
    ResponseTooLarge or, if `cut` is true, is cut off.

    If `into` is set, it is called with each piece of the body as it arrives, and the returned body is empty. If `most`
    is 0, the body is dropped, except for its first `kept` bytes, and errors while it arrives are ignored.
    """

    most: int
    cut: bool = False
    into: Callable[[bytes], object] | None = None
    kept: int = 0

    async def body_of(self, response: aiohttp.ClientResponse) -> bytes:
        """Returns the body of a response whose headers have arrived, read as this object says. Raises ResponseTooLarge,
        and aiohttp's errors.
        """
        if self.most == 0:
            return await _drain(response, self.kept)
        body, size = bytearray(), 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > self.most and not self.cut:
                response.close()
                raise ResponseTooLarge(f"the response has more than {self.most} bytes")
            (body.extend if self.into is None else self.into)(piece)
            if size > self.most:
                response.close()
                del body[self.most :]
                break
        return bytes(body)


async def _drain(response: aiohttp.ClientResponse, kept: int) -> bytes:
    """Reads and drops a body, so that its connection can be used for another request. Returns its first `kept` bytes.
    Closes the connection instead if the body has more than `DRAIN_MAX_BYTES` or takes longer than `DRAIN_S` seconds.
    """
    first = bytearray()
    if response.content.at_eof():
        return b""
    try:
        async with asyncio.timeout(DRAIN_S):
            size = 0
            async for piece in response.content.iter_any():
                first += piece[: max(0, kept - size)]
                size += len(piece)
                if size > DRAIN_MAX_BYTES:
                    break
            else:
                return bytes(first)
    except (TimeoutError, aiohttp.ClientError):
        pass
    response.close()
    return bytes(first)


class EgressClient:
    """An HTTP client that runs on `thread`, or on the caller's event loop if that is None. Create it with
    `Egress.client`, and close it with `aclose`.

    It sends no cookies, follows no redirects, decompresses nothing, and ignores proxies set in the environment.
    """

    def __init__(self, reach: Reach, limits: EgressLimits, thread: EgressThread | None) -> None:
        self._reach = reach
        self._limits = limits
        self._timeout = aiohttp.ClientTimeout(total=limits.total_s, sock_connect=limits.connect_s)
        self._reading = BodyReading(limits.response_max)
        self._thread = thread
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def request(
        self,
        method: str,
        url: str | CheckedUrl,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        reading: BodyReading | None = None,
    ) -> EgressResponse:
        """Sends a request and returns its response, whatever its status is. A text as `url` is checked by the address
        rules.

        `reading` says what to do with the body; by default, it is returned if it has at most `response_max` bytes (see
        `EgressLimits`). Raises EgressError if there is no usable response, or if the address rules refuse the URL.
        """
        checked = self.checked_url(url) if isinstance(url, str) else url
        sent = self._request(method, checked, headers, content, reading or self._reading)
        return await (sent if self._thread is None else self._thread.run(sent))

    def checked_url(self, url: str) -> CheckedUrl:
        """Returns the parsed URL. Raises EgressError if the address rules refuse it."""
        try:
            return self._reach.rules.check_url(url)
        except RefusedUrl as refused:
            raise EgressError("address", f"the URL {refused}") from None

    async def aclose(self) -> None:
        """Closes all connections."""
        await (self._close() if self._thread is None else self._thread.run(self._close()))

    # --- on the thread ------------------------------------------------------------------------------------------------

    async def _request(
        self, method: str, url: CheckedUrl, headers: Mapping[str, str] | None, content: bytes, reading: BodyReading
    ) -> EgressResponse:
        try:
            session = await self._session(url.scheme)
            async with session.request(
                method, url, headers=headers, data=content, timeout=self._timeout, allow_redirects=False
            ) as response:
                return EgressResponse(response.status, response.headers, await reading.body_of(response))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _error_of(error, url, self._limits) from error

    async def _session(self, scheme: str) -> aiohttp.ClientSession:
        """Returns aiohttp's session for the URL scheme `http` or `https`. The first request with the scheme creates it.

        Reading the trusted certificates takes tens of milliseconds, so that happens in another thread.
        """
        if self._loop is not asyncio.get_running_loop():  # which was another one if the thread had ended
            self._loop = asyncio.get_running_loop()
            self._sessions.clear()
        encrypted = scheme == "https"
        tls: ssl.SSLContext | Literal[True] = True
        if encrypted and scheme not in self._sessions:
            tls = await asyncio.to_thread(lambda: self._reach.tls)
        if scheme not in self._sessions:
            lookup = partial(self._reach.addresses, encrypted=encrypted)
            self._sessions[scheme] = aiohttp.ClientSession(
                connector=BoundedConnector(lookup, self._limits.connections, self._limits.idle_s, tls),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"user-agent": f"Talkwire/{version('talkwire')}", "accept-encoding": "identity"},
            )
        return self._sessions[scheme]

    async def _close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()


def _error_of(error: Exception, url: CheckedUrl, limits: EgressLimits) -> EgressError:
    """Returns the EgressError that callers get instead of an exception of aiohttp or the operating system."""
    match error:
        case TimeoutError():
            return EgressError("timeout", f"no response within {limits.total_s:g} s")
        case MalformedResponse() | ResponseTooLarge():
            return EgressError("response", str(error))
        case aiohttp.ClientConnectorCertificateError():
            assert isinstance(error.certificate_error, OSError), "ssl.CertificateError is one"
            return EgressError("connection", f"cannot connect: {cause_of(error.certificate_error)}")
        case aiohttp.ClientConnectorError():
            cause = error.os_error
            reason: Reason = "address" if isinstance(cause, RefusedAddress) else "connection"
            unknown = reason == "connection" and isinstance(error, aiohttp.ClientConnectorDNSError)
            what = f"{url.raw_host} could not be resolved: " if unknown else ""
            return EgressError(reason, f"cannot connect: {what}{cause_of(cause)}")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | aiohttp.ClientPayloadError():
            return EgressError("connection", "the connection was closed before the response was complete")
        case _:  # the library's text may quote the response
            return EgressError("connection", "the response is not HTTP")


def cause_of(error: OSError) -> str:
    """Returns why a connection could not be made, in the words of the system or of OpenSSL."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError):  # its number is none of the system's
        return f"the TLS handshake failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error) or "the server closed the connection"
