"""A log that went back is noticed by running nodes and at start; a plain restart is not mistaken for it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from talkwire.bus.memory import Exchange
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.sync import GetSyncState, ListEvents
from talkwire.core.domain.errors import ChatError, LogReplaced
from talkwire.storage.lineage import adopt_log
from talkwire.storage.schema import log_head
from tests.contracts.node import ALICE, BOB, Clock, Node, running
from tests.databases import Database, PostgresServer, postgresql_server
from tests.waiting import DEADLINE_S, until_asked


@pytest.fixture(scope="module")
def original() -> Iterator[PostgresServer]:
    """A server with migrated tables. To copy it takes a third of the time that a new one takes."""
    with postgresql_server() as server:
        server.create_migrated()
        yield server


@pytest.fixture
def server(original: PostgresServer) -> Iterator[PostgresServer]:
    """One that may crash."""
    with original.copied() as server:
        yield server


@pytest.fixture
def own_database(server: PostgresServer) -> Database:
    database = Database("postgresql", server.url_of(server.create_migrated()))
    adopt(database)
    return database


def adopt(database: Database) -> str:
    """Does what every start does, and returns the epoch."""
    with database.engine() as engine:
        adopt_log(engine)
        with engine.connect() as connection:
            epoch: str = connection.execute(select(log_head.c.epoch)).scalar_one()
    return epoch


async def cursor_of(node: Node) -> str:
    state = await node.do(ALICE, GetSyncState())
    return str(state.cursor)


async def wait_until_it_answers(node: Node) -> None:
    """The connections of before broke with the server."""

    async def answers() -> bool:
        try:
            await node.readers.read(lambda snapshot: snapshot.user("alice"))
        except ChatError:
            return False
        return True

    await until_asked(answers)


async def refused(node: Node) -> None:
    """Checks that neither queries nor commands use this log."""
    for command in (SendMessage("c", "not written"), GetSyncState(), ListEvents("0-1")):
        with pytest.raises(LogReplaced):
            await node.do(ALICE, command)


async def test_a_log_that_went_back_is_refused_until_it_is_adopted(
    server: PostgresServer, own_database: Database
) -> None:
    async with running(own_database, Clock(), Exchange()) as node:
        replaced = asyncio.Event()
        node.chat.on_replaced = replaced.set
        await node.group("c", ALICE, BOB)
        await node.send(ALICE, "kept")
        server.back_up()
        lost = await node.send(ALICE, "lost")
        cursor = await cursor_of(node)
        server.fail_over()
        await wait_until_it_answers(node)
        await refused(node)
        await asyncio.wait_for(replaced.wait(), DEADLINE_S)

        before = node.chat.epoch
        epoch = adopt(own_database)
        assert epoch != before
        assert adopt(own_database) == epoch, "once"
        # The log belongs to another node now, and this one must not write to it.
        with pytest.raises(LogReplaced):
            await node.do(ALICE, SendMessage("c", "not written"))

    async with running(own_database, Clock(), Exchange()) as node:
        again = await node.send(BOB, "something else")
        assert again.id == lost.id, "which is why nobody may go on from there"
        with pytest.raises(ChatError) as refusal:
            await node.do(ALICE, ListEvents(cursor))
        assert refusal.value.code == "cursor_epoch"


async def test_a_node_learns_that_another_one_has_begun_a_new_epoch(own_database: Database) -> None:
    async with running(own_database, Clock(), Exchange()) as node:
        replaced = asyncio.Event()
        node.chat.on_replaced = replaced.set
        with own_database.engine() as engine, engine.begin() as connection:
            connection.execute(text("UPDATE log_head SET lineage = '1/00000001'"))
        adopt(own_database)
        await asyncio.wait_for(replaced.wait(), DEADLINE_S)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["a restart", "a crash"])
async def test_a_database_that_only_restarts_keeps_its_epoch(
    server: PostgresServer, own_database: Database, number: signal.Signals
) -> None:
    async with running(own_database, Clock(), Exchange()) as node:
        await node.group("c", ALICE, BOB)
        epoch = node.chat.epoch
        cursor = await cursor_of(node)
        server.stop(number)
        server.start()
        await wait_until_it_answers(node)
        assert adopt(own_database) == epoch
        await node.send(ALICE, "goes on")
        page = await node.do(ALICE, ListEvents(cursor))
        assert len(page.events) == 1


async def test_a_log_that_lost_its_last_events_begins_a_new_epoch(own_database: Database) -> None:
    """As after a disk that lost acknowledged writes: the lineage is the same."""
    async with (
        running(own_database, Clock(), exchange := Exchange()) as node,
        running(own_database, Clock(), exchange) as other,
    ):
        replaced = [asyncio.Event(), asyncio.Event()]
        node.chat.on_replaced, other.chat.on_replaced = (each.set for each in replaced)
        await node.group("c", ALICE, BOB)
        await node.send(ALICE, "lost")
        cursor, before = await cursor_of(node), node.chat.epoch
        with own_database.engine() as engine, engine.begin() as connection:
            connection.execute(text("DELETE FROM log WHERE pos = (SELECT pos FROM log_head)"))
            connection.execute(text("UPDATE log_head SET pos = pos - 1"))
        for each in replaced:
            await asyncio.wait_for(each.wait(), DEADLINE_S)
        epoch = adopt(own_database)
        assert epoch != before
        with pytest.raises(LogReplaced):
            await node.do(ALICE, SendMessage("c", "not written"))
    assert adopt(own_database) == epoch, "once for all nodes"
    async with running(own_database, Clock(), Exchange()) as node:
        with pytest.raises(ChatError) as refusal:
            await node.do(ALICE, ListEvents(cursor))
        assert refusal.value.code == "cursor_epoch"


async def test_a_log_that_moved_to_another_server_begins_a_new_epoch(own_database: Database) -> None:
    """As after a PostgreSQL dump, whose age is unknown."""
    with own_database.engine() as engine, engine.begin() as connection:
        epoch = connection.execute(select(log_head.c.epoch)).scalar_one()
        connection.execute(text("UPDATE log_head SET lineage = '1/00000001'"))
    assert adopt(own_database) != epoch


async def test_a_database_of_an_earlier_version_is_adopted_as_it_is(own_database: Database) -> None:
    with own_database.engine() as engine, engine.begin() as connection:
        epoch = connection.execute(select(log_head.c.epoch)).scalar_one()
        connection.execute(text("UPDATE log_head SET lineage = NULL"))
    async with running(own_database, Clock(), Exchange()) as node:
        await node.group("c", ALICE, BOB)
        assert adopt(own_database) == epoch
        await node.send(ALICE, "goes on")


async def test_a_server_that_cannot_tell_is_served_too(own_database: Database) -> None:
    with own_database.engine() as engine, engine.begin() as connection:
        epoch = connection.execute(select(log_head.c.epoch)).scalar_one()
        connection.execute(text("UPDATE log_head SET lineage = NULL"))
        # As on servers that are only compatible with PostgreSQL.
        connection.execute(text("ALTER FUNCTION pg_walfile_name(pg_lsn) RENAME TO was_walfile_name"))
        refuse = "BEGIN RAISE EXCEPTION 'there is no such file here'; END"
        function = f"CREATE FUNCTION pg_walfile_name(pg_lsn) RETURNS text LANGUAGE plpgsql AS $${refuse}$$"
        connection.execute(text(function))
    assert adopt(own_database) == epoch
    async with running(own_database, Clock(), Exchange()) as node:
        await node.group("c", ALICE, BOB)
        await node.send(ALICE, "goes on")
