"""Runs one connection's events in the order in which they came.

Changes go through the writer in the order in which they are submitted, so many of them may be under way at once: that
is what lets one busy client share a commit with itself. Anything else starts when all before it has finished, and all
after it waits.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections import deque
from collections.abc import Callable
from typing import Protocol

import structlog

WAITING_MAX = 256
"""Beyond this many events that wait, no more are read from the connection."""

Start = Callable[[], bool]
"""Begins an event's work. True: it is under way, and `Lane.finished` will be called; False: it is done."""

_logger = structlog.get_logger(__name__)


class LaneOwner(Protocol):
    """A connection, as far as its lane goes."""

    def lane_changed(self) -> None:
        """The lane is crowded, an event has finished or the client reads again: the connection has to stop reading, may
        read on, or may close at last."""
        ...


class Lane:
    """The events of one connection, its owner."""

    __slots__ = ("_exclusive", "_owner", "_room", "_running", "_waiting", "held", "slowed")

    def __init__(self, owner: LaneOwner) -> None:
        self._running = 0
        self._exclusive = False
        self._waiting: deque[tuple[Start, bool]] | None = None
        self._owner: LaneOwner | None = owner
        self._room: Future[None] | None = None
        self.held = False
        """While the client does not read its answers, nothing that would answer more is begun."""
        self.slowed = False
        """Whether the client sends more than it may, and is read no further for a moment."""

    @property
    def idle(self) -> bool:
        return not self._running and not self._waiting

    @property
    def crowded(self) -> bool:
        """Whether no more is to be read from the connection."""
        return self.slowed or self._running + len(self._waiting or ()) > WAITING_MAX

    def enter(self, start: Start, *, pipelined: bool) -> None:
        """Begins the work now or in its turn."""
        if self._waiting or not self._may_start(pipelined):
            if self._waiting is None:
                self._waiting = deque()
            self._waiting.append((start, pipelined))
        else:
            self._begin(start, pipelined)
        if self._running + len(self._waiting or ()) > WAITING_MAX:
            self._changed()

    async def room(self) -> None:
        """Waits until the lane is not crowded."""
        if self.crowded:
            if self._room is None:
                self._room = get_running_loop().create_future()
            await self._room

    def slow(self, *, slowed: bool) -> None:
        """Has the connection stop reading, or read on."""
        self.slowed = slowed
        self._moved()

    def release(self) -> None:
        """The client reads again."""
        self.held = False
        self._advance()
        self._moved()

    def clear(self) -> None:
        """Forgets what has not begun: nobody is there to hear of it."""
        self._waiting = None
        self.slowed = False
        self._make_room()

    def close(self) -> None:
        """Lets go of the owner, which has ended."""
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
            # What comes behind it must not wait for ever.
            _logger.exception("an event could not be handled")
            under_way = False
        if not under_way:
            self._running -= 1

    def finished(self) -> None:
        """Work that was under way is done."""
        self._running -= 1
        self._advance()
        self._moved()

    def _moved(self) -> None:
        if not self.crowded:
            self._make_room()
        self._changed()

    def _advance(self) -> None:
        while self._waiting and self._may_start(self._waiting[0][1]):
            self._begin(*self._waiting.popleft())
