"""Pages of the log's events as blocks of server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import NamedTuple

import msgspec

from talkwire.api.server_sent_events import COMMENT
from talkwire.dialects.messenger.log_events import LogEventPayload

_encode = msgspec.json.Encoder().encode


class StreamedPage(NamedTuple):
    """One page of an event stream. `blocks` are its events as bytes in the format of server-sent events, `last_id` is
    the id of the last event (empty without events), and `cursor` is the cursor from which a client resumes after the
    page."""

    blocks: bytes
    last_id: str
    cursor: str


def streamed_page(events: Sequence[LogEventPayload], cursor: str) -> StreamedPage:
    return StreamedPage(b"".join(map(_block, events)), events[-1].id if events else "", cursor)


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
        yield blocks or COMMENT


def _block(event: LogEventPayload) -> bytes:
    # JSON contains no line ends, and neither do ids and types.
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (event.id.encode(), event.type.encode(), _encode(event))
