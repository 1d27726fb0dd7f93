"""Callers that ask for the same at the same time share one call."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

import pytest

from talkwire.core.single_flight import SingleFlight
from tests.waiting import deadline, turns


class Calls:
    """Calls that end when the test ends them. `begun` has the future of each call."""

    def __init__(self) -> None:
        self.begun: list[asyncio.Future[str]] = []

    def __call__(self) -> asyncio.Future[str]:
        self.begun.append(asyncio.get_running_loop().create_future())
        return self.begun[-1]


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def flight() -> SingleFlight[str, str]:
    return SingleFlight()


async def test_callers_share_a_running_call_and_the_next_caller_starts_another(
    flight: SingleFlight[str, str], calls: Calls
) -> None:
    callers = [asyncio.ensure_future(flight.run("a", calls)) for _ in range(3)]
    await turns(3)
    assert "a" in flight
    calls.begun[0].set_result("first")
    async with deadline():
        assert await asyncio.gather(*callers) == ["first"] * 3
    assert "a" not in flight
    last = asyncio.ensure_future(flight.run("a", calls))
    await turns(3)
    calls.begun[1].set_result("second")
    assert await last == "second"
    assert len(calls.begun) == 2


async def test_keys_do_not_wait_for_each_other(flight: SingleFlight[str, str], calls: Calls) -> None:
    callers = [asyncio.ensure_future(flight.run(key, calls)) for key in "ab"]
    await turns(3)
    calls.begun[1].set_result("b")
    await turns(3)
    assert [caller.done() for caller in callers] == [False, True]
    await flight.aclose()
    assert (await asyncio.gather(*callers, return_exceptions=True))[1] == "b"


async def test_a_caller_that_resumes_finds_no_call_that_has_ended(flight: SingleFlight[str, str], calls: Calls) -> None:
    """Also a caller that is woken in the very turn in which the call ends."""
    found: list[bool] = []
    caller = asyncio.ensure_future(flight.run("a", calls))
    await turns(3)
    calls.begun[0].add_done_callback(lambda _: found.append("a" in flight))
    calls.begun[0].set_result("done")
    await caller
    assert found == [False]


async def test_all_callers_receive_the_error_of_the_call(flight: SingleFlight[str, str], calls: Calls) -> None:
    callers = [asyncio.ensure_future(flight.run("a", calls)) for _ in range(2)]
    await turns(3)
    calls.begun[0].set_exception(OSError("no connection"))
    errors = await asyncio.gather(*callers, return_exceptions=True)
    assert [str(error) for error in errors] == ["no connection"] * 2
    assert "a" not in flight


async def test_a_cancelled_caller_leaves_the_call_to_the_others(flight: SingleFlight[str, str], calls: Calls) -> None:
    first, second = (asyncio.ensure_future(flight.run("a", calls)) for _ in range(2))
    await turns(3)
    first.cancel()
    await turns(3)
    calls.begun[0].set_result("done")
    assert await second == "done"
    assert first.cancelled()


async def test_closing_cancels_what_runs(flight: SingleFlight[str, str], calls: Calls) -> None:
    caller = asyncio.ensure_future(flight.run("a", calls))
    await turns(3)
    async with deadline():
        await flight.aclose()
        with pytest.raises(asyncio.CancelledError):
            await caller
    assert calls.begun[0].cancelled()
    assert "a" not in flight


async def test_a_call_that_ends_as_it_starts_is_not_kept(flight: SingleFlight[str, str]) -> None:
    """As with `asyncio.eager_task_factory` of an embedding program."""

    def end_at_once(
        loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, str], **_: object
    ) -> asyncio.Future[Any]:
        task = loop.create_future()
        try:
            work.send(None)
        except StopIteration as end:
            task.set_result(end.value)
        return task

    async def call() -> str:
        return "done"

    loop = asyncio.get_running_loop()
    loop.set_task_factory(cast("Any", end_at_once))
    try:
        assert await flight.run("a", call) == "done"
    finally:
        loop.set_task_factory(None)
    assert "a" not in flight
