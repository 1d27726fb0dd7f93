"""Checks that the database accepts writes, and that a SQLite file is still at the path where it was opened."""

from __future__ import annotations

import asyncio
import threading
import time
from math import inf
from pathlib import Path
from secrets import token_hex

import structlog
from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.exc import SQLAlchemyError

from talkwire.core.domain.errors import ChatError
from talkwire.core.single_flight import SingleFlight
from talkwire.storage.schema import followers, log_head
from talkwire.storage.writer import GroupWriter
from talkwire.storage.writer_task import WriterClosedError

COMMIT_TRUST_S = 5.0
"""Seconds for which a commit proves that the database accepts writes."""

PROBE_EVERY_S = 1.0
"""Shortest time between a failed test write and the next one, in seconds."""

FILE_CHECK_S = 2.0
"""Seconds between two checks that the SQLite file is still at its path."""

_logger = structlog.get_logger(__name__)


class WriteProbe:
    """Checks whether writes to the database succeed. A successful write within the last COMMIT_TRUST_S (5) seconds,
    without a failure since, proves it; otherwise the probe makes a small test write, at the earliest PROBE_EVERY_S (1)
    second after a failed one."""

    def __init__(self, writer: GroupWriter) -> None:
        self._writer = writer
        self._wrote_at = self._failed_at = -inf
        self._probing: SingleFlight[None, None] = SingleFlight()

    async def check(self) -> None:
        """Raises ChatError `unavailable` if the latest write to the database failed, or the writer refuses commands.
        Waits for the test write, if one is necessary; concurrent calls share it."""
        may_probe = None in self._probing or time.monotonic() - self._failed_at >= PROBE_EVERY_S
        if may_probe and not self._has_written_lately():
            await self._probing.run(None, self._probe)
        if self._writer.refuses or self._failed_at > self._last_write:
            raise ChatError("unavailable", "The database takes no writes.")

    @property
    def _last_write(self) -> float:
        return max(self._wrote_at, self._writer.wrote_at)

    def _has_written_lately(self) -> bool:
        failed_at = max(self._failed_at, self._writer.failed_at)
        return self._last_write > failed_at and time.monotonic() - self._last_write < COMMIT_TRUST_S

    async def _probe(self) -> None:
        try:
            # Not in the pool of threads: hanging storage of files may have taken all of them.
            await asyncio.wrap_future(self._writer.submit_transaction(_write_something))
        except (SQLAlchemyError, WriterClosedError) as error:
            self._failed_at = time.monotonic()
            _logger.warning("database_not_writable", error=str(getattr(error, "orig", None) or error))
        else:
            self._wrote_at = time.monotonic()


def _write_something(connection: Connection) -> None:
    """Makes a test write that leaves the data unchanged. On PostgreSQL it waits for the lock of the log's head, as
    every command does. SQLite does not write a row that stays the same, so there a row is inserted and deleted."""
    if connection.dialect.name == "postgresql":
        connection.execute(update(log_head).values(pos=log_head.c.pos))
        return
    name = f"probe-{token_hex(8)}"
    connection.execute(insert(followers), {"name": name, "pos": 0})
    connection.execute(delete(followers).where(followers.c.name == name))


class FileWatch:
    """Makes the writer refuse commands while its SQLite file is not at its path, since everything written to a renamed
    or removed file is lost when the process ends. The writer accepts commands again once the file is back.

    Checks on a thread of its own, since a disk that stalls may block the check.
    """

    def __init__(self, file: Path, writer: GroupWriter) -> None:
        self._file = file.absolute()
        self._writer = writer
        self._opened = self._found()
        self._closed = threading.Event()

    def start(self) -> None:
        """Starts the thread that checks the file every `FILE_CHECK_S` seconds until `close`."""
        # A daemon: a check that hangs must not keep the process from ending.
        threading.Thread(target=self._run, name="talkwire-file-watch", daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(FILE_CHECK_S):
            self.check()

    def check(self) -> None:
        is_gone = self._found() != self._opened
        if is_gone and not self._writer.refuses:
            _logger.error("database_file_missing", file=str(self._file))
        elif self._writer.refuses and not is_gone:
            _logger.warning("database_file_returned", file=str(self._file))
        self._writer.refuses = is_gone

    def _found(self) -> tuple[int, int] | None:
        """Returns (device, inode) of the file at the path, or None if it does not exist or cannot be read."""
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
