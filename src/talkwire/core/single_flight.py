"""Shares one running call among all callers that ask for the same at the same time (the pattern "single flight")."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


class SingleFlight(Generic[K, R]):
    """Runs at most one call for each key. Callers that arrive while it runs receive its result, or its error.

    A call is forgotten before its callers resume, in the same turn of the event loop. So a caller never receives the
    result of a call that had ended before it asked, and `run` suspends whenever the call does.
    """

    def __init__(self) -> None:
        self._running: dict[K, asyncio.Future[R]] = {}

    def __contains__(self, key: K) -> bool:
        """Returns whether a call for the key is running."""
        return key in self._running

    async def run(self, key: K, call: Callable[[], Awaitable[R]]) -> R:
        """Returns the result of the running call for the key. If none is running, starts `call()` in a task of its own.
        A caller that is cancelled does not cancel the call."""
        running = self._running.get(key)
        if running is None:
            running = asyncio.ensure_future(self._run(key, call))
            if not running.done():  # an eager task may have ended already
                self._running[key] = running
        return await asyncio.shield(running)

    async def aclose(self) -> None:
        """Cancels the running calls, and waits until they have ended."""
        running = list(self._running.values())
        self._running.clear()
        for each in running:
            each.cancel()
        if running:
            await asyncio.wait(running)

    async def _run(self, key: K, call: Callable[[], Awaitable[R]]) -> R:
        try:
            return await call()
        finally:
            self._running.pop(key, None)
