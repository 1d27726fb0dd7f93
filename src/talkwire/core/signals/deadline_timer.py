"""A timer that calls a function whenever the next deadline of a set of entries is reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf


class DeadlineTimer:
    """Calls `ring` with the event loop's time whenever the deadline that `next_deadline` returns is reached.

    `ring` may be called too early, if the entry with that deadline was removed in the meantime.
    """

    def __init__(self, next_deadline: Callable[[], float | None], ring: Callable[[float], None]) -> None:
        self._next_deadline = next_deadline
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        # uvloop's handle for a deadline that has come already does not say when it is due.
        self._due = inf

    def arm(self) -> None:
        """Sets the timer to the next deadline. The owner calls it whenever an earlier deadline may have been added."""
        deadline = self._next_deadline()
        if deadline is None or self._due <= deadline:
            return
        self.cancel()
        self._due = deadline
        self._timer = asyncio.get_running_loop().call_at(deadline, self._wake)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = inf

    def _wake(self) -> None:
        self._due = inf
        self._ring(asyncio.get_running_loop().time())
        self.arm()
