"""Limits how many log lines of one kind are written per second, so that clients cannot fill the disk with log lines."""

from __future__ import annotations

LINES_PER_S = 10
"""Most log lines of one kind a second."""


class LogRateLimit:
    """Allows `per_s` log lines of one kind per second, and counts the lines that are suppressed."""

    __slots__ = ("_ends", "_left", "_per_s", "_suppressed")

    def __init__(self, per_s: int = LINES_PER_S) -> None:
        self._per_s = per_s
        self._left = per_s
        self._ends = 0.0
        self._suppressed = 0

    def take(self, now: float) -> int | None:
        """Counts a line that is about to be logged. Returns None if the line must be suppressed; else how many lines
        were suppressed since the last logged one.

        `now` is in seconds of a monotonic clock.
        """
        if now >= self._ends:
            self._ends, self._left = now + 1, self._per_s
        if not self._left:
            self._suppressed += 1
            return None
        self._left -= 1
        suppressed, self._suppressed = self._suppressed, 0
        return suppressed
