"""When a node looks for timers, and what it does about those that fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from talkwire.core.commands.command import Command
from talkwire.core.commands.server.timers import (
    AddMissingTimers,
    FindTimer,
    FiredTimers,
    FireTimers,
    NextTimer,
    PostponeTimer,
    Timer,
)
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.engine.timers import (
    POSTPONED_MS,
    TIMERS_AT_ONCE,
    TIMERS_CHECK_ALONE_S,
    TIMERS_CHECK_S,
    TIMERS_OTHERS_PAUSE_S,
    TIMERS_PAUSE_S,
    TIMERS_RETRY_S,
    TIMERS_SPREAD_S,
    TimerLoop,
)
from tests.waiting import SteppedClock, turns

FIRST = Timer("offer", "1", 1000)


class Timers:
    """A chat with timers; `waits_ms` says in how many milliseconds each fires, `defects` which of them fail."""

    def __init__(self, waits_ms: Sequence[int] = (), defects: Sequence[str] = ()) -> None:
        self.left = {str(number): wait_ms for number, wait_ms in enumerate(waits_ms)}
        self.defects = defects
        self.error: Exception | None = None
        self.fired: list[str] = []
        self.looks = 0
        self.postponed: list[PostponeTimer] = []
        self.others_fire = False

    async def execute(self, actor: Actor, command: Command[Any]) -> Any:  # noqa: ANN401 (of any command)
        if self.error is not None:
            raise self.error
        match command:
            case FindTimer():
                self.looks += 1
                return self._first()
            case FireTimers():
                return self._fire(command)
            case PostponeTimer():
                self.postponed.append(command)
                del self.left[command.timer.key]
                return None
            case _:
                assert isinstance(command, AddMissingTimers)
                return None

    def _first(self) -> NextTimer | None:
        if not self.left:
            return None
        key = min(self.left, key=lambda key: (self.left[key], int(key)))
        return NextTimer(Timer("offer", key, self.left[key]), self.left[key])

    def _fire(self, command: FireTimers) -> FiredTimers:
        if self.others_fire:
            return FiredTimers(is_own=False)
        due = sorted((key for key, wait_ms in self.left.items() if wait_ms <= 0), key=int)[: command.limit]
        assert due[0] == command.first.key
        if set(due) & set(self.defects):
            raise ZeroDivisionError
        for key in due:
            del self.left[key]
        self.fired += due
        return FiredTimers((5,) * len(due))


@asynccontextmanager
async def running(chat: Timers, has_peers: Callable[[], bool] = lambda: False) -> AsyncIterator[TimerLoop]:
    loop = TimerLoop(chat, has_peers)
    task = asyncio.create_task(loop.run())
    await turns(5)
    try:
        yield loop
    finally:
        task.cancel()


async def passes(clock: SteppedClock, seconds: float) -> None:
    clock.advance(seconds)
    await turns(10)


async def test_a_node_looks_at_the_start_and_when_the_first_timer_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, chat = SteppedClock(monkeypatch), Timers([2000])
    async with running(chat):
        assert chat.looks == 1
        await passes(clock, 1.9)
        assert chat.looks == 1
        await passes(clock, 0.2)
        assert chat.looks == 2


@pytest.mark.parametrize(("has_peers", "most_s"), [(False, TIMERS_CHECK_ALONE_S), (True, TIMERS_CHECK_S)])
async def test_a_node_looks_again_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch, *, has_peers: bool, most_s: float
) -> None:
    clock, chat = SteppedClock(monkeypatch), Timers([10**9])
    async with running(chat, lambda: has_peers):
        await passes(clock, most_s - 0.1)
        assert chat.looks == 1
        await passes(clock, 0.2)
        assert chat.looks == 2


async def test_a_node_looks_more_often_once_it_has_others(monkeypatch: pytest.MonkeyPatch) -> None:
    peers: list[str] = []
    clock, chat = SteppedClock(monkeypatch), Timers([10**9])
    async with running(chat, lambda: bool(peers)):
        peers.append("another")
        await passes(clock, TIMERS_CHECK_ALONE_S + 0.1)
        assert chat.looks == 2
        await passes(clock, TIMERS_CHECK_S + 0.1)
        assert chat.looks == 3
        peers.clear()
        await passes(clock, TIMERS_CHECK_S + 0.1)
        assert chat.looks == 4
        await passes(clock, TIMERS_CHECK_S + 0.1)
        assert chat.looks == 4


async def test_a_timer_that_the_node_sets_itself_fires_at_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, chat = SteppedClock(monkeypatch), Timers()
    async with running(chat) as loop:
        loop.expect(500)
        loop.expect(50_000)
        await passes(clock, 0.4)
        assert chat.looks == 1
        chat.left["7"] = 0
        await passes(clock, 0.2)
        assert chat.fired == ["7"]


async def test_several_nodes_do_not_look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talkwire.core.engine.timers.random", lambda: 0.9)
    clock, chat = SteppedClock(monkeypatch), Timers([500])
    async with running(chat, lambda: True):
        await passes(clock, 0.5 + 0.8 * TIMERS_SPREAD_S)
        assert chat.looks == 1
        await passes(clock, 0.2 * TIMERS_SPREAD_S)
        assert chat.looks == 2


async def test_many_that_are_due_fire_in_batches_with_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, chat = SteppedClock(monkeypatch), Timers([0] * (2 * TIMERS_AT_ONCE + 1))
    late: list[int] = []
    async with running(chat) as loop:
        loop.on_fired = late.extend
        for batches in (1, 2, 3):
            assert len(chat.fired) == min(batches * TIMERS_AT_ONCE, 2 * TIMERS_AT_ONCE + 1)
            await passes(clock, TIMERS_PAUSE_S)
    assert not chat.left
    assert late == [5] * (TIMERS_AT_ONCE + 1)  # the first batch was before


async def test_a_node_leaves_timers_to_another_one_that_fires_them(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, chat = SteppedClock(monkeypatch), Timers([0])
    chat.others_fire = True
    async with running(chat, lambda: True):
        await passes(clock, TIMERS_OTHERS_PAUSE_S - 0.01)
        assert chat.looks == 1
        await passes(clock, 0.02)
        assert chat.looks == 2


async def test_an_unavailable_database_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, chat = SteppedClock(monkeypatch), Timers([0])
    chat.error = ChatError("unavailable", "The database does not answer.")
    with capture_logs() as logs:
        async with running(chat):
            await passes(clock, TIMERS_RETRY_S - 0.1)
            chat.error = None
            assert not chat.fired
            await passes(clock, 0.2)
            assert chat.fired == ["0"]
    assert [entry["event"] for entry in logs] == ["timers_postponed"]


async def test_a_timer_that_fails_holds_up_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, chat = SteppedClock(monkeypatch), Timers([0] * (TIMERS_AT_ONCE + 5), defects=["3"])
    failures: list[str] = []
    with capture_logs() as logs:
        async with running(chat) as loop:
            loop.on_failed = lambda: failures.append("failed")
            for _ in range(8):
                await passes(clock, TIMERS_PAUSE_S)
    assert not chat.left
    assert chat.fired == [str(number) for number in range(TIMERS_AT_ONCE + 5) if number != 3]
    assert [(each.timer.key, each.wait_ms) for each in chat.postponed] == [("3", POSTPONED_MS)]
    assert [(entry["event"], entry["key"]) for entry in logs] == [("timer_failed", "3")]
    assert failures == ["failed"]


async def test_the_look_says_how_late_the_first_timer_is() -> None:
    chat = Timers([-2500])
    loop = TimerLoop(chat, lambda: False)
    await loop.look()
    assert loop.overdue_s == 2.5
    await loop.look()
    assert loop.overdue_s == 0.0
