"""The route `GET /api/v1/events`: the application's backend reads the events of the whole log as pages, by long
polling, or as a stream of server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.params import QueryParameter

from talkwire.api.backend.event_stream import StreamedPage, blocks_of, streamed_page
from talkwire.api.description.counterparts import executes
from talkwire.api.description.openapi import streams
from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.caller import end_of
from talkwire.api.http.dependencies import GivenCaller, GivenChat, GivenWatches
from talkwire.api.http.disconnect import until_disconnect
from talkwire.api.http.methods import BODILESS
from talkwire.api.operation_routes import Limit
from talkwire.api.server_sent_events import EVENT_STREAM, HEARTBEAT_S, EventStream
from talkwire.core.commands.sync import ListLogEvents, LogPage
from talkwire.core.domain.access import must_be_trusted
from talkwire.core.domain.errors import ChatError
from talkwire.core.engine.limits import Kind
from talkwire.core.engine.log_watches import LogWatch, LogWatches
from talkwire.dialects.messenger.log_events import LOG_EVENT_NAMES, LogEventPayload, log_event_payloads, log_types_named
from talkwire.identity.callers import Caller

EVENTS_WAIT_MAX_S = 60
"""Longest time that a request for events may wait for the next one, in seconds."""

_STREAMED = "Server-sent events. `event` is the type, `data` the event as JSON, `id` the cursor after it."

Wait = Annotated[
    int,
    QueryParameter(name="wait", ge=0, le=EVENTS_WAIT_MAX_S, description="Seconds to wait while there is no new event"),
]
After = Annotated[
    str | None,
    QueryParameter(name="after", description="A cursor, or `start` for the oldest event kept. Without it: from now on"),
]
Types = Annotated[
    str | None,
    QueryParameter(name="types", description=f"Only these types, separated by commas: {', '.join(LOG_EVENT_NAMES)}"),
]
OfConversation = Annotated[
    str | None, QueryParameter(name="conversationId", description="Only events of this conversation")
]
Final = Annotated[
    bool,
    QueryParameter(
        name="final",
        description="A message that is written while others read it is `message:new` at its first end, not before",
    ),
]


class LogEventsAnswer(msgspec.Struct, frozen=True):
    """A page of events of the log (the ordered list of all committed events), oldest first. `cursor` is the `after` of
    the next request. With `more`, the log has further events, so request the next page at once. With a filter, a page
    may be empty although `more` is true."""

    items: tuple[LogEventPayload, ...]
    cursor: str
    more: bool


@get(
    "/api/v1/events",
    operation_id="listLogEvents",
    summary="List all committed events, wait for new ones, or stream them (role service or admin)",
    tags=["events"],
    opt={**may_refuse(410), **streams(_STREAMED), **executes(ListLogEvents)},
)
async def list_log_events(  # noqa: PLR0913, PLR0917 (Litestar passes them by name)
    caller: GivenCaller,
    chat: GivenChat,
    watches: GivenWatches,
    request: Request[Any, Any, Any],
    after: After = None,
    limit: Limit = 100,
    wait: Wait = 0,
    types: Types = None,
    conversation_id: OfConversation = None,
    final: Final = False,  # noqa: FBT002 (Litestar passes it by name)
) -> Response[LogEventsAnswer]:
    must_be_trusted(caller.actor)
    chat.take_or_refuse(caller.actor, Kind.READS)
    is_streamed = EVENT_STREAM in request.headers.get("accept", "")
    query = ListLogEvents(
        (request.headers.get("last-event-id") if is_streamed else None) or after,
        limit,
        None if types is None else log_types_named(types.split(",")),
        None if conversation_id is None else frozenset({conversation_id}),
        final,
    )
    if is_streamed:
        return await _stream(request, watches, caller, query)
    # A caller without a cursor gets one at once: if the connection broke during a wait, it would miss events.
    may_wait = query.after is not None and not request.state.get(BODILESS)
    until_s = asyncio.get_running_loop().time() + (wait if may_wait else 0)
    async with _reading(watches, caller, query, request) as watch:
        page = await watch.next_page(min(until_s, end_of(caller)))
        return Response(watch.made_of(page, _answer))


async def _stream(
    request: Request[Any, Any, Any], watches: LogWatches, caller: Caller, query: ListLogEvents
) -> EventStream:
    """Returns a response that streams the events of `query` as server-sent events. Reads the first page before it
    returns, so that an invalid cursor raises ChatError and the client receives an error status."""
    async with contextlib.AsyncExitStack() as closing:
        watch = await closing.enter_async_context(_reading(watches, caller, query, request))
        first = await watch.next_page(0.0)
        is_bodiless = bool(request.state.get(BODILESS))
        pages = _pages(watch, first, end_of(caller))
        return EventStream(blocks_of(pages), closing.pop_all(), is_bodiless=is_bodiless)


async def _pages(watch: LogWatch, first: LogPage, end_s: float) -> AsyncIterator[StreamedPage]:
    """Yields pages of events, beginning with `first`, and an empty page after every `HEARTBEAT_S` seconds without an
    event. Ends when `watch`, which reads the log, ends, or at `end_s`, in seconds of the event loop's clock, when the
    caller's token expires."""
    loop = asyncio.get_running_loop()
    page = first
    while True:  # Suspends: each page but the last one was waited for or read from the database.
        yield watch.made_of(page, _streamed)
        if watch.ended or loop.time() >= end_s:
            return
        try:
            page = await watch.next_page(min(loop.time() + HEARTBEAT_S, end_s))
        except ChatError:
            return  # the client reconnects, and receives the reason if it still holds


@contextlib.asynccontextmanager
async def _reading(
    watches: LogWatches, caller: Caller, query: ListLogEvents, request: Request[Any, Any, Any]
) -> AsyncIterator[LogWatch]:
    """A context manager that provides a watch, with which the caller reads the events of `query` from the log. The
    watch ends when the block ends, when the client disconnects, or when the caller loses the right to read the log."""
    with watches.open(caller.actor, query, caller.session_id) as watch:
        async with until_disconnect(request.receive, watch.end):
            yield watch


def _answer(page: LogPage) -> LogEventsAnswer:
    return LogEventsAnswer(log_event_payloads(page.events, page.epoch), page.cursor, page.more)


def _streamed(page: LogPage) -> StreamedPage:
    return streamed_page(log_event_payloads(page.events, page.epoch), page.cursor)
