"""The node of `serve` without workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from talkwire.app import Node
from talkwire.settings import Settings


class AnnouncingNode(Node):
    """A node that calls `greet` when it is ready."""

    def __init__(self, settings: Settings, greet: Callable[[], None]) -> None:
        super().__init__(settings)
        self._greet = greet

    async def start(self) -> None:
        await super().start()
        # In the loop's next turn the server runs; from then on a signal stops it in order.
        asyncio.get_running_loop().call_soon(self._greet)
