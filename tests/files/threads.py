"""The threads of the event loop's default executor."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.waiting import DEADLINE_S


async def until_threads_are_done() -> None:
    """Waits until all of them have done what they were given before: each has to come to the same barrier."""
    await asyncio.to_thread(int)  # the loop makes the executor when it needs it
    executor = asyncio.get_running_loop()._default_executor  # type: ignore[attr-defined]  # nothing public has it
    assert isinstance(executor, ThreadPoolExecutor)
    barrier = threading.Barrier(executor._max_workers)
    await asyncio.gather(*(asyncio.to_thread(barrier.wait, DEADLINE_S) for _ in range(barrier.parties)))
