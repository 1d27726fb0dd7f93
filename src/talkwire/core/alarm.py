"""One timer for a state whose entries end by themselves, all of them equally long after they began."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls `ring` with the loop's time when the state's next deadline has come, as long as there is one.

    It may ring early, when the entry that it was set for has ended in the meantime.
    """

    def __init__(self, next_deadline: Callable[[], float | None], ring: Callable[[float], None]) -> None:
        self._next_deadline = next_deadline
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """To be called when there may be a deadline where there was none."""
        if self._timer is None:
            deadline = self._next_deadline()
            if deadline is not None:
                self._timer = asyncio.get_running_loop().call_at(deadline, self._wake)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _wake(self) -> None:
        self._timer = None
        self._ring(asyncio.get_running_loop().time())
        self.arm()
