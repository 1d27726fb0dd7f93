"""Signs and sends requests to one webhook endpoint, over connections to allowed IP addresses only.

It uses aiohttp, which takes a fraction of the processor time of httpx (docs/decisions/0052).
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from talkwire.egress import Egress, RefusedAddress, RefusedUrl, Signer, parse_retry_after

CONNECTIONS = 16
"""How many requests one endpoint receives at a time."""

TIMEOUT_S = 15.0
"""Seconds until the response must have arrived."""

DRAIN_S = 1.0
BODY_MAX_BYTES = 64 * 1024
"""How long and how much of an accepted response's body is read, so that the connection can be used again."""

IDLE_S = 1.5
"""How long an idle connection is kept: less than endpoints do, since a request must not meet the moment of closing."""

ERROR_MAX_LENGTH = 200

_GONE = 410


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """The outcome of one attempt to send an event: HTTP status, error, start and duration in milliseconds.

    `kind` is one of `metrics.OUTCOMES`, such as `accepted` or `timeout`.
    """

    kind: str
    at_ms: int
    duration_ms: int
    status: int | None = None
    error: str | None = None
    retry_after_s: float | None = None

    @property
    def accepted(self) -> bool:
        return self.kind == "accepted"

    @property
    def gone(self) -> bool:
        """True if the endpoint responded with HTTP 410, which means that it wants no more requests."""
        return self.status == _GONE


class WebhookSender:
    """An HTTP client that sends signed events to one endpoint. Create and close it on the event loop that uses it.

    `secrets` sign the requests; `sign_with` replaces them. `now_s` returns seconds since 1970.
    """

    def __init__(
        self, egress: Egress, url: str, secrets: tuple[str, ...], now_s: Callable[[], float] = time.time
    ) -> None:
        self.secrets = secrets
        self._signer = Signer(*secrets)
        self._now_s = now_s
        self._refusal = _refusal(egress, url)
        self._url = URL(url, encoded=True)
        encrypted = self._url.scheme == "https"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS,
                resolver=_CheckedResolver(egress, encrypted=encrypted),
                use_dns_cache=False,
                ssl=egress.tls if encrypted else True,
                keepalive_timeout=IDLE_S,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            auto_decompress=False,
            headers={
                "content-type": "application/json",
                "user-agent": f"Talkwire/{version('talkwire')}",
                "accept-encoding": "identity",
            },
        )

    def sign_with(self, secrets: tuple[str, ...]) -> None:
        """Replaces the secrets that sign requests, for all later requests."""
        self._signer, self.secrets = Signer(*secrets), secrets

    async def send(self, event_id: str, body: str) -> SendOutcome:
        """Sends one event to the endpoint and returns the outcome. Never raises, except when it is cancelled."""
        began, at_s = time.monotonic(), self._now_s()

        def outcome(kind: str, status: int | None = None, error: str | None = None) -> SendOutcome:
            shortened = None if error is None else error[:ERROR_MAX_LENGTH]
            return SendOutcome(kind, round(at_s * 1000), round((time.monotonic() - began) * 1000), status, shortened)

        if self._refusal is not None:
            return outcome("unreachable", error=self._refusal)
        headers = self._signer.headers(event_id, body, datetime.fromtimestamp(at_s, UTC))
        try:
            response = await self._session.post(self._url, data=body.encode(), headers=headers, allow_redirects=False)
        except TimeoutError:
            return outcome("timeout", error=f"no response within {TIMEOUT_S:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return outcome("unreachable", error=_cause_of(error))
        if 200 <= response.status < 300:
            await _drain(response)
            return outcome("accepted", response.status)
        response.close()
        refused = outcome("refused", response.status, _meaning_of(response.status))
        retry_after_s = parse_retry_after(response.headers.get("retry-after"), at_s)
        return SendOutcome("refused", refused.at_ms, refused.duration_ms, refused.status, refused.error, retry_after_s)

    async def close(self) -> None:
        """Closes all connections to the endpoint."""
        await self._session.close()


def _refusal(egress: Egress, url: str) -> str | None:
    """Returns why the address rules forbid a URL, without a name lookup; None if they allow it."""
    try:
        egress.rules.check_url(url)
    except RefusedUrl as refused:
        return f"the URL {refused}"
    return None


def _cause_of(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect: {error.os_error.strerror or error.os_error}"
    return str(error) or type(error).__name__


def _meaning_of(status: int) -> str:
    if 300 <= status < 400:
        return f"HTTP status {status}; redirects are not followed"
    return f"HTTP status {status}"


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Reads and drops the body of an accepted response, so that its connection can be reused. Closes the connection if
    the body is long or slow.
    """
    if response.content.at_eof():
        response.release()
        return
    try:
        async with asyncio.timeout(DRAIN_S):
            size = 0
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > BODY_MAX_BYTES:
                    break
            else:
                response.release()
                return
    except (TimeoutError, aiohttp.ClientError):
        pass
    response.close()


class _CheckedResolver(AbstractResolver):
    """A name resolver for aiohttp that returns only addresses which the server may reach. `encrypted`: for https
    URLs.
    """

    def __init__(self, egress: Egress, *, encrypted: bool) -> None:
        self._egress = egress
        self._encrypted = encrypted

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 (aiohttp's signature)
    ) -> list[ResolveResult]:
        """Returns the IP addresses of a host name. Raises OSError if the server may not reach one of them."""
        try:
            addresses = await self._egress.addresses(host, port, encrypted=self._encrypted)
        except RefusedAddress as refused:
            raise OSError(str(refused)) from None
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Does nothing, as aiohttp requires the method: the threads that resolve names belong to `Egress`."""
