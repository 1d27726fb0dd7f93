"""Starts and keeps track of tasks that run on the event loop while nobody awaits them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class BackgroundTasks:
    """Runs coroutines as tasks and keeps a reference to each, because the event loop refers to tasks only weakly."""

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Runs the coroutine as a task of the running event loop, and returns the task. The caller need not keep it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def wait(self) -> None:
        """Waits for all tasks that are running now, but not for tasks started meanwhile. If a task fails, raises its
        exception at once, without waiting for the others."""
        await asyncio.gather(*self._tasks)

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
