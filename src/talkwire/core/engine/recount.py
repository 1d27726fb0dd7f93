"""Counts again what events have changed, with one query at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Generic, TypeVar

from talkwire.core.domain.errors import ChatError

Key = TypeVar("Key")


class Recount(Generic[Key]):
    """Collects the keys of what has changed, and passes them to `count`, which queries the counts and sends them.

    Keys that are added during a query are counted by the following one. While the database is unavailable nothing is
    counted: clients that ask for counts receive the error, and the next event counts again.
    """

    def __init__(self, count: Callable[[tuple[Key, ...]], Awaitable[None]]) -> None:
        self._count = count
        self._changed: dict[Key, None] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, keys: Iterable[Key]) -> None:
        """Collects keys, which `start` counts."""
        self._changed |= dict.fromkeys(keys)

    def start(self) -> None:
        """Counts the collected keys, unless a query is running, after which they are counted."""
        if self._changed and self._task is None:
            self._task = asyncio.ensure_future(self._run())

    async def wait(self) -> None:
        """Waits until everything is counted."""
        if self._task is not None:
            await self._task

    async def cancel(self) -> None:
        """Ends the counting."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._changed:  # Suspends: each round executes a command.
            keys, self._changed = tuple(self._changed), {}
            with suppress(ChatError):
                await self._count(keys)
        self._task = None
