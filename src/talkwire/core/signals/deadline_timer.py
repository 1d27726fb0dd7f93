"""A timer that calls a function whenever the next deadline of a set of entries is reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf


class DeadlineTimer:
    """A timer on the event loop. Calls `ring` with the loop's time in seconds when the time that `next_deadline`
    returns has come, then waits for the following deadline. `next_deadline` returns None if there is none.

    `ring` may be called before any deadline has passed, if the earliest one was removed after the timer was set.
    """

    def __init__(self, next_deadline: Callable[[], float | None], ring: Callable[[float], None]) -> None:
        self._next_deadline = next_deadline
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        # uvloop's handle for a deadline that has come already does not say when it is due.
        self._due = inf

    def arm(self) -> None:
        """Sets the timer to the next deadline, if that is earlier than the time to which the timer is set. Call it
        whenever an earlier deadline may have been added."""
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
