"""Notices that this process has stood still, so that other nodes may have taken over what it is the home of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.cluster.peers import ASK_S

PAUSED_S = ASK_S / 2
"""Seconds that the event loop has to stand still to be noticed: fewer than other nodes wait for an answer."""

_LOOK_EVERY_S = PAUSED_S / 3


class PauseWatch:
    """Calls `confirm` when this process continues after a pause, such as by SIGSTOP or of its virtual machine.

    It watches from `start` on for as long as `is_needed`. `confirm` finds out from the database what still belongs to
    this node; until it returns, `is_confirming`.
    """

    def __init__(self, is_needed: Callable[[], bool], confirm: Callable[[], Awaitable[None]]) -> None:
        self._is_needed = is_needed
        self._confirm = confirm
        self._tasks = BackgroundTasks()
        self._confirming: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._seen_at = 0.0
        """Time at which the event loop was last seen to run, by its clock."""

    @property
    def is_confirming(self) -> bool:
        self._look()
        return self._confirming is not None

    def start(self) -> None:
        if self._timer is None:
            self._seen_at = asyncio.get_running_loop().time()
            self._watch()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._tasks.cancel()

    async def confirmed(self) -> None:
        """Returns at once, or after a pause when `confirm` has returned."""
        if self.is_confirming:
            assert self._confirming is not None
            await asyncio.wait([self._confirming])

    def _watch(self) -> None:
        if self._is_needed():
            self._look()
            self._timer = asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._watch)
        else:
            self._timer = None

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._timer is not None and now - self._seen_at >= PAUSED_S and self._confirming is None:
            self._confirming = self._tasks.start(self._run())
        self._seen_at = now

    async def _run(self) -> None:
        try:
            await self._confirm()
        finally:
            self._confirming = None
