"""Handles the turns of an agent, several at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from talkwire_agent.turns import Turn

CONCURRENCY = 4


async def run(turns: AsyncIterator[Turn], handle: Callable[[Turn], Awaitable[None]], concurrency: int) -> None:
    """Handles all turns, at most `concurrency` at once, and returns when `turns` has ended and all are handled.

    It takes the next turn only when it can begin with it, so others are left to other processes.
    """
    slots = asyncio.Semaphore(concurrency)

    async def handled(turn: Turn) -> None:
        try:
            await handle(turn)
        finally:
            slots.release()

    async with asyncio.TaskGroup() as tasks:
        while True:
            await slots.acquire()
            try:
                turn = await anext(turns)
            except StopAsyncIteration:
                return
            tasks.create_task(handled(turn))
            await asyncio.sleep(0)
