"""Signs and sends requests to one webhook endpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from talkwire.core.domain.printable import printable
from talkwire.egress import (
    BodyReading,
    CheckedUrl,
    Egress,
    EgressError,
    EgressLimits,
    EgressResponse,
    RefusedUrl,
    Signer,
    parse_retry_after,
)

ENDPOINT_CONNECTIONS = 16
"""Most requests that one endpoint receives at a time."""

WEBHOOK_TIMEOUT_S = 15.0
"""Longest time until a response must have arrived, in seconds."""

ENDPOINT_IDLE_S = 1.5
"""Seconds for which an idle connection is kept: fewer than endpoints do, since a request must not meet the moment of
closing."""

ERROR_MAX_LENGTH = 200
"""Most characters of an attempt's error that are kept."""

RESPONSE_MAX_BYTES = 1024
"""Most bytes of the body of a response that does not accept an event that are kept."""

_READING = BodyReading(0, kept=RESPONSE_MAX_BYTES)

_GONE = 410


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """The outcome of one attempt to send an event. `at_ms` is when it was sent, in milliseconds since 1970, and
    `duration_ms` how long it took. `status` is None without a response, `error` is None if the event was accepted.

    `kind` is one of `metrics.OUTCOMES`, such as `accepted` or `timeout`. `retry_after_s` is the delay in seconds that
    the endpoint asks for. `response` is the beginning of the response's body, None if it is empty or the event was
    accepted.
    """

    kind: str
    at_ms: int
    duration_ms: int
    status: int | None = None
    error: str | None = None
    retry_after_s: float | None = None
    response: str | None = None

    @property
    def accepted(self) -> bool:
        return self.kind == "accepted"

    @property
    def gone(self) -> bool:
        """True if the endpoint responded with HTTP 410, which means that it wants no more requests."""
        return self.status == _GONE


class WebhookSender:
    """Sends signed events to one endpoint.

    `secrets` sign the requests; `sign_with` replaces them. `now_s` returns seconds since 1970.
    """

    def __init__(
        self, egress: Egress, url: str, secrets: tuple[str, ...], now_s: Callable[[], float] = time.time
    ) -> None:
        self.secrets = secrets
        self._signer = Signer(*secrets)
        self._now_s = now_s
        self._url = _checked(egress, url)
        self._client = egress.client(
            EgressLimits(
                total_s=WEBHOOK_TIMEOUT_S,
                connections=ENDPOINT_CONNECTIONS,
                idle_s=ENDPOINT_IDLE_S,
                response_max=0,
            )
        )

    def sign_with(self, secrets: tuple[str, ...]) -> None:
        """Replaces the secrets that sign requests, for all later requests."""
        self._signer, self.secrets = Signer(*secrets), secrets

    async def send(self, event_id: str, body: str) -> SendOutcome:
        """Sends one event to the endpoint and returns the outcome. Never raises, except when it is cancelled."""
        began, at_s = time.monotonic(), self._now_s()

        def outcome(kind: str, error: str | None, response: EgressResponse | None = None) -> SendOutcome:
            shortened = None if error is None else error[:ERROR_MAX_LENGTH]
            took_ms = round((time.monotonic() - began) * 1000)
            status = None if response is None else response.status
            retry_after = None if response is None else response.headers.get("retry-after")
            wait_s = parse_retry_after(retry_after, at_s)
            body = None if response is None or response.accepted else _text_of(response.body)
            return SendOutcome(kind, round(at_s * 1000), took_ms, status, shortened, wait_s, body)

        headers = self._signer.headers(event_id, body, datetime.fromtimestamp(at_s, UTC))
        headers["content-type"] = "application/json"
        try:
            response = await self._client.request(
                "POST", self._url, headers=headers, content=body.encode(), reading=_READING
            )
        except EgressError as error:
            return outcome("timeout" if error.reason == "timeout" else "unreachable", str(error))
        if response.accepted:
            return outcome("accepted", None, response)
        return outcome("refused", _meaning_of(response.status), response)

    async def close(self) -> None:
        """Closes all connections to the endpoint."""
        await self._client.aclose()


def _checked(egress: Egress, url: str) -> str | CheckedUrl:
    """Returns the parsed URL if the address rules allow it, so that it is not checked for each event. Returns a refused
    URL as text, so that each request fails with the reason.
    """
    try:
        return egress.rules.check_url(url)
    except RefusedUrl:
        return url


def _text_of(body: bytes) -> str | None:
    return printable(body.decode("utf-8", "replace")) or None


def _meaning_of(status: int) -> str:
    if 300 <= status < 400:
        return f"HTTP status {status}; redirects are not followed"
    return f"HTTP status {status}"
