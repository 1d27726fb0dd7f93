"""Followers process all of the log, in order and each event once, whatever happens in between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import Connection, insert, select, text, update

from talkwire.core.commands.messages import SendMessage
from talkwire.storage.engine import reading_engine
from talkwire.storage.followers import follower as module
from talkwire.storage.followers.follower import Follower
from talkwire.storage.schema import followers, log, log_head
from tests.contracts.node import ALICE, Clock, Node, running
from tests.contracts.paces import Restless
from tests.databases import Database
from tests.waiting import DEADLINE_S


class Copy:
    """Copies positions into a table: all, or those that can be divided by `every`."""

    name = "copy"
    range_size = 250

    def __init__(self, *, from_start: bool = True, every: int = 1) -> None:
        self.from_start = from_start
        self.every = every
        self.failures: list[Exception] = []
        self.ranges: list[int] = []
        self.prepared = threading.Event()

    def prepare(self, connection: Connection, after: int, until: int) -> tuple[int, Sequence[int]]:
        found = connection.execute(select(log.c.pos).where(log.c.pos > after, log.c.pos <= until).order_by(log.c.pos))
        self.prepared.set()
        return until, [pos for pos in found.scalars() if not pos % self.every]

    def store(self, connection: Connection, prepared: Sequence[int]) -> None:
        connection.execute(text("INSERT INTO copied VALUES (:pos)"), [{"pos": pos} for pos in prepared])
        self.ranges.append(len(prepared))
        if self.failures:
            raise self.failures.pop()


@pytest.fixture
def copies(database: Database) -> Database:
    with database.engine() as engine, engine.begin() as connection:
        connection.execute(text("CREATE TABLE copied (pos bigint PRIMARY KEY)"))
    return database


@asynccontextmanager
async def following(
    node: Node, database: Database, work: Copy, *, busy: bool = False
) -> AsyncIterator[Follower[Sequence[int]]]:
    pace = Restless(lambda: busy)
    follower = Follower(work, reading_engine(database.url, 1), node.writer.transact, node.clock, pace)
    node.chat.subscribe(lambda events: follower.wake())
    follower.start()
    try:
        yield follower
    finally:
        await asyncio.to_thread(follower.close)


async def reached(follower: Follower[Sequence[int]], pos: int) -> None:
    assert await asyncio.to_thread(follower.wait_for, pos, DEADLINE_S)


def stored_pos(database: Database) -> int:
    with database.engine() as engine, engine.connect() as connection:
        pos: int = connection.execute(select(followers.c.pos).where(followers.c.name == "copy")).scalar_one()
        return pos


def copied(database: Database) -> list[int]:
    with database.engine() as engine, engine.connect() as connection:
        return list(connection.execute(text("SELECT pos FROM copied ORDER BY pos")).scalars())


async def test_the_whole_log_is_processed_once_across_restarts(copies: Database, clock: Clock) -> None:
    async with running(copies, clock) as node:
        await node.group("c", ALICE)
        async with following(node, copies, Copy()) as follower:
            await node.send(ALICE, "1")
            await reached(follower, node.chat.pos)
            assert stored_pos(copies) == node.chat.pos  # together with the work, so that a crash here repeats nothing
        await node.send(ALICE, "2")
    async with running(copies, clock) as node, following(node, copies, Copy()) as follower:
        await node.send(ALICE, "3")
        await reached(follower, node.chat.pos)
        assert copied(copies) == list(range(1, node.chat.pos + 1))


@pytest.mark.parametrize(("busy", "ranges"), [(False, [8, 2]), (True, [2, 2, 2, 2, 2])])
async def test_a_long_log_is_processed_in_ranges_that_are_shorter_while_commands_are_queued(
    copies: Database,
    clock: Clock,
    busy: bool,  # noqa: FBT001 (data)
    ranges: list[int],
) -> None:
    async with running(copies, clock) as node:
        await node.group("c", ALICE)
        await node.in_one_batch(*((ALICE, SendMessage("c", str(number))) for number in range(8)))
        work = Copy()
        work.range_size = 8
        async with following(node, copies, work, busy=busy) as follower:
            await reached(follower, node.chat.pos)
        assert work.ranges == ranges
        assert copied(copies) == list(range(1, 11))


async def test_a_position_without_anything_to_store_is_stored_at_the_end(copies: Database, clock: Clock) -> None:
    async with running(copies, clock) as node:
        await node.group("c", ALICE)
        await node.send(ALICE, "1")
        work = Copy(every=1000)
        async with following(node, copies, work) as follower:
            await reached(follower, node.chat.pos)
            assert stored_pos(copies) == 0
        assert (stored_pos(copies), work.ranges) == (node.chat.pos, [])


async def test_failed_work_is_repeated_and_the_chat_continues(copies: Database, clock: Clock) -> None:
    work = Copy()
    work.failures = [ZeroDivisionError(), ZeroDivisionError()]
    async with running(copies, clock) as node:
        async with following(node, copies, work) as follower:
            await node.group("c", ALICE)
            await node.send(ALICE, "1")
            await reached(follower, node.chat.pos)
        assert not work.failures
        assert copied(copies) == list(range(1, node.chat.pos + 1))


async def test_a_new_follower_can_start_at_the_end_of_the_log(copies: Database, clock: Clock) -> None:
    async with running(copies, clock) as node:
        await node.group("c", ALICE)
        before = node.chat.pos
        async with following(node, copies, Copy(from_start=False)) as follower:
            await reached(follower, before)
            await node.send(ALICE, "1")
            await reached(follower, before + 1)
        await node.send(ALICE, "2")
        async with following(node, copies, Copy(from_start=False)) as follower:
            await reached(follower, before + 2)
        assert copied(copies) == [before + 1, before + 2]


async def test_a_follower_continues_after_the_floor(copies: Database, clock: Clock) -> None:
    async with running(copies, clock) as node:
        await node.group("c", ALICE)
        await node.send(ALICE, "1")
        with copies.engine() as engine, engine.begin() as connection:
            connection.execute(update(log_head).values(floor=2))
        async with following(node, copies, Copy()) as follower:
            await reached(follower, node.chat.pos)
        assert copied(copies) == [3]


async def test_work_done_by_another_node_is_not_repeated(copies: Database, clock: Clock) -> None:
    """The test moves the position between the two halves of the work, as another node would."""
    async with running(copies, clock) as node:
        await node.group("c", ALICE)
        with copies.engine() as engine, engine.begin() as connection:
            connection.execute(insert(followers), {"name": "copy", "pos": 0})
        work = Copy()
        follower = Follower(work, reading_engine(copies.url, 1), _behind(copies, node), node.clock, Restless())
        follower.start()
        await reached(follower, node.chat.pos)
        await asyncio.to_thread(follower.close)
        assert (work.prepared.is_set(), work.ranges) == (True, [])


def _behind(database: Database, node: Node) -> module.Transact:
    def transact(function: object) -> object:
        with database.engine() as engine, engine.begin() as connection:
            connection.execute(update(followers).where(followers.c.name == "copy").values(pos=2))
        return node.writer.transact(function)  # type: ignore[arg-type]  # handed on as it is

    return transact


async def test_a_follower_on_another_node_blocks_no_other(copies: Database, clock: Clock) -> None:
    if copies.kind == "sqlite":
        pytest.skip("one process has all of it")
    work = Copy()
    async with running(copies, clock) as node:
        await node.group("c", ALICE)
        async with following(node, copies, work) as follower:
            await reached(follower, node.chat.pos)
            work.prepared.clear()
            with copies.engine() as engine, engine.begin() as other:
                other.execute(select(followers).where(followers.c.name == "copy").with_for_update())
                for number in range(3):
                    await node.send(ALICE, str(number))
                    assert await asyncio.to_thread(work.prepared.wait, DEADLINE_S)
                    work.prepared.clear()
                assert follower._pos < node.chat.pos
            await node.send(ALICE, "released")
            await reached(follower, node.chat.pos)
    assert copied(copies) == list(range(1, node.chat.pos + 1))
