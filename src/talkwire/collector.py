"""The settings of Python's garbage collector for one busy event loop, and full collections while it is idle.

Almost everything is let go of by its reference count, as soon as its request or connection ends. What is left to the
collector are cycles that libraries make. docs/decisions/0025-the-garbage-collector.md has the measurements.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable

THRESHOLDS = 10_000, 10, 10
"""Young objects before the first generation is collected; the others after so many collections of the one before. The
first number bounds a stop of the loop: 10,000 objects are looked through in a few milliseconds."""

LOOK_EVERY_S = 10.0

IDLE_SHARE = 0.2
"""The loop is idle while the process uses less of a core than this."""

COLLECTING_SHARE = 0.005
"""Full collections may take so much of the time, so that they get rarer the more there is to look through."""


def tune_collector() -> None:
    """Collects now, takes what is left out of all later collections, and sets how often those come."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


async def collect_while_idle(sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Runs until it is cancelled. After a rush nothing would trigger the collector on a quiet server, and the memory
    would not return."""
    rest_s = LOOK_EVERY_S
    while True:
        used_s = time.process_time()
        await sleep(rest_s)
        is_idle = time.process_time() - used_s < IDLE_SHARE * rest_s
        rest_s = LOOK_EVERY_S
        if is_idle and has_grown():
            began_s = time.thread_time()
            gc.collect()
            rest_s = max(LOOK_EVERY_S, (time.thread_time() - began_s) / COLLECTING_SHARE)


def has_grown() -> bool:
    """Whether the first generation was collected since the last full collection. Never while the collector is off."""
    _, first, second = gc.get_count()
    return gc.isenabled() and bool(first or second)
