"""The log's events as they come to this node: in log order, each once, none left out.

They come from three sides: our own writer, the bus, and the log itself, which is read where the others leave a gap. Own
answers wait for their place too, so that whoever is answered finds here all that happened before.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

import structlog

from talkwire.core.domain.events import Durable

PATIENCE_S = 0.02
"""How long the bus may take to fill a gap before the log is read. It brings what others commit within a millisecond or
two, and a read costs them and us more than that."""

RETRY_S = 0.5
"""How long after a failed read the next one is tried."""

PAGE = 1000
"""Positions that are read at once."""

WAITING_MAX = 10_000
"""Transactions that wait for one before them; beyond these, what the bus brings is left to be read from the log."""

_logger = structlog.get_logger(__name__)


class Commit(NamedTuple):
    """A transaction, which brought the log from `start_pos` to `pos` with these events."""

    start_pos: int
    pos: int
    events: Sequence[Durable]


class LogSegment(NamedTuple):
    """What was read of the log: the events up to `reached`. `floor`: those up to there have been pruned."""

    reached: int
    events: Sequence[Durable]
    floor: int = 0


ReadLog = Callable[[int, int], Awaitable[LogSegment]]
"""(after, at most so many positions) -> what the log holds there"""


class _Waiting(NamedTuple):
    """Sorted by where they begin, and then as they came."""

    start_pos: int
    number: int
    commit: Commit
    answer: Callable[[], None] | None


class LogFeed:
    """`hand_out` is called with events in log order. `read` reads the log. `is_brought` says whether a bus brings what
    others commit, so that it may fill a gap. `lost` is called when the log was pruned beyond where this node is: nobody
    here can be told what happened in between."""

    def __init__(
        self,
        read: ReadLog,
        hand_out: Callable[[Sequence[Durable]], None],
        is_brought: Callable[[], bool],
        lost: Callable[[], None],
    ) -> None:
        self.pos = 0
        """Up to where events have been handed out."""
        self.reads = 0
        """How often the log had to be read."""
        self._read = read
        self._hand_out = hand_out
        self._is_brought = is_brought
        self._lost = lost
        self._waiting: list[_Waiting] = []
        """A heap. What the log was read for meanwhile stays in it until its turn comes."""
        self._numbers = itertools.count()
        self._known_pos = 0
        self._patience: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def behind(self) -> int:
        """How many positions are known to be in the log and have not been handed out."""
        return max(0, self._known_pos - self.pos)

    def start(self, pos: int) -> None:
        """Where the log is; what came before is not told here."""
        self.pos = self._known_pos = max(self.pos, pos)

    def close(self) -> None:
        self._closed = True
        if self._patience is not None:
            self._patience.cancel()
        if self._reading is not None:
            self._reading.cancel()
        self._release_answers()

    def committed(self, commit: Commit, answer: Callable[[], None]) -> None:
        """A transaction of our own. `answer` is called in the turn in which its events are handed out, before them."""
        if self._closed:
            answer()
        else:
            self._accept(commit, answer)

    def arrived(self, commit: Commit) -> None:
        """Another node's transaction, by the bus. One that has not all of its events is read from the log."""
        if not _is_dense(commit):
            self.heard_of(commit.pos)
        elif commit.pos > self.pos and len(self._waiting) < WAITING_MAX and not self._closed:
            self._accept(commit, None)

    def heard_of(self, pos: int) -> None:
        """The log is known to reach so far: what is missing is read now."""
        if pos > self.pos:
            self._known_pos = max(self._known_pos, pos)
            self._read_gap()

    async def reach(self, pos: int) -> None:
        """Waits until what the log holds up to there has been handed out."""
        self.heard_of(pos)
        while self.pos < pos and self._reading is not None:
            await asyncio.wait([self._reading])

    # --- handing out ------------------------------------------------------------------------------------------------

    def _accept(self, commit: Commit, answer: Callable[[], None] | None) -> None:
        if commit.start_pos <= self.pos and not self._waiting:
            self._take(commit, answer)
            return
        heappush(self._waiting, _Waiting(commit.start_pos, next(self._numbers), commit, answer))
        self._known_pos = max(self._known_pos, commit.pos)
        self._take_waiting()
        if self._waiting:
            self._mind_gap()

    def _take(self, commit: Commit, answer: Callable[[], None] | None) -> None:
        events = commit.events
        if commit.start_pos < self.pos:
            events = [event for event in events if event.pos > self.pos]  # the rest was read from the log
        self.pos = max(self.pos, commit.pos)
        if answer is not None:
            answer()
        if events:
            self._hand_out(events)

    def _take_waiting(self) -> None:
        """What was waiting for what has been handed out by now."""
        while self._waiting and self._waiting[0].start_pos <= self.pos:
            waiting = heappop(self._waiting)
            self._take(waiting.commit, waiting.answer)
        if not self._waiting and self._patience is not None:
            self._patience.cancel()
            self._patience = None

    # --- gaps -------------------------------------------------------------------------------------------------------

    def _mind_gap(self) -> None:
        if self._reading is not None or self._patience is not None:
            return
        if self._is_brought():
            self._patience = asyncio.get_running_loop().call_later(PATIENCE_S, self._read_gap)
        else:
            self._read_gap()

    def _read_gap(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._reading is None and not self._closed:
            self._reading = asyncio.ensure_future(self._read_until_known())

    async def _read_until_known(self) -> None:
        try:
            while self.pos < self._known_pos:
                await self._read_some()
        finally:
            self._reading = None

    async def _read_some(self) -> None:
        self.reads += 1
        after = self.pos
        try:
            reached, events, floor = await self._read(after, self._missing())
        except Exception as error:  # noqa: BLE001 (whatever it is, what is in the log stays there)
            _logger.warning("what others have written could not be read", error=str(error))
            # Theirs are committed, and to wait for what cannot be read would be to wait for ever.
            self._release_answers()
            await asyncio.sleep(RETRY_S)
            return
        if floor > after:
            _logger.error("this node has been away for longer than the log reaches back", pos=after, floor=floor)
            self._lost()
        if reached <= after:
            self._give_up_waiting()
            return
        # The bus may have brought some of it meanwhile.
        self._take(Commit(after, reached, events), None)
        self._take_waiting()

    def _give_up_waiting(self) -> None:
        """The log does not reach as far as somebody said: whatever that was, it is not to be waited for."""
        _logger.error("the log is shorter than the bus has it", pos=self.pos, told=self._known_pos)
        self._release_answers()
        self._waiting.clear()
        self._known_pos = self.pos

    def _missing(self) -> int:
        """How many positions to read: up to what waits already."""
        until = self._waiting[0].start_pos if self._waiting else self._known_pos
        return min(max(until, self.pos + 1) - self.pos, PAGE)

    def _release_answers(self) -> None:
        waiting = sorted(self._waiting)  # which is a heap too
        self._waiting = [each._replace(answer=None) for each in waiting]
        for each in waiting:
            if each.answer is not None:
                each.answer()


def _is_dense(commit: Commit) -> bool:
    """Whether the events are those of all positions that the transaction says it has, as every transaction's are."""
    expected = range(commit.start_pos + 1, commit.pos + 1)
    events = commit.events
    return 0 < len(events) == commit.pos - commit.start_pos and all(
        event.pos == pos for event, pos in zip(events, expected, strict=True)
    )
