"""A queue for work that takes longer than one turn of the event loop. The work is done in steps, so that one client's
large request does not delay all others.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import structlog

TURN_S = 0.01
"""Seconds in one turn during which steps are started. The last one may end later, but each step is small."""

T = TypeVar("T")

_logger = structlog.get_logger(__name__)


class WorkQueue:
    """A queue of several clients' long work, split into steps: calls the steps in rotation, for about TURN_S seconds
    per turn of the event loop, so that one client's work does not delay all others.
    """

    def __init__(self) -> None:
        self._steps: OrderedDict[Callable[[], bool], None] = OrderedDict()
        self._scheduled = False
        """Whether a turn is running or scheduled. `_steps` does not tell: a running step is not in it."""

    @property
    def busy(self) -> bool:
        """Returns whether steps are queued, so that new work should wait for its turn behind them."""
        return bool(self._steps)

    def add(self, step: Callable[[], bool]) -> None:
        """Queues `step`: calls it repeatedly, from the next turn of the event loop on, until it returns False or raises
        an exception, which is logged. Does nothing if the same step is queued already.
        """
        self._steps[step] = None
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    async def finish(self, step: Callable[[], T | None]) -> T:
        """Calls `step` repeatedly until it returns a value other than None, and returns that value. Other clients'
        steps, and the event loop, run between the calls.

        Makes the first call at once unless other steps are queued. Raises any exception of `step`.
        """
        result = None if self._steps else step()
        if result is not None:
            return result
        finished: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def again() -> bool:
            if finished.done():
                return False
            try:
                result = step()
            except Exception as error:  # noqa: BLE001 (it goes to the caller)
                finished.set_exception(error)
                return False
            if result is not None:
                finished.set_result(result)
            return result is None

        self.add(again)
        return await finished

    def _turn(self) -> None:
        end = time.perf_counter() + TURN_S
        while self._steps and time.perf_counter() < end:
            step, _ = self._steps.popitem(last=False)
            try:
                has_more = step()
            except Exception:
                # A defect in one client's work must not stop that of all others.
                _logger.exception("work_failed")
                has_more = False
            if has_more:
                self._steps[step] = None
        self._scheduled = bool(self._steps)
        if self._scheduled:
            asyncio.get_running_loop().call_soon(self._turn)
