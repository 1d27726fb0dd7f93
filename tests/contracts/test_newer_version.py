"""A node of a newer version on the same database: events that this version does not know must not stop it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from structlog.testing import capture_logs

from talkwire.core.commands.messages import ListMessages, React
from talkwire.core.commands.sync import GetSyncState, ListEvents
from talkwire.core.domain.events import MessageReacted, MessageSent
from talkwire.storage.engine import reading_engine
from talkwire.storage.followers.follower import Follower, FollowerWork
from talkwire.storage.followers.offline_notifications import OfflineNotifications
from talkwire.storage.messages.retention import DeletedConversations
from talkwire.storage.messages.search import MessageIndex
from talkwire.storage.schema import log, log_head
from talkwire.storage.tables import log as log_table
from tests.contracts.node import ALICE, BOB, Clock, Node, running
from tests.contracts.paces import Restless
from tests.databases import Database
from tests.waiting import DEADLINE_S, until

NEWER = "ConversationPainted"


def write_newer(database: Database, *types: str, **columns: object) -> None:
    """Writes as a newer node does: a transaction with events of its own."""
    with database.engine() as engine, engine.begin() as connection:
        pos = connection.execute(select(log_head.c.pos).with_for_update()).scalar_one()
        for type_ in types:
            pos += 1
            data = json.dumps({"type": type_, "pos": pos, "at_ms": 1, "colour": "blue"})
            connection.execute(insert(log).values(pos=pos, type=type_, data=data, at_ms=1, **columns))
        connection.execute(update(log_head).values(pos=pos))


async def received(node: Node, count: int) -> Sequence[str]:
    """Returns the contents of the messages that listeners received, once there are so many."""

    def contents() -> list[str]:
        return [event.message.content for event in node.log if isinstance(event, MessageSent)]

    await until(lambda: len(contents()) >= count)
    return contents()


async def test_a_replay_skips_unknown_events(database: Database) -> None:
    async with running(database, Clock()) as node:
        await node.group("c", ALICE, BOB)
        await node.send(ALICE, "one")
        before = await node.replay()
        write_newer(database, NEWER, conversation_id="c")
        await node.send(ALICE, "two")
        *known, two = await node.replay()
        assert known == before
        assert isinstance(two, MessageSent)
        assert two.pos == before[-1].pos + 2


async def test_a_commit_after_an_unknown_event_is_answered_and_delivered(database: Database) -> None:
    async with running(database, Clock()) as node:
        await node.group("c", ALICE, BOB)
        for content in ("one", "two"):
            write_newer(database, NEWER, "UserPainted", conversation_id="c")
            await node.send(ALICE, content)
        assert await received(node, 2) == ["one", "two"]
        page = await node.do(BOB, ListMessages("c"))
        assert [message.content for message in page.items] == ["one", "two"]


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_sync_page_by_page_misses_nothing(database: Database, limit: int) -> None:
    async with running(database, Clock()) as node:
        await node.group("c", ALICE, BOB)
        cursor = (await node.do(BOB, GetSyncState(10))).cursor
        expected = []
        for number in range(4):
            write_newer(database, NEWER, NEWER, conversation_id="c")
            write_newer(database, "UserPainted", user_id="bob")
            expected.append((await node.send(ALICE, str(number))).content)
        write_newer(database, NEWER, conversation_id="c")
        found, more = [], True
        while more:
            page = await node.do(BOB, ListEvents(cursor, limit))
            found += [event.message.content for event in page.events if isinstance(event, MessageSent)]
            cursor, more = page.cursor, page.more
        assert found == expected
        assert (await node.do(BOB, ListEvents(cursor, limit))).events == ()


async def test_each_type_is_warned_of_once(database: Database) -> None:
    log_table._warn_of_newer_event.cache_clear()
    async with running(database, Clock()) as node:
        await node.group("c", ALICE, BOB)
        write_newer(database, NEWER, NEWER, "UserPainted", conversation_id="c")
        with capture_logs() as logs:
            await node.replay()
            await node.replay()
        assert [(entry["log_level"], entry["type"]) for entry in logs] == [
            ("warning", NEWER),
            ("warning", "UserPainted"),
        ]


async def test_more_details_of_an_event_are_no_hindrance(database: Database) -> None:
    async with running(database, Clock()) as node:
        await node.group("c", ALICE, BOB)
        message = await node.send(ALICE, "one")
        await node.do(BOB, React(str(message.id), "👍"))
        before = await node.replay()
        with database.engine() as engine, engine.begin() as connection:
            for row in connection.execute(select(log.c.pos, log.c.data).where(log.c.data.is_not(None))).all():
                data = json.dumps(json.loads(row.data) | {"colour": "blue"})
                connection.execute(update(log).where(log.c.pos == row.pos).values(data=data))
        after = await node.replay()
        assert after == before
        assert any(isinstance(event, MessageReacted) for event in after)


async def test_followers_continue_after_an_unknown_event(database: Database) -> None:
    async with running(database, Clock()) as node:
        await node.group("c", ALICE, BOB)
        write_newer(database, NEWER, conversation_id="c")
        message = await node.send(ALICE, "one")
        write_newer(database, "UserPainted", user_id="bob")
        dialect = node.write_engine.dialect
        works: list[FollowerWork[Any]] = [
            MessageIndex(dialect),
            DeletedConversations(node.clock),
            OfflineNotifications(lambda user_id, pos: False, node.clock),
        ]
        for work in works:
            pace = Restless()
            follower = Follower(work, reading_engine(database.url, 1), node.writer.transact, node.clock, pace)
            follower.start()
            try:
                assert await asyncio.to_thread(follower.wait_for, message.id - 10**12 + 1, DEADLINE_S), work.name
            finally:
                await asyncio.to_thread(follower.close)
