"""Reads the events of the server's log from a cursor (a position in the log), in order and each once."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from talkwire_client.api import FOR_EVER_S, Api, Request, without_none
from talkwire_client.event import Event
from talkwire_client.live import LiveConnection
from talkwire_client.payloads import AnyEvent, LogEvent, LogEventList, Sync, SyncEvent

WAIT_S = 30
"""Seconds for which the server holds a request for events while there are none."""

POLL_S = 5.0
"""Seconds between two looks of a member's stream for events while its socket is not connected."""

PAUSE_S = 0.05
"""Pause between two pages of a member's stream, in seconds, so that a busy chat is read in fewer, larger pages."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Selects events by type and conversation. None in a field means that the field excludes no event.

    With `final`, which only the server can apply, a message that is written while others read it is new at its first
    end.
    """

    types: Collection[str] | None = None
    conversation_id: str | None = None
    final: bool = False

    def matches(self, event: AnyEvent) -> bool:
        if self.types is not None and event.type not in self.types:
            return False
        return self.conversation_id is None or event.conversation_id == self.conversation_id


@dataclass(frozen=True, slots=True)
class Page:
    """Some events, and the cursor (position in the log) from which to request the next page.

    The cursor is also behind the events that a filter has excluded.
    """

    events: Iterable[AnyEvent]
    cursor: str


class PageSource(Protocol):
    """The interface from which an `EventStream` reads pages of events."""

    async def page(self, after: str) -> Page:
        """Returns the events that follow the cursor `after`. Waits while there are none, but may also return an empty
        page.
        """


class EventStream:
    """The events after a cursor (a position in the log), for `async for`.

    Raises `TalkwireError` with `must_reload` if the server no longer has all events after the cursor. The iteration can
    be interrupted and continued at any time: each event is yielded once.
    """

    def __init__(self, source: PageSource, after: str, moved: Callable[[str], None] | None) -> None:
        self._source = source
        self._read_to = after
        self._yielded_to = after
        self._moved = moved
        self._waiting: deque[AnyEvent] = deque()
        self._lock = asyncio.Lock()

    @property
    def cursor(self) -> str:
        """The cursor (position in the log) after the last event that the stream yielded."""
        return self._yielded_to if self._waiting else self._read_to

    def __aiter__(self) -> AsyncIterator[AnyEvent]:
        return self

    async def __anext__(self) -> AnyEvent:
        async with self._lock:
            while not self._waiting:  # Suspends: each round sends a request.
                page = await self._source.page(self._read_to)
                self._waiting.extend(page.events)
                self._read_to = page.cursor
            event = self._waiting.popleft()
            self._yielded_to = event.cursor
            if self._moved is not None:
                self._moved(event.cursor)
            return event


class LogSource:
    """Reads the events of the whole server, for the application's back end and admins.

    It uses long polling: the server holds a request until there are events.
    """

    def __init__(self, api: Api, selected: EventFilter) -> None:
        self._api = api
        self._selected = selected

    async def page(self, after: str) -> Page:
        params = {
            "after": after,
            "wait": WAIT_S,
            "types": None if self._selected.types is None else ",".join(self._selected.types),
            "conversationId": self._selected.conversation_id,
            "final": "true" if self._selected.final else None,
        }
        request = Request("GET", "/api/v1/events", params=without_none(params), read_s=WAIT_S + 30.0)
        found: LogEventList = (await self._api.send(request, FOR_EVER_S)).json()
        return Page([_from_log(event) for event in found["items"]], found["cursor"])


class SyncSource:
    """Reads the events that a user may see, from the REST route `sync`.

    It sends a request whenever the user's socket has received an event or has reconnected.
    """

    def __init__(self, api: Api, live: LiveConnection, selected: EventFilter) -> None:
        self._api = api
        self._live = live
        self._selected = selected
        self._seen = 0
        """Value of the socket's `changes` at the time of the last page. Zero: there may be more."""
        self._next_page_at = 0.0
        live.start()

    async def page(self, after: str) -> Page:
        await self._changed()
        # Kept from before the request: the answer may not have what happens from now on.
        changes = self._live.changes
        request = Request("GET", "/api/v1/sync", params={"after": after})
        found: Sync = (await self._api.send(request, FOR_EVER_S)).json()
        self._next_page_at = time.monotonic() + PAUSE_S
        self._seen = 0 if found.get("more") else changes
        events = [_from_sync(event, found["cursor"]) for event in found.get("events", ())]
        return Page([event for event in events if self._selected.matches(event)], found["cursor"])

    async def _changed(self) -> None:
        """Waits until there may be new events: the socket received one or reconnected, or is disconnected for some
        time.
        """
        while self._seen == self._live.changes:  # Suspends: `next_news` waits for an event that is not set.
            try:
                async with asyncio.timeout(None if self._live.is_connected else POLL_S):
                    await self._live.next_news()
            except TimeoutError:
                return
        if self._seen:
            await asyncio.sleep(self._next_page_at - time.monotonic())


def _from_log(event: LogEvent) -> AnyEvent:
    found: Event[str, Any] = Event(
        event["id"], event["type"], event["data"], event.get("conversationId"), event["time"], event.get("actorId")
    )
    return cast("AnyEvent", found)


def _from_sync(event: SyncEvent, page_cursor: str) -> AnyEvent:
    """Returns an event of a `sync` response as an `Event` with a cursor of its own.

    The cursor is made of the log's name, taken from the page's cursor, and the event's position in the log.
    """
    log_name = page_cursor.rpartition("-")[0]
    data = event["data"]
    conversation_id = data.get("conversationId")
    if conversation_id is None and event["event"] in {"conversation:new", "conversation:updated"}:
        conversation_id = data["id"]
    found: Event[str, Any] = Event(f"{log_name}-{event['pos']}", event["event"], data, conversation_id)
    return cast("AnyEvent", found)
