"""An HTTP response of server-sent events (HTML Standard, section 9.2)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping
from itertools import chain
from typing import Any

from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send

EVENT_STREAM = "text/event-stream"
"""Media type of server-sent events."""

HEARTBEAT_S = 15.0
"""Seconds without an event after which a stream sends a comment, since proxies close idle connections."""

COMMENT = b":\n\n"
"""Comment that clients ignore (WHATWG HTML, section 9.2.6)."""

_HEADERS = {
    "Cache-Control": "no-store",
    # nginx would otherwise keep events back until it has many.
    "X-Accel-Buffering": "no",
}


class EventStream(Response[Any]):
    """A Litestar response that sends blocks of server-sent events. It closes `resources`, the exit stack with all that
    `blocks` needs, when the stream ends, also after an error or a disconnect. With `is_bodiless`, for a HEAD request,
    it sends only the headers."""

    def __init__(
        self,
        blocks: AsyncGenerator[bytes],
        resources: contextlib.AsyncExitStack,
        *,
        is_bodiless: bool,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(b"", status_code=200, headers={**_HEADERS, **(headers or {})}, media_type=EVENT_STREAM)
        self._blocks = blocks
        self._resources = resources
        self._is_bodiless = is_bodiless

    def to_asgi_response(
        self,
        app: object,  # noqa: ARG002 (Litestar gives None)
        request: Request[Any, Any, Any],  # noqa: ARG002
        **options: Any,  # noqa: ANN401 (Litestar's)
    ) -> ASGIResponse:
        return _Streaming(
            self._blocks,
            self._resources,
            is_bodiless=self._is_bodiless,
            cookies=chain(self.cookies, options.get("cookies") or ()),
            encoded_headers=options.get("encoded_headers"),
            headers={**(options.get("headers") or {}), **self.headers},
            media_type=self.media_type or "",
            status_code=self.status_code or 200,
        )


class _Streaming(ASGIResponse):
    __slots__ = ("_blocks", "_is_bodiless", "_resources")

    _should_set_content_length = False  # the length is unknown

    def __init__(
        self,
        blocks: AsyncGenerator[bytes],
        resources: contextlib.AsyncExitStack,
        *,
        is_bodiless: bool,
        **options: Any,  # noqa: ANN401 (Litestar's)
    ) -> None:
        super().__init__(**options)
        self._blocks = blocks
        self._resources = resources
        self._is_bodiless = is_bodiless

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401 (ASGI)
        async with self._resources, contextlib.aclosing(self._blocks):
            await super().__call__(scope, receive, send)

    async def send_body(self, send: Send, receive: Receive) -> None:  # noqa: ARG002 (a reader of its own uses it)
        if not self._is_bodiless:
            async for block in self._blocks:
                # Waits until the client has room for it.
                await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
