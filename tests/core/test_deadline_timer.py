"""One timer for many deadlines, on the event loop that servers run on."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest
import uvloop

from talkwire.core.signals.deadline_timer import DeadlineTimer
from tests.waiting import deadline


async def _rings(*delays_s: float) -> list[int]:
    """How many deadlines have come at each ring, when all are set in one turn of the loop."""
    loop = asyncio.get_running_loop()
    deadlines: deque[float] = deque()
    rings: list[int] = []
    done = asyncio.Event()

    def ring(now: float) -> None:
        before = len(deadlines)
        while deadlines and deadlines[0] <= now:
            deadlines.popleft()
        rings.append(before - len(deadlines))
        if not deadlines:
            done.set()

    alarm = DeadlineTimer(lambda: deadlines[0] if deadlines else None, ring)
    now = loop.time()
    for delay_s in delays_s:
        deadlines.append(now + delay_s)
        alarm.arm()
    async with deadline():
        await done.wait()
    return rings


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize(("delays_s", "rings"), [((0.0, 0.0), [2]), ((-1.0, 0.0, 0.0), [3])])
def test_deadlines_that_have_come_are_set_like_others(
    new_loop: object, delays_s: tuple[float, ...], rings: list[int]
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:  # type: ignore[arg-type]
        assert runner.run(_rings(*delays_s)) == rings
