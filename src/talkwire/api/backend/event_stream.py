"""An HTTP response of server-sent events (HTML Standard, section 9.2), which sends pages of the log's events to the
application's backend as the events are committed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import msgspec
from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send

from talkwire.dialects.messenger.log_events import LogEventPayload

_encode = msgspec.json.Encoder().encode

_HEADERS = {
    "Cache-Control": "no-store",
    # nginx would otherwise keep events back until it has many.
    "X-Accel-Buffering": "no",
}

_COMMENT = b":\n\n"


class StreamedPage(NamedTuple):
    """One page of an event stream. `blocks` are its events as bytes in the format of server-sent events, `last_id` is
    the id of the last event (empty without events), and `cursor` is the cursor from which a client resumes after the
    page."""

    blocks: bytes
    last_id: str
    cursor: str


def streamed_page(events: Sequence[LogEventPayload], cursor: str) -> StreamedPage:
    return StreamedPage(b"".join(map(_block, events)), events[-1].id if events else "", cursor)


class EventStream(Response[Any]):
    """A Litestar response that sends pages of events as server-sent events. It closes `resources`, the exit stack with
    everything that `pages` needs, when the stream ends, also after an error or a disconnect. With `is_bodiless`, for a
    HEAD request, it sends only the headers."""

    def __init__(
        self, pages: AsyncIterator[StreamedPage], resources: contextlib.AsyncExitStack, *, is_bodiless: bool
    ) -> None:
        super().__init__(b"", status_code=200, headers=_HEADERS, media_type="text/event-stream")
        self._pages = pages
        self._resources = resources
        self._is_bodiless = is_bodiless

    def to_asgi_response(
        self,
        app: object,  # noqa: ARG002 (Litestar gives None)
        request: Request[Any, Any, Any],  # noqa: ARG002
        **options: Any,  # noqa: ANN401 (Litestar's)
    ) -> ASGIResponse:
        return _Streaming(
            blocks_of(self._pages),
            self._resources,
            is_bodiless=self._is_bodiless,
            cookies=chain(self.cookies, options.get("cookies") or ()),
            encoded_headers=options.get("encoded_headers"),
            headers={**(options.get("headers") or {}), **self.headers},
            media_type=self.media_type or "",
            status_code=self.status_code or 200,
        )


async def blocks_of(pages: AsyncIterator[StreamedPage]) -> AsyncGenerator[bytes]:
    """Yields the bytes of each page, as blocks of server-sent events.

    A page whose cursor is later than its last event ends with a block that has only an `id`: a client resumes from that
    cursor, and its code receives no event for the block. A page without events whose cursor was sent already becomes a
    comment, which keeps the connection open.
    """
    sent = ""
    async for page in pages:
        blocks = page.blocks
        sent = page.last_id or sent
        if page.cursor != sent:
            sent = page.cursor
            blocks += b":\nid: %s\n\n" % sent.encode()
        yield blocks or _COMMENT


def _block(event: LogEventPayload) -> bytes:
    # JSON contains no line ends, and neither do ids and types.
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (event.id.encode(), event.type.encode(), _encode(event))


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
