"""Time that passes only while everything waits, for property tests of several nodes in one process."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Selector(selectors.SelectSelector):
    """Passes the time in which nothing happens at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing is left to wait for"
        self.now += max(timeout, 0.0)
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while everything waits."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


class VirtualTime:
    """An event loop in virtual time, in which a test that is no coroutine runs the nodes."""

    def __init__(self) -> None:
        self.loop = _VirtualLoop()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 (a result)
        return self.loop.run_until_complete(work)

    def pass_time(self, seconds: float) -> None:
        self.run(self.pause(seconds))

    async def pause(self, seconds: float) -> None:
        """Returns when so much virtual time has passed."""
        passed = asyncio.Event()
        self.loop.call_later(seconds, passed.set)
        await passed.wait()
