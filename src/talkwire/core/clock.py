"""The clock of the process, for what is not a rule: rules take the time as an argument."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Returns the current time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
