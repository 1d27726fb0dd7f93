"""Lanes: each handles one connection's events in the order in which they arrived.

Commands go through the database writer in the order in which they are submitted, so several of them may run at once
(*pipelined*): one busy client's commands can share a commit. Any other event starts when all events before it have
finished, and the events behind it wait until it has finished.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import structlog

UNFINISHED_EVENTS_MAX = 256
"""Most unfinished events of a connection; with more, the server stops reading from it."""

Start = Callable[[], bool]
"""Function that starts an event's work. Returns True if the work continues in the background and will call
`Lane.finished`; False if it is done."""

_logger = structlog.get_logger(__name__)


class LaneOwner(Protocol):
    """The interface that a lane (a queue of a connection's events) uses of its owner, the connection."""

    def lane_changed(self) -> None:
        """Pauses or resumes reading from the client, depending on whether the lane (the queue of the client's events)
        is full. Called when the lane has become full, and after each change until it is no longer full.

        If the lane is `watched`, also called when work has finished: an owner that waits for the end of all work then
        closes the connection.
        """
        ...


class Lane:
    """A queue that runs the events of one connection, its `owner`, in order. Each event is given as a function that
    starts its work.
    """

    __slots__ = (
        "_exclusive",
        "_owner",
        "_room",
        "_running",
        "_waiting",
        "_was_full",
        "held",
        "query",
        "slowed",
        "watched",
    )

    def __init__(self, owner: LaneOwner) -> None:
        self._running = 0
        self._exclusive = False
        self._waiting: deque[tuple[Start, bool]] | None = None
        self._owner: LaneOwner | None = owner
        self._room: Future[None] | None = None
        self._was_full = False
        self.query: Future[Any] | None = None
        """The query that runs, whose result nobody wants once the connection closes."""
        self.watched = False
        """Whether the owner waits for the end of all work."""
        self.held = False
        """Whether the client leaves its output unread. Then only commands are started; queries wait."""
        self.slowed = False
        """Whether the client exceeds its rate limits; the server pauses reading from it."""

    @property
    def idle(self) -> bool:
        return not self._running and not self._waiting

    @property
    def is_full(self) -> bool:
        """Returns whether the server should stop reading from the connection: too many events are unfinished, or the
        client exceeds its rate limits.
        """
        return self.slowed or self._running + len(self._waiting or ()) > UNFINISHED_EVENTS_MAX

    def enter(self, start: Start, *, pipelined: bool) -> None:
        """Starts an event's work now, or queues it behind earlier events. `pipelined` work may run at the same time as
        other pipelined work; any other work runs alone. `start` returns True if the work continues in the background;
        `finished` must be called at its end.
        """
        if self._waiting or not self._may_start(pipelined):
            if self._waiting is None:
                self._waiting = deque()
            self._waiting.append((start, pipelined))
        else:
            self._begin(start, pipelined)
        if self._running + len(self._waiting or ()) > UNFINISHED_EVENTS_MAX:
            self._was_full = True
            self._changed()

    async def room(self) -> None:
        """Waits until the lane (the queue of a connection's events) is not full, or is cleared. Returns at once if it
        is not full.
        """
        if self.is_full:
            if self._room is None:
                self._room = get_running_loop().create_future()
            await self._room

    def slow(self, *, slowed: bool) -> None:
        """Makes the lane count as full (True), so that the owner pauses reading from a client that exceeds its rate
        limits, or ends that (False).
        """
        self.slowed = slowed
        self._moved()

    def release(self) -> None:
        """Sets `held` to False, since the client has read its output: starts the queued queries that waited for
        that.
        """
        self.held = False
        self._advance()
        self._moved()

    def clear(self) -> None:
        """Drops the queued events and cancels a query, since the connection is closing. Other events that have started
        continue.
        """
        self._waiting = None
        if self.query is not None:
            self.query.cancel()
        self.slowed = False
        self._make_room()

    def close(self) -> None:
        """Drops the queued events and the reference to the owner, whose session has ended."""
        self.clear()
        self._owner = None

    def _changed(self) -> None:
        if self._owner is not None:
            self._owner.lane_changed()

    def _make_room(self) -> None:
        if self._room is not None:
            room, self._room = self._room, None
            if not room.done():
                room.set_result(None)

    def _may_start(self, pipelined: bool) -> bool:  # noqa: FBT001
        if not self._running:
            return pipelined or not self.held
        return pipelined and not self._exclusive

    def _begin(self, start: Start, pipelined: bool) -> None:  # noqa: FBT001
        self._running += 1
        self._exclusive = not pipelined
        try:
            under_way = start()
        except Exception:
            # The events behind this one must not wait for ever.
            _logger.exception("event_not_handled")
            under_way = False
        if not under_way:
            self._running -= 1

    def finished(self) -> None:
        """Must be called once for each event whose `start` returned True, when its work has finished. Starts the queued
        events that were waiting for that.
        """
        self._running -= 1
        self.query = None
        if self._waiting:
            self._advance()
        if self._was_full or self.watched:
            self._moved()

    def _moved(self) -> None:
        self._was_full = self.is_full
        if not self._was_full:
            self._make_room()
        self._changed()

    def _advance(self) -> None:
        while self._waiting and self._may_start(self._waiting[0][1]):
            self._begin(*self._waiting.popleft())
