"""The group-committing writer: what shares a transaction, and what happens when the database fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from sqlalchemy import Connection, RootTransaction, func, select, text
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.exc import OperationalError

from talkwire.core.cluster import feed
from talkwire.core.commands.accounts import BanUser, EnsureUser, RegisterAccount, SetPassword
from talkwire.core.commands.command import Change
from talkwire.core.commands.conversations import CreateConversation, GetConversation
from talkwire.core.commands.files import CreateUpload, FinishUpload
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import AttachmentRef, GetMessage, ListMessages, SendMessage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.model import Actor, Message
from talkwire.storage import writer as writer_module
from talkwire.storage.schema import log_head, messages
from talkwire.storage.snapshot import TableSnapshot
from talkwire.storage.sql.batch import Write, commit_with
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Call, Clock, Node, running
from tests.databases import Database
from tests.waiting import DEADLINE_S, until, wait_until


def _codes(outcomes: object) -> list[str]:
    """Returns the result of each command in one word."""
    assert isinstance(outcomes, list)
    return [outcome.code if isinstance(outcome, ChatError) else type(outcome).__name__ for outcome in outcomes]


def _published(node: Node) -> list[str]:
    return [event.message.content for event in node.log if isinstance(event, MessageSent)]


async def _stored(node: Node, conversation_id: str = "c") -> list[str]:
    """Returns the contents of a conversation, after checking that its seqs have no gaps."""
    page = await node.do(BACKEND, ListMessages(conversation_id, limit=100))
    assert [message.seq for message in page.items] == list(range(1, len(page.items) + 1))
    return [message.content for message in page.items]


# --- one transaction for many ---------------------------------------------------------------------------------------


async def test_a_batch_takes_as_many_statements_however_many_messages_it_has(node: Node) -> None:
    actors = [Actor(f"u{number}", f"User {number}") for number in range(10)]
    counts = []
    for size in (1, 10, 200):
        # Each batch has users, conversations and members that are not in the writer's cache.
        for number in range(5):
            await node.group(f"c{size}-{number}", *actors)
        await _forget(node)
        batch = [
            (actors[number % 10], SendMessage(f"c{size}-{number % 5}", "Hello", f"m{number}", {"a": 1}))
            for number in range(size)
        ]
        with node.statements() as transactions:
            outcomes = await node.in_one_batch(*batch)
        assert all(isinstance(outcome, Message) for outcome in outcomes)
        counts.append(len(transactions[-1]))
    # head, users, conversations, members, earlier messages; messages, members, conversations, log, head
    assert counts == [5 + (1 if _writes_at_once(node) else 5)] * 3


async def test_references_of_messages_take_one_statement_for_each_kind(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    root = await node.send(BOB, "root")
    await node.do(ALICE, CreateUpload("f1", "a.png", None, 1, 1000))
    await node.do(ALICE, FinishUpload("f1", "image/png", 1, "digest"))
    rich = SendMessage(
        "c",
        "Hello @bob",
        attachments=(AttachmentRef(id="f1"),),
        reply_to_id=str(root.id),
        thread_id=str(root.id),
    )
    await node.do(BOB, SendMessage("c", "first reply", thread_id=str(root.id)))
    counts = []
    for size in (1, 10, 200):
        with node.statements() as transactions:
            outcomes = await node.in_one_batch(*((ALICE, rich) for _ in range(size)))
        assert all(outcome.mentions == ("bob",) and len(outcome.attachments) == 1 for outcome in outcomes)
        counts.append(len(transactions[-1]))
    # head, messages that are replied to, their threads, names, files, listeners; messages, links, mentions,
    # notifications, replies, followers again and for the first time, members, conversations, log, head
    assert counts == [6 + (2 if _writes_at_once(node) else 11)] * 3
    assert (await node.do(BOB, GetMessage(str(root.id)))).reply_count == 212


def _writes_at_once(node: Node) -> bool:
    """Returns whether a batch is written with one statement, except for the counts of replies."""
    return node.write_engine.dialect.name == "postgresql"


async def _forget(node: Node) -> None:
    """Empties the writer's cache, as another node's transaction does."""
    view = node.writer._view
    await node.do(BACKEND, Call(lambda tx: view.move_to(-1)))
    view.pos = -1


async def test_a_batch_reads_nothing_that_the_writer_knows(node: Node) -> None:
    await node.group("c", ALICE)
    await node.send(ALICE, "1")
    with node.statements() as transactions:
        await node.in_one_batch(*((ALICE, SendMessage("c", "Hello")) for _ in range(10)))
    # head; messages, member, conversation, log, head
    assert len(transactions[-1]) == 1 + (1 if _writes_at_once(node) else 5)


async def test_queued_commands_share_one_transaction(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    with node.statements() as transactions:
        await node.in_one_batch(
            *((ALICE, SendMessage("c", str(number))) for number in range(100)),
            (ALICE, CreateConversation("group", ("bob",))),
            (CAROL, EnsureUser("carol", "Carol")),
            (ALICE, RegisterAccount("ann@example.com", "Ann", "h")),
        )
    # The others were queued behind the first one.
    assert len(transactions) == 2


async def test_a_batch_has_an_end(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "COMMANDS_BATCH_MAX", 10)
    await node.group("c", ALICE)
    with node.statements() as transactions:
        await node.in_one_batch(*((ALICE, SendMessage("c", str(number))) for number in range(25)))
    assert len(transactions) == 1 + 3
    assert await _stored(node) == [str(number) for number in range(25)]


async def test_commands_over_the_queues_length_are_refused(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    await node.group("c", ALICE)
    monkeypatch.setattr(writer_module, "COMMANDS_QUEUE_MAX", 3)
    outcomes = await node.in_one_batch(*((ALICE, SendMessage("c", str(number))) for number in range(5)))
    assert _codes(outcomes) == ["Message", "Message", "Message", "unavailable", "unavailable"]


async def test_a_command_sees_the_earlier_ones_of_its_batch(node: Node) -> None:
    with node.statements() as transactions:
        outcomes = await node.in_one_batch(
            (ALICE, EnsureUser("alice", "Alice")),
            (BOB, EnsureUser("bob", "Bob")),
            (BACKEND, CreateConversation("group", ("alice",), id="c", owner_id="alice")),
            (BOB, SendMessage("c", "too early")),
            (ALICE, AddMembers("c", ("bob",))),
            (BOB, SendMessage("c", "1", "m1")),
            (BOB, SendMessage("c", "1", "m1")),
            (ALICE, RemoveMember("c", "bob")),
            (BOB, SendMessage("c", "too late")),
            (OPERATOR, BanUser("alice")),
            (ALICE, SendMessage("c", "banned")),
        )
    assert len(transactions) == 2
    assert _codes(outcomes) == [
        "User", "User", "ConversationView", "forbidden", "AddedMembers", "Message", "Message", "RemovedMember",
        "forbidden", "User", "banned",
    ]  # fmt: skip
    assert await _stored(node) == ["1"]
    view = await node.do(BACKEND, GetConversation("c"))
    assert (view.conversation.member_count, view.conversation.last_seq) == (1, 1)


async def test_a_refused_command_does_not_fail_its_neighbours(node: Node) -> None:
    await node.group("c", ALICE)
    with node.statements() as transactions:
        outcomes = await node.in_one_batch(
            (ALICE, SendMessage("c", "1")), (MALLORY, SendMessage("c", "x")), (ALICE, SendMessage("c", "2"))
        )
    assert _codes(outcomes) == ["Message", "forbidden", "Message"]
    assert len(transactions) == 2
    assert await _stored(node) == _published(node) == ["1", "2"]


async def test_an_answer_comes_after_the_commit(node: Node) -> None:
    def look(_: object) -> None:
        with node.read_engine.connect() as connection:
            found.append(connection.execute(select(func.count()).select_from(messages)).scalar_one())

    await node.group("c", ALICE)
    found: list[int] = []
    future = node.submit(ALICE, SendMessage("c", "Hello"))
    future.add_done_callback(look)
    await future
    await asyncio.sleep(0)
    assert found == [1]


async def test_a_command_is_executed_after_its_caller_was_cancelled(node: Node) -> None:
    await node.group("c", ALICE)
    with node.clock.stopped():
        future = node.submit(ALICE, SendMessage("c", "1"))
        await node.clock.wait_until_asked()
        future.cancel()
    await node.send(ALICE, "2")
    assert await _stored(node) == _published(node) == ["1", "2"]


# --- the end --------------------------------------------------------------------------------------------------------


async def test_a_writer_that_closes_carries_out_what_is_queued(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.group("c", ALICE)
        with clock.stopped():
            first = node.submit(ALICE, SendMessage("c", "0"))
            await clock.wait_until_asked()
            queued = [node.submit(ALICE, SendMessage("c", str(number))) for number in range(1, 20)]
            closing = asyncio.create_task(node.writer.close())
            await asyncio.sleep(0)
            late = node.submit(ALICE, SendMessage("c", "late"))
        await closing
        assert all(future.done() for future in (first, *queued))
        assert [future.result().seq for future in queued] == list(range(2, 21))
        assert _published(node) == [str(number) for number in range(20)]
        with pytest.raises(ChatError) as refused:
            await late
        assert refused.value.code == "unavailable"


async def test_a_chat_that_was_closed_is_unavailable(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.group("c", ALICE)
    assert await node.refusal(ALICE, SendMessage("c", "x")) == "unavailable"
    assert await node.refusal(ALICE, ListMessages("c")) == "unavailable"


async def test_a_writer_that_never_started_can_be_closed(database: Database, clock: Clock) -> None:
    node = Node(database, clock)
    await node.close()


# --- what breaks a batch --------------------------------------------------------------------------------------------


@pytest.fixture
def poison(database: Database) -> None:
    """Makes the database reject the content "poison" once."""
    with database.engine() as engine, engine.begin() as connection:
        connection.execute(text("CREATE UNIQUE INDEX one_poison ON messages (content) WHERE content = 'poison'"))


@pytest.mark.usefixtures("poison")
async def test_a_command_that_the_database_refuses_fails_alone(node: Node) -> None:
    await node.group("c", ALICE)
    await node.send(ALICE, "poison")
    outcomes = await node.in_one_batch(
        (ALICE, SendMessage("c", "1", "m1")),
        (ALICE, SendMessage("c", "poison")),
        (MALLORY, SendMessage("c", "x")),
        (ALICE, SendMessage("c", "2", "m2")),
        (ALICE, SendMessage("c", "1", "m1")),
    )
    assert _codes(outcomes) == ["Message", "unavailable", "forbidden", "Message", "Message"]
    assert outcomes[0] == outcomes[4]
    assert await _stored(node) == _published(node) == ["poison", "1", "2"]
    assert [event.pos for event in node.log] == list(range(1, len(node.log) + 1))


async def test_a_command_with_a_bug_fails_alone_and_leaves_nothing(node: Node) -> None:
    def fail(tx: object) -> None:
        tx.record(MessageSent(tx.next_pos(), 0, message))  # type: ignore[attr-defined]
        raise ZeroDivisionError

    await node.group("c", ALICE)
    message = await node.send(ALICE, "0")
    first, broken, second = await node.in_one_batch(
        (ALICE, SendMessage("c", "1")), (ALICE, Call(fail)), (ALICE, SendMessage("c", "2"))
    )
    assert (first.seq, second.seq) == (2, 3)
    assert isinstance(broken, ZeroDivisionError)
    assert await _stored(node) == _published(node) == ["0", "1", "2"]


async def test_a_command_without_a_handler_stops_no_other_command(node: Node) -> None:
    class Unknown(Change[None], frozen=True, tag="Unknown"):
        pass

    await node.group("c", ALICE)
    with pytest.raises(KeyError):
        await asyncio.wait_for(node.submit(ALICE, Unknown()), DEADLINE_S)
    assert (await node.send(ALICE, "1")).seq == 1


LastStep = Callable[[RootTransaction, Sequence[Write]], None]
"""Runs the last writes of a transaction and commits it, or fails."""


@contextmanager
def _commits(*instead: LastStep | None) -> Iterator[None]:
    """Replaces the next commits of the writer by `instead`; None commits as usual."""
    pending = list(instead)

    def commit(transaction: RootTransaction, writes: Sequence[Write]) -> None:
        replacement = pending.pop(0) if pending else None
        (replacement or commit_with)(transaction, writes)

    with patch.object(writer_module, "commit_with", commit):
        yield
    assert not pending


def _lost_after(transaction: RootTransaction, writes: Sequence[Write]) -> None:
    """The commit succeeds, but its reply is lost."""
    commit_with(transaction, writes)
    raise OperationalError("COMMIT", {}, ConnectionError("server closed the connection unexpectedly"))


def _lost_before(transaction: RootTransaction, _writes: Sequence[Write]) -> None:
    """The connection breaks before the commit."""
    transaction.connection.connection.rollback()
    raise OperationalError(
        "COMMIT", {}, ConnectionError("server closed the connection unexpectedly"), connection_invalidated=True
    )


async def test_a_commit_whose_reply_was_lost_is_answered_with_success_and_stored_once(node: Node) -> None:
    await node.group("c", ALICE)
    with _commits(_lost_after):
        sent = await node.send(ALICE, "1")
    assert sent.seq == 1
    assert (await node.send(ALICE, "2")).seq == 2
    assert await _stored(node) == _published(node) == ["1", "2"]


async def test_a_whole_batch_whose_reply_was_lost_is_stored_once(node: Node) -> None:
    await node.group("c", ALICE)
    with _commits(None, _lost_after):
        outcomes = await node.in_one_batch(*((ALICE, SendMessage("c", str(number))) for number in range(5)))
    assert [message.seq for message in outcomes] == [1, 2, 3, 4, 5]
    assert await _stored(node) == _published(node) == ["0", "1", "2", "3", "4"]


async def test_a_commit_that_did_not_happen_is_unavailable_and_a_retry_stores_it_once(node: Node) -> None:
    await node.group("c", ALICE)
    with _commits(_lost_before):
        assert await node.refusal(ALICE, SendMessage("c", "1", "m1")) == "unavailable"
    assert _published(node) == []
    assert (await node.send(ALICE, "1", "m1")).seq == 1
    assert await _stored(node) == _published(node) == ["1"]


async def test_a_lost_reply_to_a_commit_without_events_is_unavailable(node: Node) -> None:
    user = await node.do(ALICE, RegisterAccount("ann@example.com", "Ann", "h"))
    with _commits(_lost_after):
        assert await node.refusal(OPERATOR, SetPassword(user.id, "h2")) == "unavailable"
    assert await node.do(OPERATOR, SetPassword(user.id, "h2")) is None


async def test_no_result_is_given_for_a_commit_while_the_database_is_unavailable(
    node: Node, database: Database
) -> None:
    await node.group("c", ALICE)

    def lost_with_the_database(transaction: RootTransaction, writes: Sequence[Write]) -> None:
        commit_with(transaction, writes)
        _hide(database)
        raise OperationalError("COMMIT", {}, ConnectionError("server closed the connection unexpectedly"))

    with _commits(lost_with_the_database):
        assert await node.refusal(ALICE, SendMessage("c", "1", "m1")) == "unavailable"
    assert _published(node) == []
    _show(database)
    assert (await node.send(ALICE, "1", "m1")).seq == 1
    assert await _stored(node) == _published(node) == ["1"]


async def test_a_batch_with_an_unknown_outcome_is_not_retried(node: Node) -> None:
    await node.group("c", ALICE)

    def lost_with_the_next_connection(transaction: RootTransaction, writes: Sequence[Write]) -> None:
        sqlalchemy_event.listen(node.write_engine, "begin", fail, once=True)
        _lost_after(transaction, writes)

    def fail(connection: Connection) -> None:
        raise OperationalError("BEGIN", {}, ConnectionError("could not connect to the server"))

    with _commits(None, lost_with_the_next_connection):
        outcomes = await node.in_one_batch((ALICE, SendMessage("c", "1")), (ALICE, SendMessage("c", "2")))
    assert _codes(outcomes) == ["unavailable", "unavailable"]
    await node.send(ALICE, "3")
    assert await _stored(node) == _published(node) == ["1", "2", "3"]


def _hide(database: Database) -> None:
    with database.engine() as engine, engine.begin() as connection:
        connection.execute(text("ALTER TABLE log_head RENAME TO hidden"))


def _show(database: Database) -> None:
    with database.engine() as engine, engine.begin() as connection:
        connection.execute(text("ALTER TABLE hidden RENAME TO log_head"))


async def test_commands_are_unavailable_while_the_database_is_and_work_again_after(
    node: Node, database: Database
) -> None:
    await node.group("c", ALICE)
    _hide(database)
    with node.statements() as transactions:
        outcomes = await node.in_one_batch(*((ALICE, SendMessage("c", "x", f"m{number}")) for number in range(3)))
    assert _codes(outcomes) == ["unavailable"] * 3
    assert outcomes[0] is not outcomes[1]
    assert len(transactions) == 2, "nobody waits for a lock once a command"
    with pytest.raises(ChatError) as refused:
        await node.chat.check()
    assert refused.value.code == "unavailable"
    _show(database)
    await node.chat.check()
    await node.send(ALICE, "1")
    assert await _stored(node) == _published(node) == ["1"]


# --- a database that stalls -----------------------------------------------------------------------------------------


async def test_a_stall_in_a_writer_task_is_answered_and_its_end_noticed(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await node.group("c", ALICE)
    monkeypatch.setattr(writer_module, "TRANSACTION_STALL_S", 0.1)
    monkeypatch.setattr(writer_module, "STALL_CHECK_S", 0.02)
    began, goes_on = threading.Event(), threading.Event()

    def hang(_: Connection) -> None:
        began.set()
        assert goes_on.wait(2 * DEADLINE_S)

    hanging = asyncio.create_task(asyncio.to_thread(node.writer.transact, hang))
    try:
        assert await asyncio.to_thread(began.wait, DEADLINE_S)
        assert await node.refusal(ALICE, SendMessage("c", "queued")) == "unavailable"
        assert await node.refusal(ALICE, SendMessage("c", "refused at once")) == "unavailable"
    finally:
        goes_on.set()
    await hanging
    monkeypatch.setattr(writer_module, "TRANSACTION_STALL_S", DEADLINE_S)
    await node.send(ALICE, "1")
    assert await _stored(node) == _published(node) == ["1"]


async def test_a_slow_series_after_a_failed_batch_is_no_stall(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each transaction has the full time, and returns its results when it has ended."""
    await node.group("c", ALICE)
    await until(lambda: node.writer._watching is None)  # the next check is a second away, as configured
    check_stall = node.writer._check_stall
    now_s = 0.0
    checks = 0

    def check() -> None:
        nonlocal checks
        checks += 1
        check_stall()

    def take_long(_: object) -> None:
        nonlocal now_s
        now_s += 0.6 * writer_module.TRANSACTION_STALL_S
        checks_before = checks
        wait_until(lambda: checks >= checks_before + 2)

    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(writer_module, "STALL_CHECK_S", 0.01)
    monkeypatch.setattr(node.writer, "_check_stall", check)
    monkeypatch.setattr(writer_module, "time", SimpleNamespace(monotonic=lambda: now_s))
    slow = [(ALICE, Call(take_long)) for _ in range(5)]
    outcomes = await node.in_one_batch((ALICE, Call(fail)), *slow, (ALICE, SendMessage("c", "1")))
    assert _codes(outcomes[1:]) == [*["NoneType"] * 5, "Message"]


async def test_an_abandoned_writer_task_does_no_harm(node: Node) -> None:
    await node.group("c", ALICE)
    with node.clock.stopped():
        sending = node.submit(ALICE, SendMessage("c", "1"))
        await node.clock.wait_until_asked()
        asked = node.writer.submit_transaction(lambda connection: pytest.fail("it was cancelled"))
        assert asked.cancel()
    await sending
    await node.send(ALICE, "2")


# --- connections that break (PostgreSQL) ----------------------------------------------------------------------------


def _cut_connections(database: Database) -> None:
    with database.engine() as engine, engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )


async def test_a_connection_that_breaks_between_transactions_affects_no_command(
    postgresql_database: Database, clock: Clock
) -> None:
    async with running(postgresql_database, clock) as node:
        await node.group("c", ALICE)
        _cut_connections(postgresql_database)
        await node.send(ALICE, "1")
        assert await _stored(node) == ["1"]


async def test_a_connection_cut_within_a_transaction_fails_its_batch_and_no_other(
    postgresql_database: Database, clock: Clock
) -> None:
    async with running(postgresql_database, clock) as node:
        await node.group("c", ALICE)
        cuts = iter([lambda: _cut_connections(postgresql_database)])
        outcomes = await node.in_one_batch(
            (ALICE, SendMessage("c", "x")),
            (ALICE, Call(lambda tx: next(cuts)())),
            (ALICE, SendMessage("c", "y")),
        )
        assert _codes(outcomes) == ["unavailable"] * 3
        await node.send(ALICE, "1")
        assert await _stored(node) == _published(node) == ["1"]


# --- another writer -------------------------------------------------------------------------------------------------


async def test_two_writers_share_one_dense_order(database: Database, clock: Clock) -> None:
    async with running(database, clock) as first, running(database, clock) as second:
        await first.group("c", ALICE, BOB)
        await asyncio.gather(
            *(node.send(ALICE, f"{number}") for number in range(40) for node in (first, second)),
        )
        # What the other writer wrote last is published with this one's next event.
        await first.send(ALICE, "first")
        await second.send(ALICE, "second")
        await first.send(ALICE, "last")
        assert len(await _stored(first)) == 83
        assert [event.pos for event in first.log] == list(range(1, len(first.log) + 1))
        seen = second.log[-1].pos
        assert second.log == first.log[second.log[0].pos - 1 : seen]
        assert seen == first.log[-1].pos - 1


async def test_a_writer_empties_its_cache_after_another_writes(database: Database, clock: Clock) -> None:
    async with running(database, clock) as first, running(database, clock) as second:
        await first.group("c", ALICE, BOB)
        await first.send(BOB, "1")
        await second.do(ALICE, RemoveMember("c", "bob"))
        assert await first.refusal(BOB, SendMessage("c", "x")) == "forbidden"
        assert first.log == await first.replay()
        await second.do(OPERATOR, BanUser("alice"))
        assert await first.refusal(ALICE, SendMessage("c", "x")) == "banned"
        await second.do(BACKEND, AddMembers("c", ("carol",)))
        assert (await first.send(Actor("carol", "Carol"), "2")).seq == 2


async def test_a_retry_over_another_node_is_answered_with_the_first_message(database: Database, clock: Clock) -> None:
    async with running(database, clock) as first, running(database, clock) as second:
        await first.group("c", ALICE)
        sent = await asyncio.gather(*(node.send(ALICE, "Hello", "m1") for _ in range(5) for node in (first, second)))
        assert len({message.id for message in sent}) == 1


async def test_both_nodes_open_the_same_direct_conversation(database: Database, clock: Clock) -> None:
    async with running(database, clock) as first, running(database, clock) as second:
        views = await asyncio.gather(
            *(node.do(BACKEND, CreateConversation("direct", ("alice", "bob"))) for node in (first, second))
        )
        assert views[0].conversation.id == views[1].conversation.id


async def test_a_long_absence_is_published_whole(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LOG_PAGE_MAX", 3)
    async with running(database, clock) as first, running(database, clock) as second:
        await first.group("c", ALICE)
        for number in range(10):
            await second.send(ALICE, str(number))
        await first.send(ALICE, "10")
        assert _published(first) == [str(number) for number in range(11)]
        assert [event.pos for event in first.log] == list(range(1, len(first.log) + 1))


async def test_events_of_another_node_that_cannot_be_read_are_published_later(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database, clock) as first, running(database, clock) as second:
        await first.group("c", ALICE)
        await second.send(ALICE, "1")
        with monkeypatch.context() as broken:
            broken.setattr(TableSnapshot, "events_after", None)
            assert (await first.send(ALICE, "2")).seq == 2
        assert _published(first) == []
        await first.send(ALICE, "3")
        assert _published(first) == ["1", "2", "3"]


async def test_the_head_is_one_row_under_two_writers(database: Database, clock: Clock) -> None:
    async with running(database, clock) as first, running(database, clock) as second:
        await asyncio.gather(*(node.do(CAROL, EnsureUser("carol", "Carol")) for node in (first, second)))
        with database.engine() as engine, engine.connect() as connection:
            assert connection.execute(select(log_head.c.pos)).scalars().all() == [1]
