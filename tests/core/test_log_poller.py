"""When the log is polled because the bus has delivered nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from talkwire.core.cluster.feed import GAP_PATIENCE_S, LogFeed, LogSegment
from talkwire.core.cluster.log_poller import LOG_CHECK_S, LOG_SILENCE_S, LogPoller
from talkwire.core.domain.errors import ChatError, LogReplaced
from talkwire.core.domain.events import Durable, PositionsPassed
from tests.waiting import until


class Watched:
    """A log that is not read, and a clock that the steps of a test advance."""

    def __init__(self) -> None:
        self.away = False
        self.looks = 0
        self.head = 0
        self.fails: Exception | None = None
        self.replaced = 0
        self.epochs: list[Exception | None] = []
        self.refusals: list[Exception] = []
        """The results of the next attempts to begin an epoch."""
        self.feed = LogFeed(self._read, _ignore, lambda: 0.0 if self.away else GAP_PATIENCE_S, lambda: None)

    async def _read(self, after: int, limit: int) -> LogSegment:
        return LogSegment(self.head, ())

    async def _read_head(self) -> int:
        self.looks += 1
        if self.fails is not None:
            raise self.fails
        return self.head

    def _be_replaced(self) -> None:
        self.replaced += 1

    async def _begin_epoch(self) -> None:
        assert self.replaced == 0, "whoever begins anew takes the epoch that is there"
        self.epochs.append(self.refusals.pop(0) if self.refusals else None)
        if self.epochs[-1] is not None:
            self.head = self.feed.pos + 1  # other tasks run meanwhile
            raise self.epochs[-1]

    async def steps(self, *happens: Callable[[], None]) -> None:
        """Advances the clock by one step for each of the arguments, which happen in it."""
        to_come = list(happens)
        reached = asyncio.Event()

        async def sleep(seconds: float) -> None:
            assert seconds == LOG_CHECK_S
            if not to_come:
                reached.set()
                await asyncio.Event().wait()
            to_come.pop(0)()

        watch = LogPoller(self.feed, self._read_head, lambda: self.away, self._be_replaced, self._begin_epoch)
        watching = asyncio.create_task(watch.run(sleep))
        await asyncio.wait([watching, asyncio.create_task(reached.wait())], return_when=asyncio.FIRST_COMPLETED)
        assert watching.done() == bool(self.replaced)
        watching.cancel()

    def brings(self) -> None:
        self.head = self.feed.pos + 1
        self.feed.start(self.head)

    def goes(self) -> None:
        self.away = True

    def returns(self) -> None:
        self.away = False


def _ignore(events: Sequence[Durable | PositionsPassed]) -> None:
    pass


def nothing() -> None:
    pass


async def test_the_log_is_not_polled_while_events_arrive() -> None:
    watched = Watched()
    await watched.steps(*[watched.brings] * 10)
    assert watched.looks == 0


async def test_the_log_is_polled_after_every_silence() -> None:
    watched = Watched()
    steps = round(LOG_SILENCE_S / LOG_CHECK_S)
    await watched.steps(*[nothing] * (steps - 1))
    assert watched.looks == 0
    await watched.steps(*[nothing] * (2 * steps))
    assert watched.looks == 2


async def test_the_log_is_polled_at_each_step_while_the_bus_is_disconnected() -> None:
    watched = Watched()
    await watched.steps(watched.goes, *[watched.brings] * 4)
    assert watched.looks == 5


async def test_the_log_is_polled_once_more_after_the_bus_reconnects() -> None:
    watched = Watched()
    await watched.steps(watched.goes, watched.returns, watched.brings, watched.brings)
    assert watched.looks == 2


async def test_events_found_by_polling_are_read() -> None:
    watched = Watched()
    watched.head = 7
    await watched.steps(*[nothing] * 4)
    await until(lambda: watched.feed.pos >= 7)


async def test_polling_continues_after_a_failed_poll() -> None:
    watched = Watched()
    for error in (ChatError("unavailable", "The database is away."), ValueError("a bug")):
        watched.looks = 0
        watched.fails = error
        await watched.steps(*[nothing] * 6)
        assert watched.looks == 3


async def test_a_replaced_log_is_reported_once() -> None:
    watched = Watched()
    watched.fails = LogReplaced()
    await watched.steps(*[nothing] * 6)
    assert (watched.looks, watched.replaced, watched.epochs) == (1, 1, [])


async def test_a_feed_beyond_the_log_is_as_a_log_that_was_replaced() -> None:
    watched = Watched()
    watched.head = 7
    watched.feed.start(9)
    await watched.steps(*[nothing] * 6)
    assert (watched.looks, watched.replaced, watched.epochs) == (1, 1, [None])


async def test_a_node_restarts_only_with_another_epoch() -> None:
    """Clients have cursors beyond the log's end, which would hide the next events at these positions from them."""
    watched = Watched()
    watched.head = 7
    watched.feed.start(9)
    watched.refusals = [ChatError("unavailable", "The database is away."), ValueError("a bug")]
    refusals = list(watched.refusals)
    await watched.steps(*[nothing] * 10)
    assert (watched.replaced, watched.epochs) == (1, [*refusals, None])


async def test_events_delivered_during_a_poll_are_not_beyond_the_log() -> None:
    watched = Watched()
    read_head = watched._read_head

    async def slowly() -> int:
        head = await read_head()
        watched.brings()
        return head

    watched._read_head = slowly  # type: ignore[method-assign]
    await watched.steps(*[nothing] * 6)
    assert watched.looks > 0
    assert watched.replaced == 0
