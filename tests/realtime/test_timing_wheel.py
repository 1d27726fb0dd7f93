"""The timing wheel, over a loop whose time a test moves on."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Iterator
from math import inf

import pytest

from talkwire.realtime.scheduling.timing_wheel import WHEEL_TICK_S, TimingWheel, tick_for


class FakeTimer:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeLoop:
    """Only the clock and `call_at` of an event loop. `turns` counts the timers that fired."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.turns = 0
        self._timers: list[FakeTimer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(when, callback)
        self._timers.append(timer)
        return timer

    @property
    def timers(self) -> list[FakeTimer]:
        """Returns the timers that have not been cancelled."""
        self._timers = [timer for timer in self._timers if not timer.cancelled]
        return self._timers

    def run_until(self, when: float) -> None:
        while due := [timer for timer in self.timers if timer.when <= when]:
            timer = min(due, key=lambda each: each.when)
            self._timers.remove(timer)
            self.now = max(self.now, timer.when)
            self.turns += 1
            timer.callback()
        self.now = max(self.now, when)

    def stall(self, duration_s: float) -> None:
        """Nothing runs for a while; what has become due then fires late."""
        self.now += duration_s
        self.run_until(self.now)


class Item:
    """Notes when it was called; a deadline that was handled is put off by `period_s`."""

    def __init__(self, loop: FakeLoop, deadline: float, period_s: float = inf) -> None:
        self.wheel_tick = 0
        self.deadline = deadline
        self.calls: list[float] = []
        self.asked = 0
        self._loop = loop
        self._period_s = period_s

    def next_deadline(self) -> float:
        self.asked += 1
        return self.deadline

    def handle_deadline(self, now: float) -> None:
        self.calls.append(self._loop.now)
        self.deadline = now + self._period_s


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLoop]:
    fake = FakeLoop()
    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "get_running_loop", lambda: fake)
        yield fake


@pytest.fixture
def wheel() -> TimingWheel:
    return TimingWheel()


def test_an_item_is_called_at_its_deadline_and_at_most_a_tick_later(loop: FakeLoop, wheel: TimingWheel) -> None:
    items = [Item(loop, loop.now + delay_s) for delay_s in (0.001, 0.5, 1.23456, 25, 3600)]
    deadlines = [item.deadline for item in items]
    for item in items:
        wheel.watch(item)
    loop.run_until(loop.now + 4000)
    for item, deadline in zip(items, deadlines, strict=True):
        assert len(item.calls) == 1
        assert deadline <= item.calls[0] <= deadline + WHEEL_TICK_S + 1e-6


def test_an_item_without_a_deadline_sets_no_timer(loop: FakeLoop, wheel: TimingWheel) -> None:
    wheel.watch(Item(loop, inf))
    assert loop.timers == []


def test_a_deadline_that_moved_later_is_kept_and_costs_nothing_meanwhile(loop: FakeLoop, wheel: TimingWheel) -> None:
    item = Item(loop, loop.now + 25)
    wheel.watch(item)
    # A pong each second, without a call of the wheel.
    for _ in range(20):
        loop.run_until(loop.now + 1)
        item.deadline = loop.now + 25
    assert item.asked == 1
    expected = item.deadline
    loop.run_until(loop.now + 60)
    assert len(item.calls) == 1
    assert expected <= item.calls[0] <= expected + WHEEL_TICK_S + 1e-6


def test_a_deadline_that_moved_nearer_is_kept_after_a_call_of_watch(loop: FakeLoop, wheel: TimingWheel) -> None:
    item = Item(loop, loop.now + 25)
    wheel.watch(item)
    item.deadline = nearer = loop.now + 3
    wheel.watch(item)
    loop.run_until(loop.now + 60)
    assert len(item.calls) == 1
    assert nearer <= item.calls[0] <= nearer + WHEEL_TICK_S + 1e-6


def test_heartbeats_that_are_more_frequent_than_their_time_out_come_in_time(loop: FakeLoop) -> None:
    class Client(Item):
        """A ping each second; its pong arrives half a second later, without a call of the wheel."""

        def handle_deadline(self, now: float) -> None:
            super().handle_deadline(now)  # 20 seconds for the pong
            loop.call_at(now + 0.5, self.take_pong)

        def take_pong(self) -> None:
            self.deadline = loop.now + 1

    wheel = TimingWheel(ask_every_s=1)
    client = Client(loop, loop.now + 1, period_s=20)
    started = loop.now
    wheel.watch(client)
    loop.run_until(loop.now + 9)
    pings = [ping - started for ping in client.calls]
    assert pings == pytest.approx([1, 2.5, 4, 5.5, 7, 8.5], abs=6 * WHEEL_TICK_S)
    assert client.asked < 30


def test_an_item_that_moved_nearer_and_later_again_is_called_once(loop: FakeLoop, wheel: TimingWheel) -> None:
    item = Item(loop, loop.now + 5)
    wheel.watch(item)
    item.deadline = loop.now + 1
    wheel.watch(item)
    item.deadline = last = loop.now + 9
    loop.run_until(loop.now + 60)
    assert len(item.calls) == 1
    assert item.calls[0] >= last


def test_a_deadline_in_the_past_is_handled_in_the_next_tick(loop: FakeLoop, wheel: TimingWheel) -> None:
    item = Item(loop, loop.now - 500)
    started = loop.now
    wheel.watch(item)
    loop.run_until(loop.now + 1)
    assert len(item.calls) == 1
    assert item.calls[0] - started <= 2 * WHEEL_TICK_S


def test_an_item_that_stays_late_does_not_hold_up_the_loop(loop: FakeLoop, wheel: TimingWheel) -> None:
    item = Item(loop, loop.now + 1, period_s=-100)
    wheel.watch(item)
    loop.run_until(loop.now + 1.5)
    for duration_s in (30, 0.001, 1):
        turns, calls = loop.turns, len(item.calls)
        loop.stall(duration_s)
        # Not once for each tick that was missed.
        assert len(item.calls) - calls <= 1
        assert loop.turns - turns <= 1
    turns, calls = loop.turns, len(item.calls)
    loop.run_until(loop.now + 1)
    assert len(item.calls) - calls <= 1 / WHEEL_TICK_S + 1
    assert loop.turns - turns <= 1 / WHEEL_TICK_S + 1


def test_a_stalled_loop_asks_each_item_once(loop: FakeLoop, wheel: TimingWheel) -> None:
    items = [Item(loop, loop.now + 0.1 * number, period_s=5) for number in range(100)]
    for item in items:
        wheel.watch(item)
    loop.stall(60)
    assert [len(item.calls) for item in items] == [1] * 100


def test_an_item_that_fails_leaves_the_others_their_deadlines(loop: FakeLoop, wheel: TimingWheel) -> None:
    class Broken(Item):
        def handle_deadline(self, now: float) -> None:
            raise RuntimeError("a bug")

    neighbours = [Item(loop, loop.now + 1, period_s=1) for _ in range(2)]
    for item in (neighbours[0], Broken(loop, loop.now + 1), neighbours[1]):
        wheel.watch(item)
    loop.run_until(loop.now + 3.5)
    assert [len(item.calls) for item in neighbours] == [3, 3]


def test_a_forgotten_item_is_released_at_once(loop: FakeLoop, wheel: TimingWheel) -> None:
    items = [Item(loop, loop.now + 1) for _ in range(3)]
    for item in items:
        wheel.watch(item)
    gone = weakref.ref(items[1])
    wheel.forget(items.pop(1))
    assert gone() is None
    loop.run_until(loop.now + 2)
    assert [len(item.calls) for item in items] == [1, 1]


def test_an_item_that_moved_nearer_is_in_the_wheel_once(loop: FakeLoop, wheel: TimingWheel) -> None:
    item = Item(loop, loop.now + 10)
    wheel.watch(item)
    item.deadline = loop.now + 5
    wheel.watch(item)
    gone = weakref.ref(item)
    wheel.forget(item)
    del item
    assert gone() is None


def test_an_item_that_anothers_end_forgets_is_not_called(loop: FakeLoop, wheel: TimingWheel) -> None:
    class Ending(Item):
        def handle_deadline(self, now: float) -> None:
            super().handle_deadline(now)
            wheel.forget(other)

    first, other = Ending(loop, loop.now + 1), Item(loop, loop.now + 1)
    wheel.watch(first)
    wheel.watch(other)
    loop.run_until(loop.now + 2)
    assert (len(first.calls), len(other.calls)) == (1, 0)


@pytest.mark.parametrize(
    ("timeouts_s", "tick_s"), [((25, 20), 0.02), ((0.3, 0.2), 0.004), ((0.01, 5), 0.001), ((1, 1), 0.02)]
)
def test_ticks_are_as_fine_as_the_timeouts_are_short(timeouts_s: tuple[float, float], tick_s: float) -> None:
    assert tick_for(*timeouts_s) == tick_s


def test_a_wheel_of_finer_ticks_is_more_punctual(loop: FakeLoop) -> None:
    wheel = TimingWheel(tick_s=0.004)
    item = Item(loop, loop.now + 0.2011)
    deadline = item.deadline
    wheel.watch(item)
    loop.run_until(loop.now + 1)
    assert deadline <= item.calls[0] <= deadline + 0.004 + 1e-6


def test_one_timer_serves_all(loop: FakeLoop, wheel: TimingWheel) -> None:
    for number in range(1000):
        wheel.watch(Item(loop, loop.now + 10 + number / 100))
    assert len(loop.timers) == 1
    loop.run_until(loop.now + 12)
    assert len(loop.timers) == 1


def test_a_closed_wheel_calls_no_item(loop: FakeLoop, wheel: TimingWheel) -> None:
    item = Item(loop, loop.now + 1)
    wheel.watch(item)
    wheel.close()
    loop.run_until(loop.now + 10)
    assert item.calls == []
