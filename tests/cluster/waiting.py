"""Waiting for what other processes do, by asking them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.chat.chat_client import DEADLINE_S


async def eventually(condition: Callable[[], Awaitable[object]]) -> None:
    """Returns when the condition holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():  # noqa: ASYNC110 (another process's answers)
            await asyncio.sleep(0.05)
