"""The settings of Python's garbage collector for one busy event loop, and full collections while it is idle.

Almost everything is let go of by its reference count, as soon as its request or connection ends. What is left to the
collector are cycles that libraries make. docs/decisions/0025-the-garbage-collector.md has the measurements.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

THRESHOLDS = 2_000, 20, 25
"""Young objects before the first generation is collected; the others after so many collections of the one before. The
product of the first two bounds a stop of the loop: 40,000 objects are looked through in about 20 milliseconds. The
product of all three, a million, is how many objects have to be added before all are looked through during a rush."""

LOOK_EVERY_S = 10.0


def tune_collector() -> None:
    """Collects now, takes what is left out of all later collections, and sets how often those come."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


async def collect_while_idle(sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Runs until it is cancelled. After a rush nothing would trigger the collector on a quiet server, and the memory
    would not return. The server is quiet when the first generation was not collected since the last look."""
    while True:
        young = _young_collections()
        await sleep(LOOK_EVERY_S)
        if has_grown() and _young_collections() == young:
            gc.collect()


def has_grown() -> bool:
    """Whether the first generation was collected since the last full collection. Never while the collector is off."""
    _, first, second = gc.get_count()
    return gc.isenabled() and bool(first or second)


def _young_collections() -> int:
    return int(gc.get_stats()[0]["collections"])
