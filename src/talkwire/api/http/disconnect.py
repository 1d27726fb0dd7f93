"""Detects that the client of a request has disconnected before the response, and ends the work for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from talkwire.asgi import Receive, Send, wait_for_disconnect

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


WATCH_AFTER_S = 0.3
"""Seconds without a response after which a request's client is watched. Most requests end sooner, at no cost."""


class EndAbandonedReads:
    """An ASGI middleware that cancels a GET or HEAD request whose client disconnects before the response starts, so
    that nobody else waits for a read that nobody wants. Other requests change something, and are carried out."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401 (ASGI)
        if scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        watch = _Watch(receive)

        async def send_unwatched(message: Any) -> None:  # noqa: ANN401 (ASGI)
            watch.stop()
            await send(message)

        try:
            await self._app(scope, receive, send_unwatched)
        except asyncio.CancelledError:
            if not watch.has_cancelled:
                raise
        finally:
            watch.stop()


class _Watch:
    """Cancels the current task when the client disconnects, from `WATCH_AFTER_S` on until it is stopped."""

    def __init__(self, receive: Receive) -> None:
        loop = asyncio.get_running_loop()
        self.has_cancelled = False
        self._receive = receive
        self._serving = asyncio.current_task(loop)
        self._watching: asyncio.Task[None] | None = None
        self._timer = loop.call_later(WATCH_AFTER_S, self._start)

    def stop(self) -> None:
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()

    def _start(self) -> None:
        self._watching = asyncio.ensure_future(self._cancel_after_disconnect())

    async def _cancel_after_disconnect(self) -> None:
        await wait_for_disconnect(self._receive)
        if self._serving is not None:
            self.has_cancelled = self._serving.cancel()


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
