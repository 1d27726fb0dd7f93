"""The thread on which the server sends its HTTP requests to others, so that no response can hold up the chat."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import uvloop

R = TypeVar("R")


class EgressThread:
    """A thread with an event loop, on which the server's own HTTP requests run. The thread starts with the first
    coroutine, and again with the next one after `close`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._ended: asyncio.Event

    async def run(self, coroutine: Coroutine[Any, Any, R]) -> R:
        """Runs a coroutine on the thread and returns its result, or raises its exception. Cancelling the call cancels
        the coroutine."""
        if self._thread is threading.current_thread():
            return await coroutine
        return await asyncio.wrap_future(self.start(coroutine))

    def start(self, coroutine: Coroutine[Any, Any, R]) -> Future[R]:
        """Starts a coroutine on the thread, and returns the future of its result."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._start_thread()
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def close(self) -> None:
        """Cancels everything that still runs on the thread, and blocks until the thread has ended."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                self._loop.call_soon_threadsafe(self._ended.set)
                self._thread.join()

    def _start_thread(self) -> None:
        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._loop, self._ended = runner.get_loop(), asyncio.Event()
        self._thread = threading.Thread(target=_serve, args=(runner, self._ended), name="talkwire-egress", daemon=True)
        self._thread.start()


def _serve(runner: asyncio.Runner, ended: asyncio.Event) -> None:
    with runner:  # which cancels, at its end, everything that still runs
        runner.run(_until(ended))


async def _until(ended: asyncio.Event) -> None:
    await ended.wait()
