"""Work that is done in steps, a bounded time each turn of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import structlog

from talkwire.realtime.scheduling.work_queue import TURN_S, WorkQueue
from tests.waiting import block, until


class Task:
    """Steps that record their names; each takes `takes_s` seconds."""

    def __init__(self, log: list[str], name: str, steps: int, takes_s: float = 0.0) -> None:
        self._log = log
        self._name = name
        self._left = steps
        self._takes_s = takes_s

    def step(self) -> bool:
        block(self._takes_s)
        self._log.append(self._name)
        self._left -= 1
        return self._left > 0


async def test_the_steps_of_several_take_turns() -> None:
    work, log = WorkQueue(), list[str]()
    for name in "ab":
        work.add(Task(log, name, 3).step)
    assert work.busy
    assert log == []
    await until(lambda: not work.busy)
    assert log == ["a", "b", "a", "b", "a", "b"]


async def test_others_have_their_turns_in_between() -> None:
    work, log = WorkQueue(), list[str]()
    work.add(Task(log, "a", 4, takes_s=TURN_S).step)
    seen = []
    while work.busy:
        await asyncio.sleep(0)
        seen.append(len(log))
    assert seen == [1, 2, 3, 4]


async def test_a_step_that_is_added_again_while_it_waits_is_queued_once() -> None:
    work, log = WorkQueue(), list[str]()
    task = Task(log, "a", 1)
    work.add(task.step)
    work.add(task.step)
    await until(lambda: not work.busy)
    assert log == ["a"]


async def test_work_added_by_the_only_step_takes_no_extra_turn() -> None:
    work, log = WorkQueue(), list[str]()
    added = Task(log, "b", 1)
    first = Task(log, "a", 8, takes_s=TURN_S)

    def step() -> bool:
        work.add(added.step)
        return first.step()

    work.add(step)
    longest = 0
    while work.busy:
        before = log.count("a")
        await asyncio.sleep(0)
        longest = max(longest, log.count("a") - before)
    assert longest == 1


async def test_a_step_that_fails_delays_no_other_client() -> None:
    work, log = WorkQueue(), list[str]()

    def fail() -> bool:
        raise ValueError

    work.add(fail)
    work.add(Task(log, "a", 1).step)
    with structlog.testing.capture_logs() as lines:
        await until(lambda: not work.busy)
    assert (log, [line["event"] for line in lines]) == (["a"], ["work_failed"])


async def test_work_is_waited_for_until_it_returns_something() -> None:
    work = WorkQueue()
    results = [None, None, "done"]
    assert await work.finish(lambda: results.pop(0)) == "done"
    assert not work.busy


async def test_work_starts_at_once_unless_others_wait() -> None:
    work, log = WorkQueue(), list[str]()

    def note(name: str) -> Callable[[], bool]:
        return lambda: not Task(log, name, 1).step()

    assert await work.finish(note("a"))
    work.add(Task(log, "b", 1).step)
    assert await work.finish(note("c"))
    assert log == ["a", "b", "c"]


async def test_an_error_goes_to_who_waits() -> None:
    work = WorkQueue()
    calls = 0

    def fail() -> bool | None:
        nonlocal calls
        calls += 1
        if calls == 1:
            return None
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await work.finish(fail)


async def test_work_whose_caller_is_cancelled_ends() -> None:
    work = WorkQueue()
    waiting: asyncio.Task[None] = asyncio.create_task(work.finish(lambda: None))
    await asyncio.sleep(0)
    assert work.busy
    waiting.cancel()
    await until(lambda: not work.busy)
