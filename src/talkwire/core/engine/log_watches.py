"""Long polls and streams of the application's backend that read the log of events and wait for new ones.

Waiting costs nothing until an event arrives. Each event that this node delivers is compared in memory, once with each
different filter, and wakes only the readers whose filter selects it. Readers that were woken read from the database;
those with the same filter and position read together, and share what is made of their page.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from msgspec.structs import replace

from talkwire.core.commands.sync import ListLogEvents, LogFilter, LogPage
from talkwire.core.domain.events import (
    Durable,
    DurableEvent,
    LoginEnded,
    News,
    PositionsPassed,
    UserBanned,
    UserErased,
)
from talkwire.core.domain.model import Actor, ActorRole
from talkwire.core.ports.chat import CommandExecutor
from talkwire.core.signals.streams.watches import DRAINING_WAIT_S
from talkwire.core.single_flight import SingleFlight

R = TypeVar("R")


class LogWatch:
    """A reader of the log, which returns one page after the other and waits for new events. To be used in a `with`
    block.

    The reader ends, which means that it does not wait any more, when its user is banned or erased, when its device
    `session_id` signs out, or when the node is about to stop.
    """

    def __init__(self, watches: LogWatches, actor: Actor, query: ListLogEvents, session_id: str | None) -> None:
        self.actor = actor
        self.session_id = session_id
        self.wanted = query.filter
        self.ended = False
        self._watches = watches
        self._query = query
        self._epoch = ""
        self._pos = 0
        self._has_more = True
        self._found_pos = 0
        self._waiter: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        self._watches.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._watches.remove(self)

    def made_of(self, page: LogPage, make: Callable[[LogPage], R]) -> R:
        """Returns `make(page)`, such as the page's bytes. Readers with the same filter that received the same page
        share one call of `make`, and must not change the result."""
        return self._watches.made_of(page, self.wanted, make)

    async def next_page(self, until_s: float) -> LogPage:
        """Waits for events and returns the next page. Returns an empty page at the time `until_s` of the event loop's
        clock, or when the reader ends.

        Raises the ChatError with which the query of the log is refused.
        """
        while True:  # Suspends: each round reads the database, returns, or waits for a new future.
            if self._has_more or self._found_pos > self._pos:
                # A read that others began may have begun before the newest events were handed out.
                self._found_pos = max(self._found_pos, self._watches.pos)
                page = await self._watches.read(self.actor, self._query)
                self._move_to(page)
                if page.events or self._is_over(until_s):
                    return page
            elif self._is_over(until_s):
                # All events since were compared in memory.
                page = LogPage((), self._epoch, max(self._pos, self._watches.pos), more=False)
                self._move_to(page)
                return page
            else:
                await self._wait(until_s)

    def note(self, pos: int) -> None:
        """Wakes the reader, because its filter may select events up to the log position `pos`."""
        self._found_pos = pos
        self._wake()

    def end(self) -> None:
        """Ends the reader: it wakes and does not wait for events any more."""
        self.ended = True
        self._wake()

    def _move_to(self, page: LogPage) -> None:
        self._query = replace(self._query, after=page.cursor)
        self._epoch, self._pos, self._has_more = page.epoch, page.pos, page.more

    def _is_over(self, until_s: float) -> bool:
        return self.ended or asyncio.get_running_loop().time() >= until_s

    async def _wait(self, until_s: float) -> None:
        loop = asyncio.get_running_loop()
        is_draining = self._watches.is_draining
        self._waiter = loop.create_future()
        timer = loop.call_at(min(until_s, loop.time() + DRAINING_WAIT_S) if is_draining else until_s, self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None
        if is_draining:
            self.ended = True

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class LogWatches:
    """All readers of the log of events on this node. `pos` is the log position up to which this node has delivered
    events."""

    def __init__(self, chat: CommandExecutor, pos: int) -> None:
        self.chat = chat
        self.pos = pos
        """Position up to which this node has handed out the log."""
        self.is_draining = False
        self._by_filter: defaultdict[LogFilter, set[LogWatch]] = defaultdict(set)
        self._reading: SingleFlight[tuple[str, ActorRole, ListLogEvents], LogPage] = SingleFlight()
        self._made: dict[LogFilter, dict[Callable[[LogPage], Any], tuple[LogPage, Any]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_filter.values()))

    def open(self, actor: Actor, query: ListLogEvents, session_id: str | None = None) -> LogWatch:
        """Returns a new reader of the log, which begins with `query`. `session_id` is the actor's signed-in device, if
        any."""
        return LogWatch(self, actor, query, session_id)

    def add(self, watch: LogWatch) -> None:
        self._by_filter[watch.wanted].add(watch)

    def remove(self, watch: LogWatch) -> None:
        alike = self._by_filter[watch.wanted]
        alike.discard(watch)
        if not alike:
            del self._by_filter[watch.wanted]
            self._made.pop(watch.wanted, None)

    async def read(self, actor: Actor, query: ListLogEvents) -> LogPage:
        """Returns a page of the log. Callers that ask for the same page at the same time share one read of the
        database. Raises the ChatError with which the query is refused, such as `forbidden` for ordinary users."""
        if query.after is None:
            return await self.chat.execute(actor, query)  # each begins at the end that the log has now
        key = (actor.user_id, actor.role, query)
        return await self._reading.run(key, lambda: self.chat.execute(actor, query))

    def made_of(self, page: LogPage, wanted: LogFilter, make: Callable[[LogPage], R]) -> R:
        """Returns `make(page)`. Readers with the filter `wanted` that received the same page share one call of
        `make`."""
        made = self._made.setdefault(wanted, {})
        known = made.get(make)
        if known is None or known[0] is not page:
            known = made[make] = (page, make(page))
        return cast("R", known[1])

    def drain(self) -> None:
        """Ends all readers, because the node is about to stop. Readers that are opened later wait for events for at
        most `DRAINING_WAIT_S` seconds."""
        self.is_draining = True
        for watch in self._all():
            watch.end()

    def follow(self, events: Sequence[News]) -> None:
        """Wakes the readers whose filters select any of a batch of events. Ends readers of banned or erased users and
        of signed-out devices."""
        durable = [event for event in events if isinstance(event, DurableEvent)] if self._by_filter else ()
        last = events[-1]
        if isinstance(last, PositionsPassed):
            self.pos = last.pos
        elif isinstance(last, DurableEvent):
            before, self.pos = self.pos, last.pos
            if durable:
                self._compare(cast("Sequence[Durable]", durable), is_complete=last.pos - before == len(durable))

    def _compare(self, events: Sequence[Durable], *, is_complete: bool) -> None:
        for wanted, watches in self._by_filter.items():
            # It is unknown whether a filter selects an event that this node has not handed out. It hands out none of a
            # newer version, and none that were pruned before it could read them.
            if not is_complete or any(map(wanted.matches, events)):
                for watch in watches:
                    watch.note(self.pos)
        for event in events:
            if isinstance(event, UserBanned | UserErased | LoginEnded):
                self._end_of(event)

    def _end_of(self, event: UserBanned | UserErased | LoginEnded) -> None:
        user_id = event.user.id if isinstance(event, UserErased) else event.user_id
        for watch in self._all():
            if watch.actor.user_id == user_id and not (
                isinstance(event, LoginEnded) and watch.session_id != event.session_id
            ):
                watch.end()

    def _all(self) -> list[LogWatch]:
        return [watch for watches in self._by_filter.values() for watch in watches]
