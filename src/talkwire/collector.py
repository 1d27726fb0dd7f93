"""Settings of Python's garbage collector for one busy event loop, and full collections while it is idle.

Reference counting frees almost everything as soon as its request or connection ends. What is left to the collector are
reference cycles that libraries create. docs/decisions/0025-the-garbage-collector.md has the measurements.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

GC_THRESHOLDS = 2_000, 20, 25
"""Thresholds of the garbage collector: allocations before the first generation is collected; then, for each further
generation, collections of the one before.

The product of the first two bounds a pause of the loop: examining 40,000 objects takes about 20 milliseconds. The
product of all three, a million, is how many objects must be added during a rush before all are examined.
"""

GENERATIONS_CHECK_S = 10.0
"""Seconds without a collection of the first generation after which the server counts as idle."""


def tune_collector() -> None:
    """Tunes Python's garbage collector for a server that has started: collects now, exempts all objects that exist then
    from later collections (`gc.freeze`), and sets the collector's `GC_THRESHOLDS`. Blocks during the collection.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def collect_while_idle(sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Runs a full garbage collection each time the server becomes idle. Never returns; cancel it to stop. Tests replace
    `sleep`.

    After a rush, nothing would trigger the collector on an idle server, and the memory would stay in use. The server
    counts as idle if the first generation was not collected within GENERATIONS_CHECK_S seconds.
    """
    while True:
        young = _young_collections()
        await sleep(GENERATIONS_CHECK_S)
        if has_grown() and _young_collections() == young:
            gc.collect()


def has_grown() -> bool:
    """Returns whether the garbage collector has run on its youngest generation since the last full collection, i.e.
    whether a full collection may find something. Always False while the collector is disabled.
    """
    _, first, second = gc.get_count()
    return gc.isenabled() and bool(first or second)


def _young_collections() -> int:
    return int(gc.get_stats()[0]["collections"])
