"""The lane handles one connection's events in their order of arrival."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from talkwire.realtime.scheduling.lane import UNFINISHED_EVENTS_MAX, Lane
from tests.waiting import deadline


class Work:
    """Starts work in a lane and finishes it when the test says so."""

    def __init__(self) -> None:
        self.changes = 0
        self.started: list[str] = []
        self.under_way: set[str] = set()
        self.lane = Lane(self)

    def is_full(self) -> bool:
        return self.lane.is_full

    def lane_changed(self) -> None:
        self.changes += 1

    def enter(self, name: str, *, pipelined: bool = False, at_once: bool = False) -> None:
        self.lane.enter(self._start(name, at_once), pipelined=pipelined)

    def _start(self, name: str, at_once: bool) -> Callable[[], bool]:  # noqa: FBT001
        def start() -> bool:
            self.started.append(name)
            if not at_once:
                self.under_way.add(name)
            return not at_once

        return start

    async def finish(self, *names: str) -> None:
        for name in names:
            self.under_way.remove(name)
            self.lane.finished()


@pytest.fixture
async def work() -> Work:
    return Work()


async def test_changes_run_concurrently(work: Work) -> None:
    for name in "abc":
        work.enter(name, pipelined=True)
    assert work.started == ["a", "b", "c"]
    await work.finish("c", "a")
    assert not work.lane.idle
    await work.finish("b")
    assert work.lane.idle


async def test_a_query_waits_for_all_before_it_and_holds_up_all_behind(work: Work) -> None:
    work.enter("change 1", pipelined=True)
    work.enter("change 2", pipelined=True)
    work.enter("query")
    work.enter("change 3", pipelined=True)
    work.enter("change 4", pipelined=True)
    assert work.started == ["change 1", "change 2"]
    await work.finish("change 2")
    assert work.started == ["change 1", "change 2"]
    await work.finish("change 1")
    assert work.started[2:] == ["query"]
    await work.finish("query")
    assert work.started[3:] == ["change 3", "change 4"]


async def test_queries_run_one_after_the_other(work: Work) -> None:
    for name in "abc":
        work.enter(name)
    for name in "abc":
        assert work.started[-1] == name
        await work.finish(name)
    assert work.lane.idle


async def test_immediate_commands_keep_their_place(work: Work) -> None:
    work.enter("query")
    work.enter("at once", at_once=True)
    work.enter("behind", at_once=True)
    assert work.started == ["query"]
    await work.finish("query")
    assert work.started == ["query", "at once", "behind"]
    assert work.lane.idle


async def test_while_the_client_does_not_read_changes_begin_and_queries_wait(work: Work) -> None:
    work.lane.held = True
    work.enter("change", pipelined=True)
    work.enter("query")
    work.enter("behind", pipelined=True)
    await work.finish("change")
    assert work.started == ["change"]
    work.lane.release()
    assert work.started == ["change", "query"]
    await work.finish("query")
    assert work.started == ["change", "query", "behind"]


async def test_a_full_lane_is_reported_at_once(work: Work) -> None:
    work.enter("query")
    for number in range(UNFINISHED_EVENTS_MAX - 1):
        work.enter(str(number))
    assert (work.is_full(), work.changes) == (False, 0)
    work.enter("one too many")
    assert (work.is_full(), work.changes) == (True, 1)


async def test_running_changes_fill_a_lane_too(work: Work) -> None:
    for number in range(UNFINISHED_EVENTS_MAX + 1):
        work.enter(str(number), pipelined=True)
    assert (work.is_full(), work.changes) == (True, 1)
    await work.finish("7")
    assert (work.is_full(), work.changes) == (False, 2)


async def test_waiting_callers_continue_when_the_lane_empties(work: Work) -> None:
    for number in range(UNFINISHED_EVENTS_MAX + 1):
        work.enter(str(number), pipelined=True)
    waiting = asyncio.ensure_future(work.lane.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    await work.finish("0")
    async with deadline():
        await waiting


async def test_a_client_that_reads_again_frees_a_lane_of_things_that_are_done_at_once(work: Work) -> None:
    work.lane.held = True
    for number in range(UNFINISHED_EVENTS_MAX + 1):
        work.enter(str(number), at_once=True)
    assert work.lane.is_full
    waiting = asyncio.ensure_future(work.lane.room())
    await asyncio.sleep(0)
    changes = work.changes
    work.lane.release()
    assert len(work.started) == UNFINISHED_EVENTS_MAX + 1
    # Otherwise nothing would resume reading from the connection.
    assert work.changes == changes + 1
    async with deadline():
        await waiting


async def test_clearing_a_lane_drops_commands_that_have_not_started(work: Work) -> None:
    for number in range(UNFINISHED_EVENTS_MAX + 2):
        work.enter(str(number))
    waiting = asyncio.ensure_future(work.lane.room())
    await asyncio.sleep(0)
    work.lane.clear()
    async with deadline():
        await waiting
    await work.finish("0")
    assert work.started == ["0"]
    assert work.lane.idle


@pytest.mark.parametrize("pipelined", [True, False])
async def test_a_command_that_fails_to_start_blocks_no_other(work: Work, pipelined: bool) -> None:  # noqa: FBT001
    def fail() -> bool:
        raise RuntimeError("a bug")

    work.enter("query")
    work.lane.enter(fail, pipelined=pipelined)
    work.enter("behind")
    await work.finish("query")
    assert work.started == ["query", "behind"]
    await work.finish("behind")
    work.lane.enter(fail, pipelined=pipelined)
    assert work.lane.idle


@pytest.mark.parametrize("closes", [True, False])
async def test_a_query_is_cancelled_only_when_its_connection_closes(work: Work, closes: bool) -> None:  # noqa: FBT001
    query = asyncio.get_running_loop().create_future()
    work.enter("query")
    work.lane.query = query
    if not closes:
        await work.finish("query")
        work.enter("change", pipelined=True)
    work.lane.close()
    assert query.cancelled() is closes
