"""Logs and counts every HTTP request to the API, and gives each request an id, which is also in the response's header
`X-Request-Id`."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from secrets import token_hex
from typing import Any

import structlog

from talkwire.observability.request_metrics import RequestMetrics
from talkwire.observability.spans import RequestSpan, Tracer

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

REQUEST_ID = b"x-request-id"
"""Name of the header with a request's id, in requests and responses."""

_REQUEST_ID_FORM = re.compile(rb"[\w.:/+=@-]{1,128}")
"""Pattern of a request id from a client or a proxy that is used. An id of any other form is replaced."""

_ID_BYTES = 8

_METHOD_SHOWN = 16

_BROKEN_OFF = 499
"""Status that is logged if the client disconnected before the response."""

_logger = structlog.get_logger(__name__)


class RequestLog:
    """An ASGI middleware that logs, counts and traces each HTTP request. The logged route is the template of the path,
    such as `/api/v1/messages/{message_id}`; None for an unknown path."""

    def __init__(self, app: AsgiApp, metrics: RequestMetrics, tracer: Tracer | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._tracer = tracer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        if self._tracer is None:
            await self._serve(scope, receive, send, None)
            return
        with self._tracer.request(
            {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        ) as span:
            await self._serve(scope, receive, send, span)

    async def _serve(self, scope: Any, receive: Any, send: Any, span: RequestSpan | None) -> None:  # noqa: ANN401 (ASGI)
        request_id = _request_id(scope)
        status = _BROKEN_OFF

        async def send_with_id(message: Any) -> None:  # noqa: ANN401 (ASGI)
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (REQUEST_ID, request_id)]}
            await send(message)

        start = time.perf_counter()
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._note(scope, int(status), time.perf_counter() - start, request_id.decode(), span)

    def _note(self, scope: Any, status: int, duration_s: float, request_id: str, span: RequestSpan | None) -> None:  # noqa: ANN401 (ASGI)
        method, route = scope["method"], scope.get("path_template")
        if span is not None:
            span.describe(method, route, status, request_id)
        self._metrics.note(route, method, status, duration_s)
        _logger.info(
            "request",
            method=method[:_METHOD_SHOWN],
            route=route,
            status=status,
            duration_ms=round(duration_s * 1000, 1),
            request_id=request_id,
        )


def _request_id(scope: Any) -> bytes:  # noqa: ANN401 (ASGI)
    for name, value in scope["headers"]:
        if name == REQUEST_ID and _REQUEST_ID_FORM.fullmatch(value):
            given: bytes = value
            return given
    return token_hex(_ID_BYTES).encode()
