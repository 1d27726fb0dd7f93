"""A read whose caller has gone ends, so that it does not keep a reader thread from others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from sqlalchemy import Connection, text
from structlog.testing import capture_logs

from talkwire.core.domain.errors import ChatError
from talkwire.core.ports.transaction import Snapshot
from talkwire.storage import reader
from talkwire.storage.engine import reading_engine
from talkwire.storage.reader import ReaderPool
from tests.databases import Database
from tests.waiting import deadline, pause, until

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(3600)",
}

Read = Callable[[Snapshot], Any]


@pytest.fixture
def pool(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReaderPool]:
    """A pool of one thread, which the next read needs as well."""
    monkeypatch.setattr(reader, "INTERRUPT_AFTER_S", 0.05)
    pool = ReaderPool(reading_engine(database.url, 1), 1)
    yield pool
    pool.close()


class Endless:
    """A read that never ends by itself. `begun` counts how often it has started."""

    def __init__(self, database: Database) -> None:
        self._statement = text(ENDLESS[database.kind])
        self.begun = 0

    def __call__(self, snapshot: Snapshot) -> object:
        self.begun += 1
        return cast("Any", snapshot)._connection.execute(self._statement).scalar()


def head(snapshot: Snapshot) -> tuple[str, int]:
    return snapshot.head()


async def test_a_read_whose_caller_is_cancelled_frees_its_thread(pool: ReaderPool, database: Database) -> None:
    endless = Endless(database)
    reading = asyncio.ensure_future(pool.read(endless))
    await until(lambda: endless.begun)
    with capture_logs() as logs:
        reading.cancel()
        async with deadline():
            assert await pool.read(head)
    assert logs == []
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_a_read_that_takes_too_long_frees_its_thread(
    pool: ReaderPool, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = Endless(database)
    monkeypatch.setattr(reader, "READ_WITHIN_S", 0.1)
    with pytest.raises(ChatError, match="does not answer"):
        await pool.read(endless)
    monkeypatch.setattr(reader, "READ_WITHIN_S", 60)
    async with deadline():
        assert await pool.read(head)


async def test_a_read_that_has_not_begun_never_begins(pool: ReaderPool, database: Database) -> None:
    first, second = Endless(database), Endless(database)
    readings = [asyncio.ensure_future(pool.read(each)) for each in (first, second)]
    await until(lambda: first.begun)
    for reading in readings:
        reading.cancel()
    async with deadline():
        assert await pool.read(head)
    assert second.begun == 0


async def test_only_the_abandoned_read_is_interrupted(pool: ReaderPool, database: Database) -> None:
    """The next reads use the same thread, and on SQLite the same file."""
    for _ in range(5):
        endless = Endless(database)
        reading = asyncio.ensure_future(pool.read(endless))
        await until(lambda endless=endless: endless.begun)  # type: ignore[misc]
        reading.cancel()
        async with deadline():
            assert len({await pool.read(head) for _ in range(20)}) == 1


async def test_a_read_that_ends_before_it_is_interrupted_keeps_its_connection(
    pool: ReaderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted: list[Connection] = []
    monkeypatch.setattr(reader, "interrupt", interrupted.append)
    used: list[object] = []

    def note(snapshot: Snapshot) -> None:
        used.append(cast("Any", snapshot)._connection.connection.driver_connection)

    for _ in range(3):
        reading = asyncio.ensure_future(pool.read(note))
        await asyncio.sleep(0)
        reading.cancel()
        await pool.read(note)
    await pause(0.1)
    await pool.read(note)
    assert len(set(map(id, used))) == 1
    assert interrupted == []
