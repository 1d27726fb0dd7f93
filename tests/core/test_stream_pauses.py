"""A node notices that it has stood still, and asks the database before it continues with its streams."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.core.signals.streams.pauses import PAUSED_S, PauseWatch
from tests.waiting import SteppedClock, turns


class Confirming:
    """A confirmation that ends when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> None:
        self.asked += 1
        await self.may_end.wait()


@pytest.mark.parametrize(
    ("steps_s", "asked"),
    [
        ([PAUSED_S / 4] * 40, 0),
        ([PAUSED_S * 0.9], 0),
        ([PAUSED_S], 1),
        ([PAUSED_S * 100], 1),
        ([PAUSED_S, PAUSED_S], 1),
        ([PAUSED_S / 4] * 10 + [PAUSED_S * 2] + [PAUSED_S / 4] * 10, 1),
    ],
)
async def test_only_a_pause_is_confirmed(monkeypatch: pytest.MonkeyPatch, steps_s: list[float], asked: int) -> None:
    clock, confirm = SteppedClock(monkeypatch), Confirming()
    watch = PauseWatch(lambda: True, confirm)
    watch.start()
    for step_s in steps_s:
        clock.advance(step_s)
        await turns(3)
    assert (confirm.asked, watch.is_confirming) == (asked, bool(asked))
    watch.stop()


async def test_what_comes_first_after_a_pause_waits_for_the_confirmation(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, confirm = SteppedClock(monkeypatch), Confirming()
    watch = PauseWatch(lambda: True, confirm)
    watch.start()
    await watch.confirmed()
    clock.advance(PAUSED_S)
    write = asyncio.create_task(watch.confirmed())
    await turns(3)
    assert (write.done(), confirm.asked) == (False, 1)
    confirm.may_end.set()
    await write
    assert not watch.is_confirming
    clock.advance(PAUSED_S)
    await watch.confirmed()
    assert confirm.asked == 2, "the next pause is another one"
    watch.stop()


async def test_nothing_is_confirmed_where_there_is_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, confirm, streams = SteppedClock(monkeypatch), Confirming(), [1]
    watch = PauseWatch(lambda: bool(streams), confirm)
    await watch.confirmed()
    watch.start()
    streams.clear()
    clock.advance(PAUSED_S / 2)
    await turns(3)
    clock.advance(PAUSED_S * 9)
    await watch.confirmed()
    streams.append(2)
    watch.start()
    assert (confirm.asked, watch.is_confirming) == (0, False)
    watch.stop()
