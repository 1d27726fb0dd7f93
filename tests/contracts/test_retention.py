"""What remains of messages older than the retention time, and of deleted conversations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, func, select, text

from talkwire.core.commands.files import CreateUpload, FinishUpload
from talkwire.core.commands.messages import AttachmentRef, EditMessage, GetMessage, ListMessages, SendMessage
from talkwire.core.commands.search import SearchMessages
from talkwire.core.commands.server.retention import PruneOld
from talkwire.core.domain.events import ConversationDeleted, MessageDeleted, MessageEdited, MessageRated, MessageReacted
from talkwire.core.domain.model import Actor, Message
from talkwire.core.features.operation import retention
from talkwire.core.ports.transaction import Transaction
from talkwire.storage.engine import reading_engine
from talkwire.storage.followers.follower import Follower, FollowerWork
from talkwire.storage.messages import retention as stored
from talkwire.storage.messages.retention import DeletedConversations
from talkwire.storage.messages.search import MessageIndex
from talkwire.storage.schema import (
    file_links,
    log,
    log_head,
    mentions,
    message_ratings,
    message_versions,
    messages,
    rating_sums,
    reactions,
)
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Call, Clock, Node, running
from tests.contracts.paces import Restless
from tests.databases import Database
from tests.waiting import DEADLINE_S

DAY_MS = 86_400_000

RATINGS = message_ratings, rating_sums


async def prune(node: Node, retention_ms: int = DAY_MS, actor: Actor = OPERATOR) -> None:
    while await node.do(actor, PruneOld(retention_ms)):
        pass


async def decorate(node: Node, message_id: int) -> None:
    """Adds everything that a message can have: an earlier version, a reaction, a rating and a mention."""

    def record(tx: Transaction) -> None:
        message = tx.message(message_id)
        assert message is not None
        edited = replace(message, content="edited @bob", mentions=("bob",), edited_ms=tx.now_ms)
        tx.record(MessageEdited(tx.next_pos(), tx.now_ms, edited))
        tx.record(MessageReacted(tx.next_pos(), tx.now_ms, edited, "bob", "\N{THUMBS UP SIGN}", True))
        tx.record(MessageRated(tx.next_pos(), tx.now_ms, edited, "bob", 1, "Good", 1, 0))

    await node.do(BACKEND, Call(record))


async def rows_of(node: Node, *tables: object) -> list[int]:
    """Returns the number of rows of each table."""

    def count() -> list[int]:
        with node.read_engine.begin() as connection:
            return [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]  # type: ignore[arg-type]  # tables

    return await asyncio.to_thread(count)


async def floor_of(node: Node) -> int:
    def read() -> int:
        with node.read_engine.begin() as connection:
            floor: int = connection.execute(select(log_head.c.floor)).scalar_one()
            return floor

    return await asyncio.to_thread(read)


async def history(node: Node) -> list[Message]:
    page = await node.do(BOB, ListMessages("c", limit=100))
    return list(page.items)


async def test_old_messages_become_tombstones_and_young_ones_stay(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    old = await node.send(ALICE, "old", "m1")
    await decorate(node, old.id)
    clock.now_ms += DAY_MS
    young = await node.send(ALICE, "young")
    clock.now_ms += 1
    await prune(node)
    tombstone, kept = await history(node)
    assert kept == young
    assert (tombstone.id, tombstone.seq, tombstone.sender_id) == (old.id, old.seq, "alice")
    assert (tombstone.content, tombstone.mentions, tombstone.reactions) == ("", (), ())
    assert (tombstone.created_ms, tombstone.deleted_ms, tombstone.deleted_by) == (old.created_ms, clock.now_ms, None)
    assert await rows_of(node, message_versions, *RATINGS, reactions, mentions) == [0] * 5


async def test_the_floor_moves_and_the_log_starts_after_it(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "old")
    floor = node.chat.pos
    clock.now_ms += DAY_MS + 1
    await node.send(ALICE, "young")
    await prune(node)
    assert await floor_of(node) == floor
    assert [event.pos for event in await node.replay()] == [floor + 1]
    assert await rows_of(node, log) == [1]


async def test_messages_exactly_as_old_as_the_retention_are_kept(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "old")
    clock.now_ms += DAY_MS
    await prune(node)
    assert await floor_of(node) == 0
    assert [message.content for message in await history(node)] == ["old"]


async def test_pruning_runs_in_steps_and_ends_at_the_first_recent_event(
    node: Node, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PRUNED_AT_ONCE", 3)
    await node.group("c", ALICE, BOB)
    for number in range(5):
        await node.send(ALICE, str(number))
    clock.now_ms += DAY_MS + 1
    await node.send(ALICE, "young")
    clock.now_ms -= DAY_MS + 1
    await node.send(ALICE, "from a clock that went back")
    clock.now_ms += DAY_MS + 1
    answers = [await node.do(OPERATOR, PruneOld(DAY_MS)) for _ in range(4)]
    assert answers == [True, True, False, False]
    assert await floor_of(node) == node.chat.pos - 2
    contents = [message.content for message in await history(node)]
    assert contents == ["", "", "", "", "", "young", "from a clock that went back"]


async def test_deleted_messages_are_not_changed_by_pruning(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "old")

    def record(tx: Transaction) -> None:
        tx.record(
            MessageDeleted(tx.next_pos(), tx.now_ms, replace(sent, content="", deleted_ms=tx.now_ms, deleted_by="bob"))
        )

    await node.do(BACKEND, Call(record))
    deleted_ms = clock.now_ms
    clock.now_ms += DAY_MS + 1
    await prune(node)
    (tombstone,) = await history(node)
    assert (tombstone.deleted_ms, tombstone.deleted_by) == (deleted_ms, "bob")


async def test_a_retry_of_a_pruned_message_is_answered_with_the_tombstone(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "old", "m1")
    clock.now_ms += DAY_MS + 1
    await prune(node)
    again = await node.send(ALICE, "old", "m1")
    assert (again.id, again.content) == (sent.id, "")
    assert len(await history(node)) == 1


async def test_messages_pruned_earlier_in_the_batch_cannot_be_edited(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "old")
    clock.now_ms += DAY_MS + 1
    _, refusal = await node.in_one_batch((OPERATOR, PruneOld(DAY_MS)), (ALICE, EditMessage(str(sent.id), "new")))
    assert refusal.code == "invalid_request"
    assert [message.content for message in await history(node)] == [""]


async def test_messages_edited_earlier_in_the_batch_are_pruned(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "old")
    clock.now_ms += DAY_MS + 1
    await node.in_one_batch((ALICE, EditMessage(str(sent.id), "new @bob")), (OPERATOR, PruneOld(DAY_MS)))
    (tombstone,) = await history(node)
    assert (tombstone.content, tombstone.edited_ms) == ("", None)
    assert await rows_of(node, mentions, message_versions) == [0, 0]


async def test_a_pruned_message_shows_no_file(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, CreateUpload("f1", "a.png", None, 1, DAY_MS))
    await node.do(ALICE, FinishUpload("f1", "image/png", 1, "digest"))
    await node.do(ALICE, SendMessage("c", "look", attachments=(AttachmentRef(id="f1"),)))
    clock.now_ms += DAY_MS + 1
    await prune(node)
    assert await rows_of(node, file_links) == [0]


async def test_only_operators_prune(node: Node) -> None:
    for actor in (ALICE, BACKEND):
        assert await node.refusal(actor, PruneOld(0)) == "forbidden"


# --- behind the log -------------------------------------------------------------------------------------------------


@dataclass
class Followed:
    index: Follower[Any]
    clearing: Follower[Any]
    node: Node

    async def catch_up(self) -> None:
        for follower in (self.index, self.clearing):
            assert await asyncio.to_thread(follower.wait_for, self.node.chat.pos, DEADLINE_S)


@asynccontextmanager
async def followed(node: Node, database: Database) -> AsyncIterator[Followed]:
    def following(work: FollowerWork[Any]) -> Follower[Any]:
        return Follower(work, reading_engine(database.url, 1), node.writer.transact, node.clock, Restless())

    both = following(MessageIndex(node.write_engine.dialect)), following(DeletedConversations(node.clock))
    for follower in both:
        node.chat.subscribe(lambda events, follower=follower: follower.wake())  # type: ignore[misc]  # bound now
        follower.start()
    try:
        yield Followed(*both, node)
    finally:
        for follower in both:
            await asyncio.to_thread(follower.close)


async def test_pruned_messages_are_not_found_and_their_words_are_gone(
    node: Node, database: Database, clock: Clock
) -> None:
    async with followed(node, database) as following:
        await node.group("c", ALICE, BOB)
        await node.send(ALICE, "old hello")
        clock.now_ms += DAY_MS + 1
        await node.send(ALICE, "young hello")
        await following.catch_up()
        await prune(node)
        found = await node.do(BOB, SearchMessages("hello"))
        assert [message.content for message in found.items] == ["young hello"]
        assert await rows_of(node, text("message_words")) == [1]


async def test_messages_pruned_before_indexing_are_not_indexed(node: Node, database: Database, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "old hello")
    clock.now_ms += DAY_MS + 1
    await prune(node)
    await node.send(ALICE, "young hello")
    async with followed(node, database) as following:
        await following.catch_up()
    assert await rows_of(node, text("message_words")) == [1]


async def test_words_that_were_cut_before_their_message_was_pruned_are_not_put_in(
    node: Node, database: Database, clock: Clock
) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "old hello")
    index = MessageIndex(node.write_engine.dialect)
    with node.read_engine.begin() as connection:
        _, words = index.prepare(connection, 0, node.chat.pos)
    clock.now_ms += DAY_MS + 1
    await prune(node)
    await asyncio.to_thread(node.writer.transact, lambda connection: index.store(connection, words))
    assert await rows_of(node, text("message_words")) == [0]


async def test_messages_of_a_deleted_conversation_are_cleared(
    node: Node, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "CLEARED_AT_ONCE", 2)
    await node.group("c", ALICE, BOB)
    await node.group("d", ALICE, BOB)
    sent = [await node.send(ALICE, f"hello {number}") for number in range(5)]
    await decorate(node, sent[0].id)
    kept = await node.send(ALICE, "kept", to="d")

    def record(tx: Transaction) -> None:
        tx.record(ConversationDeleted(tx.next_pos(), tx.now_ms, "c", "alice"))

    await node.do(BACKEND, Call(record))
    async with followed(node, database) as following:
        await following.catch_up()
    with node.read_engine.begin() as connection:
        contents = connection.execute(select(messages.c.content).order_by(messages.c.id)).scalars().all()
    assert contents == [""] * 5 + ["kept"]
    assert await rows_of(node, message_versions, *RATINGS, reactions, mentions, text("message_words")) == [0] * 5 + [1]
    assert await node.do(BOB, GetMessage(str(kept.id))) == kept


async def test_clearing_continues_after_a_restart(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "CLEARED_AT_ONCE", 1)
    async with running(database, clock) as node:
        await node.group("c", ALICE, BOB)
        for number in range(3):
            await node.send(ALICE, f"hello {number}")

        def record(tx: Transaction) -> None:
            tx.record(ConversationDeleted(tx.next_pos(), tx.now_ms, "c", "alice"))

        await node.do(BACKEND, Call(record))
        work = DeletedConversations(clock)
        with node.read_engine.begin() as connection:
            reached, rows = work.prepare(connection, 0, node.chat.pos)
        assert (reached, len(rows)) == (node.chat.pos - 1, 1)
        await asyncio.to_thread(node.writer.transact, lambda connection: work.store(connection, rows))
    async with running(database, clock) as node:
        async with followed(node, database) as following:
            await following.catch_up()
        with node.read_engine.begin() as connection:
            assert connection.execute(select(messages.c.content)).scalars().all() == [""] * 3


async def test_a_step_of_clearing_that_fails_leaves_nothing_behind(
    node: Node, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "CLEARED_AT_ONCE", 1)
    await node.group("c", ALICE, BOB)
    for number in range(3):
        await node.send(ALICE, f"hello {number}")

    def record(tx: Transaction) -> None:
        tx.record(ConversationDeleted(tx.next_pos(), tx.now_ms, "c", "alice"))

    await node.do(BACKEND, Call(record))
    work, head = DeletedConversations(clock), node.chat.pos

    def step(*, fail: bool) -> int:
        with node.read_engine.begin() as connection:
            reached, rows = work.prepare(connection, 0, head)

        def store(connection: Connection) -> None:
            work.store(connection, rows)
            if fail:
                raise ZeroDivisionError

        node.writer.transact(store)
        return reached

    def clear() -> None:
        with pytest.raises(ZeroDivisionError):
            step(fail=True)
        while step(fail=False) < head:
            pass

    await asyncio.to_thread(clear)
    with node.read_engine.begin() as connection:
        assert connection.execute(select(messages.c.content)).scalars().all() == [""] * 3
