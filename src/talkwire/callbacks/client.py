"""Sends the signed HTTP requests of callbacks to the application's back end, and reads the responses."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from secrets import token_hex
from typing import Literal, TypeVar

import msgspec
import structlog

from talkwire.callbacks.metrics import CallbackMetrics
from talkwire.egress import Egress, EgressError, EgressLimits, Signer
from talkwire.observability.log_rate_limit import LogRateLimit

A = TypeVar("A", bound=msgspec.Struct)

OnFailure = Literal["refuse", "allow"]

RESPONSE_MIN_MAX = 1024 * 1024
"""Least limit of a response's size, in bytes. A response may repeat the command, which is at most the largest
packet."""

MESSAGE_MAX_LENGTH = 1000
"""Most characters of a back end's error message that are passed on."""

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackOptions:
    """The operator's settings of callbacks. `urls` maps the name of a callback, `connect` or a command's name such as
    `message:send`, to its URL. `secret` signs the requests.

    `on_failure` says what happens to a command whose callback fails: `refuse`, or `allow` to execute it. `timeout_s`
    limits a whole request in seconds, `response_max` the body of its response in bytes.
    """

    urls: Mapping[str, str]
    secret: str
    timeout_s: float = 2.0
    on_failure: OnFailure = "refuse"
    response_max: int = RESPONSE_MIN_MAX


class CallbackFailed(Exception):
    """Raised if a callback got no valid response. `reason` is one word: `address` (the address rules refuse the URL),
    `connection`, `timeout`, `status` (not 200) or `response` (invalid). The text is for the operator.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class CallbackRefusal(msgspec.Struct, frozen=True):
    """The field `error` of a callback's JSON response, with which the back end refuses a command or a token.

    Unknown fields inside `error` are ignored: if they made the response invalid, a command that the back end refuses
    would be executed where `on_failure` is `allow`.
    """

    code: str = ""
    message: str = ""


class CallbackClient:
    """An HTTP client that sends signed callback requests to the application's back end. Close it with `aclose`.

    Each callback has its own connections, so that a slow callback does not delay the others.
    """

    def __init__(self, egress: Egress, options: CallbackOptions, metrics: CallbackMetrics) -> None:
        limits = EgressLimits(
            connect_s=options.timeout_s, total_s=options.timeout_s, response_max=options.response_max, connections=200
        )
        self._urls = options.urls
        self._clients = {name: egress.client(limits) for name in options.urls}
        self._signer = Signer(options.secret)
        self._metrics = metrics
        self._lines = LogRateLimit()

    async def ask(self, name: str, request: Mapping[str, object], response_type: type[A]) -> A:
        """Sends `request` as signed JSON to the URL of the callback `name`, and returns the response, decoded from JSON
        as `response_type`.

        Raises CallbackFailed if no response arrives within the `timeout_s` of the options, if its status is not 200, or
        if its body is invalid.
        """
        body = msgspec.json.encode({"type": name, **request}).decode()
        headers = self._signer.headers(f"msg_{token_hex(12)}", body, datetime.now(UTC))
        headers["content-type"] = "application/json"
        started = time.perf_counter()
        try:
            response = await self._clients[name].request(
                "POST", self._urls[name], headers=headers, content=body.encode()
            )
        except EgressError as error:
            raise CallbackFailed(error.reason, str(error)) from error
        finally:
            self._metrics.observe(name, time.perf_counter() - started)
        if response.status != HTTPStatus.OK:
            raise CallbackFailed("status", f"the status is {response.status}, not 200")
        try:
            return msgspec.json.decode(response.body, type=response_type)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CallbackFailed("response", f"the response is invalid: {error}") from None

    def count(self, name: str, outcome: str) -> None:
        """Counts one call of the callback `name` in the metrics. `outcome` is `allowed`, `changed` or `refused`; use
        `count_failure` for a call that failed.
        """
        self._metrics.count(name, outcome)

    def count_failure(self, name: str, failure: CallbackFailed, outcome: str) -> None:
        """Counts and logs a failed call of the callback `name`. `outcome` is what the log says was done about the
        failure: `refuse` or `allow`.
        """
        self._metrics.count(name, "failed")
        suppressed = self._lines.take(time.monotonic())
        if suppressed is not None:
            more = {"suppressed": suppressed} if suppressed else {}
            _logger.warning(
                "callback_failed", callback=name, reason=failure.reason, error=str(failure), outcome=outcome, **more
            )

    async def aclose(self) -> None:
        """Closes the connections of all callbacks. Requests in flight fail."""
        for client in self._clients.values():
            await client.aclose()
