"""One timer for a state whose entries end by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class DeadlineTimer:
    """Calls `ring` with the loop's time when the state's next deadline has come, as long as there is one.

    It may ring early, when the entry that it was set for has ended in the meantime.
    """

    def __init__(self, next_deadline: Callable[[], float | None], ring: Callable[[float], None]) -> None:
        self._next_deadline = next_deadline
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Sets the timer to the next deadline. To be called when there may be one that is sooner than those before."""
        deadline = self._next_deadline()
        if deadline is None or (self._timer is not None and self._timer.when() <= deadline):
            return
        self.cancel()
        self._timer = asyncio.get_running_loop().call_at(deadline, self._wake)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _wake(self) -> None:
        self._timer = None
        self._ring(asyncio.get_running_loop().time())
        self.arm()
