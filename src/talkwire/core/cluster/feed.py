"""Delivers the events of the log (the ordered list of committed events) on this node: in order, each once, without
gaps.

Events come from this node's writer, from the bus between nodes, and from the log itself, which is read to fill gaps.
The results of this node's own commands are returned in the order of the log too: unless the log cannot be read, this
node has delivered all earlier events when a caller receives a result.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

import structlog

from talkwire.core.domain.events import Durable, PositionsPassed
from talkwire.core.ports.bus import Announcement

GAP_PATIENCE_S = 0.02
"""Longest time that the bus may take to fill a gap before the log is read, in seconds.

The bus usually delivers other nodes' commits within two milliseconds, and a read costs all nodes more than waiting.
"""

ANNOUNCED_GAP_PATIENCE_S = 0.1
"""Longest time that the bus may take to fill a gap before the log is read while events are announced and then fetched,
in seconds."""

LOG_RETRY_S = 0.5
"""Seconds between a failed read and the next attempt."""

LOG_PAGE_MAX = 1000
"""Most log positions that one read returns."""

WAITING_TRANSACTIONS_MAX = 10_000
"""Most transactions that wait for an earlier one. Beyond it, transactions from the bus are dropped and read from the
log later."""

_logger = structlog.get_logger(__name__)


class Commit(NamedTuple):
    """A committed transaction, which has the log positions after `start_pos` and up to `pos`, with its events. A
    transaction from the bus may lack events: then they are read from the log. `next_timer_ms`: in how many milliseconds
    the first timer fires that a transaction of this node has set.

    With `hashes`, it stands for other nodes' events that this node does not need, unless it needs one of these
    conversations (`log.announced`) once their turn comes."""

    start_pos: int
    pos: int
    events: Sequence[Durable]
    next_timer_ms: int | None = None
    hashes: Sequence[int] = ()


class LogSegment(NamedTuple):
    """A part of the log of events as read from the database: the events up to position `reached`. Events up to `floor`
    have been deleted from the log."""

    reached: int
    events: Sequence[Durable]
    floor: int = 0


ReadLog = Callable[[int, int], Awaitable[LogSegment]]
"""Function from (after position, maximum number of positions) to a segment that it reads from the log."""


class _Waiting(NamedTuple):
    """A transaction that waits in a heap for earlier ones. Sorted by start position, then by order of arrival."""

    start_pos: int
    number: int
    commit: Commit
    answer: Callable[[], None] | None


class LogFeed:
    """Calls `deliver` with the events of the log, in order, each once and without gaps. In place of events that this
    node does not need, calls it with a `PositionsPassed`.

    `read` reads events from the log. `patience_s` returns for how many seconds the bus may fill a gap before the log is
    read; 0: it does not fill gaps. `handle_loss` is called if events that this node has not delivered were pruned from
    the log: they never reach its clients. `needs` returns whether this node needs announced events with a conversation
    hash.
    """

    def __init__(
        self,
        read: ReadLog,
        deliver: Callable[[Sequence[Durable | PositionsPassed]], None],
        patience_s: Callable[[], float],
        handle_loss: Callable[[], None],
        needs: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self.pos = 0
        """Position in the log up to which events have been delivered."""
        self.reads = 0
        """Number of reads of the log."""
        self._read = read
        self._deliver = deliver
        self._patience_s = patience_s
        self._handle_loss = handle_loss
        self._needs = needs
        self._waiting: list[_Waiting] = []
        """Heap of the transactions that wait for an earlier one. Transactions whose events were read from the log
        meanwhile stay in it until they are popped."""
        self._numbers = itertools.count()
        self._known_pos = 0
        self._read_pos = 0
        """Position up to which the log is to be read, unless the bus delivers the events meanwhile."""
        self._patience: asyncio.TimerHandle | None = None
        self._patience_pos = 0
        """Position up to which events had been delivered when `_patience` began."""
        self._reading: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def lag(self) -> int:
        """The number of events that are known to be in the log and that this node has not delivered yet."""
        return max(0, self._known_pos - self.pos)

    def start(self, pos: int) -> None:
        """Sets the log position after which events are delivered; earlier events are not delivered. Does nothing if the
        feed is further already."""
        self.pos = self._known_pos = max(self.pos, pos)

    def close(self) -> None:
        self._closed = True
        if self._patience is not None:
            self._patience.cancel()
        if self._reading is not None:
            self._reading.cancel()
        self._release_answers()

    def committed(self, commit: Commit, answer: Callable[[], None]) -> None:
        """Accepts a transaction of this node's writer, and delivers its events once all earlier events were delivered.

        `answer` returns the results to the commands' callers. It is called just before the delivery, in the same turn
        of the event loop; or earlier, if the earlier events cannot be read or the feed is closed.
        """
        if self._closed:
            answer()
        else:
            self._accept(commit, answer)

    def receive(self, commit: Commit) -> None:
        """Accepts another node's transaction from the bus, and delivers its events once all earlier events were
        delivered. Events that the transaction lacks are read from the log. Ignores a transaction that was delivered
        before."""
        if not _is_dense(commit):
            self.notice_head(commit.pos)
        elif commit.pos > self.pos and len(self._waiting) < WAITING_TRANSACTIONS_MAX and not self._closed:
            self._accept(commit, None)

    def announced(self, announcements: Sequence[Announcement]) -> list[Announcement]:
        """Accepts the announcements of other nodes' events, and returns those of events that this node needs, for the
        bus to fetch. Passes the others over, unless this node needs them once their turn comes: then they are read from
        the log."""
        needed: list[Announcement] = []
        run: list[Announcement] = []
        for each in sorted({each.pos: each for each in announcements if each.pos > self.pos}.values(), key=_pos):
            if self._needs(each.conversation_hash):
                needed.append(each)
                continue
            if run and each.pos != run[-1].pos + 1:
                self._pass_over(run)
                run = []
            run.append(each)
        if run:
            self._pass_over(run)
        if needed and needed[-1].pos > self._known_pos:
            self._known_pos = needed[-1].pos
            self._fill_gap_soon()
        return needed

    def notice_head(self, pos: int) -> None:
        """Starts to read and deliver the missing events up to `pos`, a position that the log is known to have. Does not
        wait for them."""
        if pos > self.pos:
            self._known_pos = max(self._known_pos, pos)
            self._read_until(pos)

    async def wait_until(self, pos: int) -> None:
        """Reads missing events and waits until those up to the log position `pos` have been delivered. A failed read is
        repeated. Returns without them only if the log turns out not to have them, or if the feed is closed."""
        self.notice_head(pos)
        while self.pos < pos and self._reading is not None:
            await asyncio.wait([self._reading])

    # --- delivering ---------------------------------------------------------------------------------------------------

    def _pass_over(self, run: Sequence[Announcement]) -> None:
        """Accepts events at successive positions that this node does not need now."""
        hashes = [each.conversation_hash for each in run]
        if len(self._waiting) < WAITING_TRANSACTIONS_MAX and not self._closed:
            self._accept(Commit(run[0].pos - 1, run[-1].pos, (), hashes=hashes), None)

    def _accept(self, commit: Commit, answer: Callable[[], None] | None) -> None:
        if commit.start_pos <= self.pos and not self._waiting:
            self._deliver_commit(commit, answer)
            return
        heappush(self._waiting, _Waiting(commit.start_pos, next(self._numbers), commit, answer))
        self._known_pos = max(self._known_pos, commit.pos)
        self._deliver_waiting()
        if self._waiting:
            self._fill_gap_soon()

    def _deliver_commit(self, commit: Commit, answer: Callable[[], None] | None) -> None:
        if commit.hashes:
            self._deliver_passed(commit)
            return
        events = commit.events
        if commit.start_pos < self.pos:
            events = [event for event in events if event.pos > self.pos]  # the others were read from the log
        self.pos = max(self.pos, commit.pos)
        if answer is not None:
            answer()
        if events:
            self._deliver(events)

    def _deliver_passed(self, commit: Commit) -> None:
        """Passes over events that this node does not need, or reads them from the log: one of its users may have
        connected since they were announced."""
        if commit.pos <= self.pos:
            return
        if any(map(self._needs, commit.hashes)):
            self.notice_head(commit.pos)
            return
        self.pos = commit.pos
        self._deliver((PositionsPassed(self.pos),))

    def _deliver_waiting(self) -> None:
        """Delivers the waiting transactions for which all earlier events have been delivered."""
        while self._waiting and self._waiting[0].start_pos <= self.pos:
            waiting = heappop(self._waiting)
            self._deliver_commit(waiting.commit, waiting.answer)
        if self.pos >= self._known_pos and self._patience is not None:
            self._patience.cancel()
            self._patience = None

    # --- gaps -------------------------------------------------------------------------------------------------------

    def _fill_gap_soon(self) -> None:
        if self._reading is not None or self._patience is not None or self._closed:
            return
        patience_s = self._patience_s()
        if patience_s:
            self._patience_pos = self.pos
            self._patience = asyncio.get_running_loop().call_later(patience_s, self._end_patience)
        else:
            self._read_until(self._known_pos)

    def _end_patience(self) -> None:
        """Reads the log, if nothing was delivered since the patience began; otherwise this may be another gap."""
        self._patience = None
        if self.pos == self._patience_pos:
            self._read_until(self._known_pos)
        elif self.lag:
            self._fill_gap_soon()

    def _read_until(self, pos: int) -> None:
        self._read_pos = max(self._read_pos, pos)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._reading is None and not self._closed:
            self._reading = asyncio.ensure_future(self._read_log())

    async def _read_log(self) -> None:
        try:
            while self.pos < self._read_pos:  # Suspends: each round reads the database.
                await self._read_some()
        finally:
            self._reading = None
        if self.lag:  # the bus may deliver what has become known meanwhile
            self._fill_gap_soon()

    async def _read_some(self) -> None:
        self.reads += 1
        after = self.pos
        try:
            reached, events, floor = await self._read(after, self._missing())
        except Exception as error:  # noqa: BLE001 (whatever failed, the events stay in the log)
            _logger.warning("log_not_read", error=str(error))
            # This node's own transactions are committed, and their callers must not wait for other events that cannot
            # be read.
            self._release_answers()
            await asyncio.sleep(LOG_RETRY_S)
            return
        if floor > after:
            _logger.error("log_position_pruned", pos=after, floor=floor)
            self._handle_loss()
        if reached <= after:
            self._give_up_waiting()
            return
        # The bus may have delivered some of these events meanwhile.
        self._deliver_commit(Commit(after, reached, events), None)
        self._deliver_waiting()

    def _give_up_waiting(self) -> None:
        """Stops waiting for log positions that a node has announced and that the log does not contain, and gives this
        node's own commands their results."""
        _logger.error("announced_position_missing", pos=self.pos, announced=self._known_pos)
        self._release_answers()
        self._waiting.clear()
        self._known_pos = self._read_pos = self.pos

    def _missing(self) -> int:
        """Returns how many log positions to read next: up to the first waiting transaction, at most `LOG_PAGE_MAX`."""
        until = self._waiting[0].start_pos if self._waiting else self._read_pos
        return min(max(until, self.pos + 1) - self.pos, LOG_PAGE_MAX)

    def _release_answers(self) -> None:
        waiting = sorted(self._waiting)  # a sorted list is a heap too
        self._waiting = [each._replace(answer=None) for each in waiting]
        for each in waiting:
            if each.answer is not None:
                each.answer()


def _pos(announced: Announcement) -> int:
    return announced.pos


def _is_dense(commit: Commit) -> bool:
    """Returns whether a transaction contains an event for every one of its log positions."""
    expected = range(commit.start_pos + 1, commit.pos + 1)
    events = commit.events
    return 0 < len(events) == commit.pos - commit.start_pos and all(
        event.pos == pos for event, pos in zip(events, expected, strict=True)
    )
