"""The feed delivers the log's events in order and each once, whatever the bus does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.cluster import feed as feed_module
from talkwire.core.cluster.feed import Commit, LogFeed, LogSegment
from talkwire.core.domain.events import Durable, PositionsPassed, UserBanned
from talkwire.core.ports.bus import Announcement
from tests.waiting import SteppedClock, deadline, pause, turns


def commit(start_pos: int, pos: int) -> Commit:
    return Commit(start_pos, pos, [UserBanned(each, 0, "alice") for each in range(start_pos + 1, pos + 1)])


class Log:
    """A log and its feed.

    A read waits while `reading` is not set, and fails `failures` times.
    """

    def __init__(self, *, brought: bool = True, floor: int = 0) -> None:
        self.head = 0
        self.brought = brought
        self.floor = floor
        self.failures = 0
        self.reading = asyncio.Event()
        self.reading.set()
        self.asked: list[tuple[int, int]] = []
        self.notified: list[int] = []
        """Positions of the delivered events."""
        self.passed: list[int] = []
        """Positions of the events that were passed over."""
        self.needed = set[int]()
        """Conversation hashes. An event's is its position."""
        self.answered: list[tuple[str, int]] = []
        """Results of own commands, each with the position up to which events were delivered before."""
        self.losses = 0
        self._changed = asyncio.Event()
        self.feed = LogFeed(self._read, self._hand_out, self._patience_s, self._lose, self.needed.__contains__)

    def _patience_s(self) -> float:
        return feed_module.GAP_PATIENCE_S if self.brought else 0.0

    @property
    def reached(self) -> int:
        return max([0, *self.notified[-1:], *self.passed[-1:]])

    async def _read(self, after: int, limit: int) -> LogSegment:
        self.asked.append((after, limit))
        self._changed.set()
        await self.reading.wait()
        if self.failures:
            self.failures -= 1
            raise OSError("the database is away")
        reached = min(self.head, after + limit)
        return LogSegment(reached, commit(max(after, self.floor), reached).events, self.floor)

    def _hand_out(self, events: Sequence[Durable | PositionsPassed]) -> None:
        for event in events:
            if isinstance(event, PositionsPassed):
                passed = range(self.reached + 1, event.pos + 1)
                assert self.needed.isdisjoint(passed), "it needs them"
                self.passed += passed
            else:
                assert event.pos > self.reached
                self.notified.append(event.pos)
        self._changed.set()

    def _lose(self) -> None:
        self.losses += 1

    def own(self, name: str, start_pos: int, pos: int) -> None:
        """Commits a transaction of this node."""
        self.head = max(self.head, pos)

        def answer() -> None:
            self.answered.append((name, self.reached))
            self._changed.set()

        self.feed.committed(commit(start_pos, pos), answer)

    def brings(self, start_pos: int, pos: int) -> None:
        """Delivers another node's transaction over the bus."""
        self.head = max(self.head, pos)
        self.feed.receive(commit(start_pos, pos))

    def announces(self, start_pos: int, pos: int) -> list[int]:
        """Announces another node's transaction over the bus; returns the positions that are then fetched."""
        self.head = max(self.head, pos)
        announced = [Announcement("other", each, each) for each in range(start_pos + 1, pos + 1)]
        return [each.pos for each in self.feed.announced(announced)]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with deadline():
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    @property
    def answers(self) -> list[str]:
        return [name for name, _ in self.answered]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes failed reads retry at once."""
    monkeypatch.setattr(feed_module, "LOG_RETRY_S", 0.0)


async def test_events_in_order_are_delivered_at_once_without_reading_the_log() -> None:
    log = Log()
    log.own("first", 0, 2)
    log.brings(2, 3)
    log.own("second", 3, 4)
    assert log.notified == [1, 2, 3, 4]
    assert log.answered == [("first", 0), ("second", 3)]
    assert log.asked == []


async def test_an_answer_is_given_in_the_turn_of_its_events_and_before_them() -> None:
    log = Log()
    log.own("first", 0, 2)
    assert log.answered == [("first", 0)]
    assert log.notified == [1, 2]


async def test_events_from_before_the_start_are_not_delivered() -> None:
    log = Log()
    log.feed.start(10)
    log.brings(8, 10)
    log.brings(9, 12)
    assert log.notified == [11, 12]


async def test_the_bus_may_fill_a_gap_for_a_moment() -> None:
    log = Log()
    log.own("answer", 3, 5)
    log.brings(1, 3)
    assert (log.notified, log.answers) == ([], [])
    log.brings(0, 1)
    assert log.notified == [1, 2, 3, 4, 5]
    assert log.answered == [("answer", 3)]
    await pause(2 * feed_module.GAP_PATIENCE_S)  # longer than the feed waits for a gap to be filled
    assert log.asked == []


async def test_a_gap_that_the_bus_does_not_fill_is_read_from_the_log() -> None:
    log = Log()
    log.own("answer", 3, 5)
    assert log.notified == []
    await log.until(lambda: log.answers == ["answer"])
    assert log.notified == [1, 2, 3, 4, 5]
    assert log.answered == [("answer", 3)]
    assert log.asked == [(0, 3)]


async def test_without_a_bus_that_brings_events_a_gap_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "GAP_PATIENCE_S", 1000.0)
    log = Log(brought=False)
    log.own("answer", 3, 5)
    await log.until(lambda: log.answers == ["answer"])
    assert log.notified == [1, 2, 3, 4, 5]


async def test_announced_positions_are_read_at_once_and_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "LOG_PAGE_MAX", 4)
    log = Log()
    log.head = 10
    log.feed.notice_head(10)
    log.feed.notice_head(9)
    assert log.feed.lag == 10
    await log.until(lambda: len(log.notified) == 10)
    assert log.notified == list(range(1, 11))
    assert log.asked == [(0, 4), (4, 4), (8, 2)]
    assert (log.feed.reads, log.feed.lag) == (3, 0)


async def test_duplicates_are_delivered_once() -> None:
    log = Log()
    for _ in range(2):
        log.brings(2, 4)
    for _ in range(2):
        log.brings(0, 2)
    log.brings(1, 3)
    log.brings(2, 5)
    assert log.notified == [1, 2, 3, 4, 5]


async def test_events_that_were_read_from_the_log_are_not_delivered_again() -> None:
    log = Log()
    log.reading.clear()
    log.head = 3
    log.feed.notice_head(3)
    await log.until(lambda: bool(log.asked))
    log.brings(0, 2)  # while the log is being read
    log.own("answer", 2, 5)
    assert log.notified == [1, 2, 3, 4, 5]
    log.reading.set()
    await asyncio.sleep(0)
    log.own("next", 5, 6)
    assert log.notified == [1, 2, 3, 4, 5, 6]


async def test_an_own_transaction_without_events_waits_for_its_place_too() -> None:
    log = Log()
    log.own("retry", 2, 2)
    log.own("change", 2, 3)
    log.own("later retry", 3, 3)
    assert log.answers == []
    log.brings(0, 2)
    assert log.answered == [("retry", 2), ("change", 2), ("later retry", 3)]
    assert log.notified == [1, 2, 3]


async def test_answers_keep_their_order_when_the_log_was_read_beyond_them() -> None:
    log = Log()
    log.reading.clear()
    for number in range(1, 6):
        log.own(str(number), number, number + 1)
    log.feed.notice_head(6)
    await log.until(lambda: bool(log.asked))
    log.reading.set()
    await log.until(lambda: len(log.answered) == 5)
    assert log.answers == ["1", "2", "3", "4", "5"]


async def test_a_log_that_cannot_be_read_keeps_no_answer_and_is_read_later() -> None:
    log = Log(brought=False)
    log.failures = 2
    log.own("first", 2, 3)
    log.own("second", 3, 4)
    await log.until(lambda: len(log.answers) == 2)
    assert log.answers == ["first", "second"]
    assert log.notified == []
    await log.until(lambda: len(log.notified) == 4)
    assert log.notified == [1, 2, 3, 4]
    assert log.answers == ["first", "second"]


async def test_the_number_of_transactions_that_wait_for_a_gap_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "WAITING_TRANSACTIONS_MAX", 3)
    log = Log(brought=False)
    log.reading.clear()
    for start_pos in range(1, 100):
        log.brings(start_pos, start_pos + 1)
    assert log.feed.lag == 4
    log.reading.set()
    await log.until(lambda: len(log.notified) == 4)
    log.brings(100, 101)
    await log.until(lambda: len(log.notified) == 101)
    assert log.notified == list(range(1, 102))


async def test_a_feed_behind_the_pruned_log_reports_the_loss() -> None:
    log = Log(floor=7)
    log.head = 10
    log.feed.notice_head(10)
    await log.until(lambda: bool(log.notified))
    assert log.losses == 1
    assert log.notified == [8, 9, 10]


async def test_a_position_that_the_log_does_not_have_is_not_waited_for() -> None:
    log = Log()
    log.own("own", 0, 1)
    log.feed.notice_head(50)
    log.own("waits", 40, 41)
    log.head = 1
    await log.until(lambda: log.answers == ["own", "waits"])
    log.own("next", 1, 2)
    assert log.notified == [1, 2]


async def test_at_the_end_nothing_is_left_waiting() -> None:
    log = Log()
    log.reading.clear()
    log.own("waits", 3, 4)
    log.feed.notice_head(9)
    await log.until(lambda: bool(log.asked))
    before = asyncio.all_tasks()
    log.feed.close()
    assert log.answers == ["waits"]
    log.own("late", 20, 21)
    assert log.answers == ["waits", "late"]
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == len(before) - 1
    assert log.notified == []


# --- announced events -------------------------------------------------------------------------------------------------


async def test_announced_events_that_are_not_needed_are_passed_over_in_their_turn() -> None:
    log = Log()
    assert log.announces(2, 4) == []
    assert log.passed == []
    log.brings(0, 2)
    log.own("own", 4, 5)
    assert (log.notified, log.passed, log.answered) == ([1, 2, 5], [3, 4], [("own", 4)])
    await pause(2 * feed_module.GAP_PATIENCE_S)
    assert log.asked == []


async def test_needed_ones_among_the_announced_are_fetched() -> None:
    log = Log()
    log.needed |= {2, 4}
    assert log.announces(0, 5) == [2, 4]
    assert (log.notified, log.passed) == ([], [1])
    log.brings(3, 4)
    log.brings(1, 2)
    assert (log.notified, log.passed, log.asked) == ([2, 4], [1, 3, 5], [])


async def test_what_is_needed_by_the_time_of_its_turn_is_read_from_the_log() -> None:
    log = Log()
    log.announces(1, 4)
    log.needed.add(3)
    log.brings(0, 1)
    await log.until(lambda: log.reached == 4)
    assert log.asked == [(1, 3)]
    assert log.notified == [1, 2, 3, 4]


async def test_a_needed_event_that_cannot_be_fetched_is_read_from_the_log() -> None:
    log = Log()
    log.needed.add(1)
    assert log.announces(0, 1) == [1]
    await log.until(lambda: log.reached == 1)
    assert log.asked == [(0, 1)]


async def test_the_log_is_not_read_again_for_what_is_announced_during_a_read(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SteppedClock(monkeypatch)
    log = Log()
    log.needed |= {1, 2, 3, 4}
    log.announces(0, 2)
    log.reading.clear()
    clock.advance(feed_module.GAP_PATIENCE_S)
    await turns(3)
    log.announces(2, 4)
    log.reading.set()
    await turns(3)
    assert log.notified == [1, 2]
    log.brings(3, 4)
    log.brings(2, 3)
    clock.advance(2 * feed_module.GAP_PATIENCE_S)
    await turns(3)
    assert (log.notified, log.asked) == ([1, 2, 3, 4], [(0, 2)])


async def test_while_events_keep_coming_no_gap_is_read_that_the_bus_fills_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SteppedClock(monkeypatch)
    log = Log()
    for pos in range(0, 40, 2):
        log.announces(pos + 1, pos + 2)
        clock.advance(feed_module.GAP_PATIENCE_S * 0.4)
        await turns(3)
        log.announces(pos + 3, pos + 4)
        log.brings(pos, pos + 1)
    assert log.asked == []
    clock.advance(2 * feed_module.GAP_PATIENCE_S)
    await turns(3)
    clock.advance(2 * feed_module.GAP_PATIENCE_S)
    await turns(3)
    assert log.asked == [(40, 1)], "a gap that stays is read"
    log.feed.close()


# --- whatever the bus does --------------------------------------------------------------------------------------------

Happening = tuple[str, int]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[int, int, bool]], list[Happening]]:
    """Transactions (from, to, whether they are this node's own), and the order in which the feed receives them.

    Transactions of other nodes are lost, duplicated and reordered; own ones arrive once, in order among themselves.
    """
    sizes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=12))
    made: list[tuple[int, int, bool]] = []
    pos = 0
    for size in sizes:
        own = size == 0 or draw(st.booleans())  # others without events are not announced
        made.append((pos, pos + size, own))
        pos += size
    ours = [index for index, (_, _, own) in enumerate(made) if own]
    theirs = [index for index, (_, _, own) in enumerate(made) if not own]
    arrivals = st.tuples(st.sampled_from(["received", "announced"]), st.sampled_from(theirs or [0]))
    received = draw(st.lists(arrivals, max_size=20)) if theirs else []
    order = draw(st.permutations(["own"] * len(ours) + ["received"] * len(received)))
    next_own, next_received = iter(("own", index) for index in ours), iter(received)
    happenings = [next(next_own if what == "own" else next_received) for what in order]
    changes = st.tuples(st.sampled_from(["needed", "not needed"]), st.integers(1, max(1, pos)))
    others = st.tuples(st.sampled_from(["turn", "head", "fail"]), st.just(0))
    for happening in draw(st.lists(changes | others, max_size=12)):
        happenings.insert(draw(st.integers(0, len(happenings))), happening)
    return made, happenings


@given(history=histories(), brought=st.booleans())
def test_each_event_is_delivered_once_in_order_and_each_result_once(
    *, history: tuple[list[tuple[int, int, bool]], list[Happening]], brought: bool
) -> None:
    asyncio.run(_run(*history, brought=brought))


def _happen(log: Log, made: list[tuple[int, int, bool]], what: str, index: int) -> None:
    match what:
        case "own":
            log.own(str(index), *made[index][:2])
        case "received":
            log.brings(*made[index][:2])
        case "announced":
            for pos in log.announces(*made[index][:2])[::2]:  # the others cannot be fetched
                log.brings(pos - 1, pos)
        case "needed":
            log.needed.add(index)
        case "not needed":
            log.needed.discard(index)
        case "head":
            log.feed.notice_head(made[-1][1])
        case _:
            log.failures += 1


async def _run(made: list[tuple[int, int, bool]], happenings: list[Happening], *, brought: bool) -> None:
    log = Log(brought=brought)
    end = log.head = made[-1][1]
    failed = any(what == "fail" for what, _ in happenings)
    for what, index in happenings:
        if what == "turn":
            await asyncio.sleep(0)
        else:
            _happen(log, made, what, index)
    log.feed.notice_head(end)
    ours = [str(index) for index, (_, _, own) in enumerate(made) if own]
    await log.until(lambda: log.reached >= end and len(log.answers) >= len(ours))
    assert sorted(log.notified + log.passed) == list(range(1, end + 1))
    assert log.answers == ours
    if not failed:
        assert all(notified >= made[int(name)][0] for name, notified in log.answered)
    assert log.losses == 0
    log.feed.close()


@pytest.mark.parametrize(
    "forged",
    [
        Commit(0, 2**62, ()),
        Commit(0, 2**62, commit(0, 1).events),
        Commit(0, 3, commit(0, 2).events),
        Commit(0, 2, commit(2, 4).events),
        Commit(0, 2, list(reversed(commit(0, 2).events))),
        Commit(2**62, 2**62 + 1, commit(2**62, 2**62 + 1).events),
        Commit(-(2**60), 2**60, ()),
        Commit(9, 3, ()),
    ],
    ids=["no events", "one of many", "one missing", "of others", "in another order", "beyond", "wide", "backwards"],
)
@pytest.mark.parametrize("brought", [True, False])
async def test_an_impossible_transaction_does_not_stop_the_feed(forged: Commit, brought: bool) -> None:  # noqa: FBT001
    log = Log(brought=brought)
    log.feed.receive(forged)
    await pause(0.05)
    assert log.notified == []
    for pos in range(5):
        log.brings(pos, pos + 1)
        log.feed.receive(forged)
    log.own("own", 5, 6)
    await log.until(lambda: len(log.notified) == 6)
    assert log.notified == [1, 2, 3, 4, 5, 6]
    await log.until(lambda: bool(log.answered))
    log.feed.close()
