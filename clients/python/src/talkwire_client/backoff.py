"""Computes how long to pause between attempts."""

from __future__ import annotations

import random

FIRST_S = 0.2
"""Longest pause after a first failure, in seconds."""


class Backoff:
    """Random pauses whose length doubles with each failure, up to `max_s` seconds.

    The pauses are random so that clients that lost the same server do not all reconnect at once.
    """

    def __init__(self, max_s: float) -> None:
        self._max_s = max_s
        self._failures = 0

    def next_s(self) -> float:
        """Counts one more failure and returns how many seconds to pause after it."""
        longest = min(FIRST_S * 2.0 ** min(self._failures, 30), self._max_s)
        self._failures += 1
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load, protects nothing)

    def reset(self) -> None:
        """Makes the next pause short again. Call it after a success."""
        self._failures = 0
