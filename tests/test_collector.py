"""When memory that only the garbage collector can free returns."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from talkwire.collector import LOOK_EVERY_S, collect_while_idle, has_grown


class Knot:
    """Refers to itself, so that it outlives its last user."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def nothing_by_itself() -> Iterator[None]:
    """No collection but the ones that a test asks for."""
    before = gc.get_threshold()
    gc.set_threshold(1_000_000_000)
    gc.collect()
    yield
    gc.set_threshold(*before)


async def collected_once() -> list[float]:
    """Has it look once. Returns how long it rested before, and would have rested after that."""
    rests: list[float] = []

    async def sleep(rest_s: float) -> None:
        rests.append(rest_s)
        if len(rests) == 2:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await collect_while_idle(sleep)
    return rests


def old_knot() -> weakref.ref[Knot]:
    """One that has lived through a collection of the youngest, and is garbage since."""
    knot = Knot()
    gc.collect(0)
    return weakref.ref(knot)


async def test_what_a_rush_has_left_is_collected_while_nothing_happens() -> None:
    left = old_knot()
    assert left() is not None
    rests = await collected_once()
    assert left() is None
    assert not has_grown()
    assert rests[1] >= rests[0] == LOOK_EVERY_S


async def test_a_busy_server_is_not_stopped_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talkwire.collector.IDLE_SHARE", 0.0)
    left = old_knot()
    await collected_once()
    assert left() is not None


async def test_nothing_is_collected_where_the_collector_is_off() -> None:
    left = old_knot()
    gc.disable()
    try:
        await collected_once()
        assert left() is not None
    finally:
        gc.enable()
