"""Limits the processor time of followers (background tasks that process the log): little while the chat is busy, more
the further they are behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple


class Share(NamedTuple):
    """The share of one processor's time that a follower may use, from 0 to 1: `first` normally, up to `most` when it is
    far behind."""

    first: float
    most: float


IDLE = Share(0.1, 0.5)
BUSY = Share(0.005, 0.2)

BUSY_LOAD = 0.5
"""Load above which the process counts as busy even while no command waits, in seconds of processor time a second."""

FOLLOWER_PATIENCE_S = 30.0
"""Longest time that a follower may be behind without a larger share of the processor, in seconds. Beyond it, the share
grows in proportion to the delay."""

EVENTS_GATHER_S = 0.2
"""Seconds for which a follower that has reached the end of the log collects further events before it processes them,
since every range costs reads and a commit."""

FOLLOWER_RETRY_S = 5.0
"""Seconds that a follower rests after an error, and while another node does the same work."""


class Pace:
    """Computes how long a follower of the log rests after each range of events, so that it uses only its share of the
    processor: a smaller one while the process is busy, a larger one the further it is behind.

    `busy` returns whether commands are queued; `clock_s` is a monotonic clock and `cpu_s` the process's processor time,
    in seconds. The follower rests at least `gather_s` seconds at the log's end, and `retry_s` after an error.
    """

    def __init__(
        self,
        busy: Callable[[], bool] = lambda: False,
        gather_s: float = EVENTS_GATHER_S,
        retry_s: float = FOLLOWER_RETRY_S,
        clock_s: Callable[[], float] = time.monotonic,
        cpu_s: Callable[[], float] = time.process_time,
    ) -> None:
        self._busy = busy
        self.gather_s = gather_s
        self.retry_s = retry_s
        self._clock_s = clock_s
        self._cpu_s = cpu_s
        self._last = clock_s(), cpu_s()
        self._was_loaded = False

    @property
    def is_busy(self) -> bool:
        """True if commands are queued, or if the rest of the process used much of a processor between the last two
        calls of `rest_s`."""
        return self._was_loaded or self._busy()

    def rest_s(self, spent_s: float, lag_s: float, *, is_last: bool) -> float:
        """Returns how many seconds to rest before the next range. `spent_s` is the processor time that the last range
        took, `lag_s` the age of its first event, both in seconds. `is_last` says whether the range ended at the end of
        the log. Call it once after each range: it also measures the process's load since the last call."""
        (last_s, last_cpu_s), self._last = self._last, (self._clock_s(), self._cpu_s())
        passed_s, cpu_s = self._last[0] - last_s, self._last[1] - last_cpu_s
        self._was_loaded = (cpu_s - spent_s) / max(passed_s, 1e-6) > BUSY_LOAD
        first, most = BUSY if self.is_busy else IDLE
        share = min(most, first * max(1.0, lag_s / FOLLOWER_PATIENCE_S))
        rest_s = spent_s * (1 / share - 1)
        return max(rest_s, self.gather_s) if is_last else rest_s
