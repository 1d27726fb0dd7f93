"""Reads the data of one user or one conversation for an export, from a snapshot that may stay open for a long time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from sqlalchemy import URL, Engine
from sqlalchemy.exc import SQLAlchemyError

from talkwire.core.clock import now_ms
from talkwire.core.domain.errors import ChatError
from talkwire.core.ports.transaction import Snapshot
from talkwire.storage.engine import reading_engine
from talkwire.storage.snapshot import TableSnapshot
from talkwire.storage.transfer.source import with_long_timeouts

EXPORTS_AT_ONCE = 2
"""Most exports that read at the same time; further ones wait."""

R = TypeVar("R")

_logger = structlog.get_logger(__name__)


class ExportReader:
    """Runs functions over read-only snapshots on its own threads, so that long exports never delay other reads.
    Connects to the database at its first use."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine: Engine | None = None
        self._threads = ThreadPoolExecutor(EXPORTS_AT_ONCE, thread_name_prefix="talkwire-export")

    async def read(self, function: Callable[[Snapshot], R]) -> R:
        """Runs `function` with a snapshot on one of the threads and returns its result; waits while all threads are
        busy. Raises the function's errors, and `unavailable` if the database fails."""
        if self._engine is None:
            self._engine = with_long_timeouts(reading_engine(self._url, EXPORTS_AT_ONCE))
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, self._engine, function)

    def _read(self, engine: Engine, function: Callable[[Snapshot], R]) -> R:
        try:
            # SQLite belongs to one machine, so that machine's clock counts.
            clock_ms = now_ms if engine.dialect.name == "sqlite" else None
            with engine.begin() as connection:
                return function(TableSnapshot(connection, clock_ms))
        except SQLAlchemyError as error:
            _logger.error("export_failed", error=str(getattr(error, "orig", None) or error))  # noqa: TRY400
            raise ChatError("unavailable", "The database does not answer. Try again.") from error

    def close(self) -> None:
        """Waits for exports in progress, and closes the connections."""
        self._threads.shutdown()
        if self._engine is not None:
            self._engine.dispose()
