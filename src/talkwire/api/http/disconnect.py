"""Detects that the client of a long request, such as a long poll, has disconnected."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from litestar.types import Receive

from talkwire.asgi import wait_for_disconnect


@contextlib.asynccontextmanager
async def until_disconnect(receive: Receive, on_disconnect: Callable[[], None]) -> AsyncIterator[None]:
    """A context manager that calls `on_disconnect` if the client disconnects within the block. It reads and discards
    the request's body."""
    watching = asyncio.create_task(_call_after_disconnect(receive, on_disconnect))
    try:
        yield
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _call_after_disconnect(receive: Receive, on_disconnect: Callable[[], None]) -> None:
    await wait_for_disconnect(receive)
    on_disconnect()
