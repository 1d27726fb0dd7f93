"""Reads the database without blocking the event loop: a small pool of threads, each with its own connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from talkwire.core.domain.errors import ChatError
from talkwire.core.ports.transaction import Snapshot
from talkwire.storage.snapshot import TableSnapshot

READERS = 4

READ_WITHIN_S = 8.0
"""How many seconds a read may take, including the wait for a thread. If the database stalls, a client gets an error
while it still waits for the response."""

R = TypeVar("R")

_logger = structlog.get_logger(__name__)


class ReaderPool:
    """A pool of threads that run functions over read-only snapshots of the database. Implements
    `core.engine.chat.SnapshotReader`. `clock_ms` is the snapshots' clock; with None, the database's clock is used."""

    def __init__(self, engine: Engine, threads: int = READERS, clock_ms: Callable[[], int] | None = None) -> None:
        self._engine = engine
        self._clock_ms = clock_ms
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="talkwire-reader")
        self._closed = False

    def read(self, function: Callable[[Snapshot], R]) -> Awaitable[R]:
        """Runs `function` with a snapshot on a reader thread, and returns an awaitable of its result. Awaiting raises
        the function's errors, and `unavailable` if the database fails or does not respond within READ_WITHIN_S (8)
        seconds. After `close`, the call itself raises `unavailable`."""
        if self._closed:
            raise ChatError("unavailable", "The server is closing. Try again.")
        return _within(asyncio.get_running_loop().run_in_executor(self._threads, self._read, function))

    def close(self) -> None:
        self._closed = True
        self._threads.shutdown()
        self._engine.dispose()

    def _read(self, function: Callable[[Snapshot], R]) -> R:
        try:
            with self._engine.begin() as connection:
                return function(TableSnapshot(connection, self._clock_ms))
        except SQLAlchemyError as error:
            _logger.error("read_failed", error=str(getattr(error, "orig", None) or error))  # noqa: TRY400 (no bug)
            raise ChatError("unavailable", "The database does not answer. Try again.") from error


async def _within(reading: Awaitable[R]) -> R:
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            return await reading
    except TimeoutError:
        raise ChatError("unavailable", "The database does not answer. Try again.") from None
