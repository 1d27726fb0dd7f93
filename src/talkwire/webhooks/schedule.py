"""When a refused event is sent again."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from random import random

DELAYS_S = (5, 30, 120, 600, 1800, 3600, 2 * 3600, 5 * 3600, 10 * 3600)
"""Seconds before each retry; the last one repeats."""

JITTER = 0.1
"""Retries come up to this share earlier or later, so that those of an outage do not all come at once."""

GIVE_UP_MS = 3 * 24 * 3600 * 1000
"""How long an event is retried, in milliseconds. After that its webhook is disabled."""

RETRY_AFTER_MAX_S = DELAYS_S[-1]
"""The longest `Retry-After` that is respected, in seconds."""


def retry_delay_ms(attempt: int, retry_after_s: float | None, random_of: Callable[[], float] = random) -> int:
    """Returns how long to wait after the failed attempt number `attempt`, in milliseconds."""
    delay_s = DELAYS_S[min(attempt, len(DELAYS_S)) - 1] * (1 - JITTER + 2 * JITTER * random_of())
    if retry_after_s is not None:
        delay_s = max(delay_s, min(retry_after_s, RETRY_AFTER_MAX_S))
    return round(delay_s * 1000)


def parse_retry_after(text: str | None, now_s: float) -> float | None:
    """Returns the seconds of a header `Retry-After`, which has seconds or a date; None if it is missing or invalid."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None
