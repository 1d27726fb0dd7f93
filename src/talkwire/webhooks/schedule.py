"""Computes when an event that a webhook endpoint refused is sent again."""

from __future__ import annotations

from collections.abc import Callable
from random import random

RETRY_DELAYS_S = (5, 30, 120, 600, 1800, 3600, 2 * 3600, 5 * 3600, 10 * 3600)
"""Seconds before each retry; the last one repeats."""

RETRY_JITTER = 0.1
"""Share by which retries come earlier or later at most, so that those of an outage do not all come at once."""

GIVE_UP_MS = 3 * 24 * 3600 * 1000
"""Milliseconds for which an event is retried. After that its webhook is disabled."""

RETRY_AFTER_MAX_S = RETRY_DELAYS_S[-1]
"""Longest `Retry-After` that is respected, in seconds."""


def retry_delay_ms(attempt: int, retry_after_s: float | None, random_of: Callable[[], float] = random) -> int:
    """Returns the milliseconds to wait after the failed attempt number `attempt` (from 1): about 5 seconds at first,
    longer after each attempt, up to about 10 hours. `random_of` returns a number from 0 to 1, which varies the delay.

    If the endpoint asked for a longer delay, `retry_after_s` in seconds, the result is that delay, at most 10 hours.
    """
    delay_s = RETRY_DELAYS_S[min(attempt, len(RETRY_DELAYS_S)) - 1] * (
        1 - RETRY_JITTER + 2 * RETRY_JITTER * random_of()
    )
    if retry_after_s is not None:
        delay_s = max(delay_s, min(retry_after_s, RETRY_AFTER_MAX_S))
    return round(delay_s * 1000)
