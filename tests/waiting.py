"""How tests wait: for a condition, under one long deadline.

A deadline ends a test that would hang. It never decides what a test finds, so it is longer than any machine takes.
No test but those of `make measure` reads a clock or sleeps by itself; `tools/check_sources.py` checks that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

DEADLINE_S = 60.0
_POLL_S = 0.02

T = TypeVar("T")


def deadline() -> asyncio.Timeout:
    """Returns a context manager that raises TimeoutError if its block takes longer than the deadline."""
    return asyncio.timeout(DEADLINE_S)


async def until(condition: Callable[[], T]) -> T:
    """Returns the condition's first true result; asks again and again. Raises TimeoutError.

    For what notifies nobody. Where there is an event or a queue, wait for that under `deadline`.
    """
    async with deadline():
        while not (result := condition()):  # noqa: ASYNC110 (nothing notifies)
            await asyncio.sleep(_POLL_S)
        return result


async def until_asked(question: Callable[[], Awaitable[T]]) -> T:
    """Returns the first true answer to a question that has to be awaited, such as a request. Raises TimeoutError."""
    async with deadline():
        while not (answer := await question()):  # noqa: ASYNC110 (nothing notifies)
            await asyncio.sleep(_POLL_S)
        return answer


def wait_until(condition: Callable[[], T], *, within_s: float = DEADLINE_S) -> T:
    """Returns the condition's first true result, and blocks the thread until then. Raises TimeoutError."""
    ends_at = time.monotonic() + within_s
    while not (result := condition()):
        if time.monotonic() > ends_at:
            raise TimeoutError(f"not within {within_s:.0f} s")
        time.sleep(_POLL_S)
    return result


async def turns(number: int) -> None:
    """Lets the event loop take this many turns."""
    for _ in range(number):
        await asyncio.sleep(0)


async def pause(seconds: float) -> None:
    """Lets time pass: before a test looks that nothing has happened, or to imitate a slow program.

    What a test expects to happen must never depend on it: wait for that.
    """
    await asyncio.sleep(seconds)


def block(seconds: float) -> None:
    """Does what `pause` does, and blocks the thread."""
    time.sleep(seconds)


class SteppedClock:
    """The clock of the running event loop, which stands still until `advance`.

    Timers fire in the turns after that and at no other time, so nothing may wait by `until` or `pause` meanwhile.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self._now = loop.time()
        monkeypatch.setattr(loop, "time", self)

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Lets time pass, as if the process had not run meanwhile."""
        self._now += seconds
