"""Work that is too much for one turn of the event loop: what one client sends at once must not hold up all others."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import structlog

TURN_S = 0.01
"""For how long steps are begun in one turn; the last one may take longer, but each is small."""

T = TypeVar("T")

_logger = structlog.get_logger(__name__)


class WorkQueue:
    """Steps of several clients' work, done in rotation, a bounded time each turn of the loop."""

    def __init__(self) -> None:
        self._steps: OrderedDict[Callable[[], bool], None] = OrderedDict()
        self._scheduled = False
        """Whether a turn is running or will run. `_steps` does not say so: a step that runs is not in it."""

    @property
    def busy(self) -> bool:
        """Whether steps wait, so that new work has to line up."""
        return bool(self._steps)

    def add(self, step: Callable[[], bool]) -> None:
        """Has `step` called, from the next turn on, until it returns False. It is added once, however often."""
        self._steps[step] = None
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    async def finish(self, step: Callable[[], T | None]) -> T:
        """Calls `step` until it returns something and returns that. The first call is made at once, unless others
        wait."""
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
                # One client's work must not hold up that of all others.
                _logger.exception("a step of work failed")
                has_more = False
            if has_more:
                self._steps[step] = None
        self._scheduled = bool(self._steps)
        if self._scheduled:
            asyncio.get_running_loop().call_soon(self._turn)
