"""When memory that only the garbage collector can free returns."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from talkwire.collector import collect_while_idle, has_grown


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


async def collected_once(*, busy: bool = False) -> None:
    """Has it look once, after a rest that was busy or not."""
    rests: list[float] = []

    async def sleep(rest_s: float) -> None:
        rests.append(rest_s)
        if len(rests) == 2:
            raise asyncio.CancelledError
        if busy:
            gc.collect(0)

    with pytest.raises(asyncio.CancelledError):
        await collect_while_idle(sleep)


def old_knot() -> weakref.ref[Knot]:
    """One that has lived through a collection of the youngest, and is garbage since."""
    knot = Knot()
    gc.collect(0)
    return weakref.ref(knot)


async def test_garbage_is_collected_while_the_server_is_idle() -> None:
    left = old_knot()
    assert left() is not None
    await collected_once()
    assert left() is None
    assert not has_grown()


async def test_a_busy_server_is_not_stopped_for_it() -> None:
    left = old_knot()
    await collected_once(busy=True)
    assert left() is not None


async def test_nothing_is_collected_where_the_collector_is_off() -> None:
    left = old_knot()
    gc.disable()
    try:
        await collected_once()
        assert left() is not None
    finally:
        gc.enable()
