"""Scrubs SQLite files: overwrites the copies of deleted rows that a file still contains.

`secure_delete` overwrites deleted rows, but copies of them remain in three places: in the search index until its
segments are merged, in pages that were split, which only VACUUM rewrites, and in the WAL (SQLite's write-ahead log).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import TypeVar, cast

import structlog
from sqlalchemy import Engine

from talkwire.storage.writer import GroupWriter
from talkwire.storage.writer_task import WriterClosedError

MERGE_PAGES = 200
"""Number of pages of the search index that one step writes: a few milliseconds, during which nobody can send."""

VACUUM_MAX_BYTES = 64 * 1024 * 1024
"""Largest file that is vacuumed while the server runs, in bytes: it takes about half a second, during which nobody can
send."""

R = TypeVar("R")

_logger = structlog.get_logger(__name__)


class RunningScrub:
    """Scrubs (overwrites the copies of deleted rows in) the SQLite file of a running server, on the writer's thread
    between batches."""

    def __init__(self, writer: GroupWriter) -> None:
        self._writer = writer
        self._is_compact = False

    async def run(self) -> bool:
        """Scrubs the SQLite file. Returns True once it has finished, also where the file is too large to be vacuumed
        while the server runs (`VACUUM_MAX_BYTES`, which is logged). Returns False if readers still use the write-ahead
        log or SQLite reports an error: then call it again later, and it continues."""
        try:
            return await self._run()
        except (sqlite3.Error, WriterClosedError) as error:
            _logger.warning("scrub_failed", error=str(error))
            return False

    async def _run(self) -> bool:
        if not self._is_compact:
            more = await self._on_writer(partial(merge_words, begin=True))
            while more:  # Suspends: each round waits for the writer's thread.
                more = await self._on_writer(merge_words)
            await self._on_writer(_vacuum_small)
            self._is_compact = True
        truncated = await self._on_writer(truncate_wal)
        self._is_compact = not truncated
        return truncated

    async def _on_writer(self, function: Callable[[sqlite3.Connection], R]) -> R:
        def run(engine: Engine) -> R:
            with engine.connect() as connection:
                return function(cast("sqlite3.Connection", connection.connection.driver_connection))

        return await asyncio.wrap_future(self._writer.submit_maintenance(run))


def scrub_file(path: str) -> None:
    """Scrubs (overwrites the copies of deleted rows in) a SQLite file that no server uses. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA secure_delete=ON")
        more = merge_words(connection, begin=True)
        while more:
            more = merge_words(connection)
        connection.execute("VACUUM")
        truncate_wal(connection)
    finally:
        connection.close()


def merge_words(connection: sqlite3.Connection, *, begin: bool = False) -> bool:
    """Merges a part of the search index, which removes the words of deleted messages from the file. Returns whether
    there is more to merge.

    `begin` starts a new merge of all existing segments into one; call without it until False is returned.
    """
    before = connection.total_changes
    pages = -MERGE_PAGES if begin else MERGE_PAGES
    connection.execute("INSERT INTO message_words (message_words, rank) VALUES ('merge', ?)", (pages,))
    # A merge that has nothing left to do changes a single row.
    return begin or connection.total_changes - before > 1


def truncate_wal(connection: sqlite3.Connection) -> bool:
    """Copies SQLite's write-ahead log into the database file and empties it. Returns False if that was not possible
    within 0.1 s because readers still use the log."""
    timeout_ms = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute("PRAGMA busy_timeout=100")
    try:
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        connection.execute(f"PRAGMA busy_timeout={timeout_ms}")
    return not busy


def _vacuum_small(connection: sqlite3.Connection) -> None:
    pages, page_bytes = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    if pages * page_bytes > VACUUM_MAX_BYTES:
        _logger.warning("vacuum_skipped", bytes=pages * page_bytes)
        return
    connection.execute("VACUUM")
