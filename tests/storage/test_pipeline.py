"""What PostgreSQL receives in one round trip, and the connection that the writer keeps between batches."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from talkwire.core.commands.command import Command
from talkwire.core.commands.messages import EditMessage, SendMessage
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.model import Actor, Message
from talkwire.storage import writer as writer_module
from talkwire.storage.schema import conversations, log, log_head, members, mentions, messages, notifications
from talkwire.storage.sql import pipeline
from tests.contracts.node import ALICE, BOB, Clock, Node, running
from tests.databases import Database

INSERT = "INSERT INTO secrets (name, value) SELECT r->>0, r->>1 FROM jsonb_array_elements($1::jsonb) AS rows(r)"


@pytest.fixture
def engine(postgresql_database: Database) -> Iterator[Engine]:
    with postgresql_database.engine() as engine:
        yield engine


def _names(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(text("SELECT name FROM secrets")).scalars())


def _kill(connection: Connection, database: Database) -> None:
    """Ends the server's side of a connection."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    with database.engine() as other, other.begin() as killing:
        killing.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": driver.info.backend_pid})


# --- statements ------------------------------------------------------------------------------------------------------


def test_a_statement_begins_a_transaction_and_shares_it_with_the_others(engine: Engine) -> None:
    with engine.connect() as connection, connection.begin() as begun:
        assert pipeline.execute(connection, "SELECT 1 AS a, NULL, 'ä'") == [(b"1", None, "ä".encode())]
        pipeline.execute(connection, INSERT, [b'[["a", ""], ["b", ""]]'])
        connection.execute(text("INSERT INTO secrets VALUES ('c', '')"))
        assert connection.execute(text("SELECT count(*) FROM secrets")).scalar_one() == 3
        begun.rollback()
    assert _names(engine) == set()


def test_a_statement_is_run_with_commit(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO secrets VALUES ('a', '')"))
        pipeline.execute_and_commit(connection, INSERT, [b'[["b", ""]]'])
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO secrets VALUES ('c', '')"))
    assert _names(engine) == {"a", "b", "c"}


def test_a_statement_that_fails_with_commit_stores_nothing_and_the_connection_works_on(engine: Engine) -> None:
    for _ in range(2):
        with engine.connect() as connection, connection.begin() as begun:
            connection.execute(text("INSERT INTO secrets VALUES ('a', '')"))
            with pytest.raises(IntegrityError):
                pipeline.execute_and_commit(connection, INSERT, [b'[["b", ""], ["b", ""]]'])
            begun.rollback()
        with engine.begin() as connection:
            pipeline.execute_and_commit(connection, "DELETE FROM secrets WHERE name = $1", [b"x"])
    assert _names(engine) == set()


def test_a_rollback_deallocates_the_prepared_statements(engine: Engine) -> None:
    prepared = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'talkwire%'"
    with engine.connect() as connection:
        with connection.begin() as begun:
            pipeline.execute(connection, INSERT, [b'[["a", ""]]'])
            assert connection.execute(text(prepared)).scalar_one() == 1
            begun.rollback()
        with connection.begin():
            assert connection.execute(text(prepared)).scalar_one() == 0
            pipeline.execute(connection, INSERT, [b'[["b", ""]]'])
    assert _names(engine) == {"b"}


def test_an_error_is_raised_as_the_drivers_and_the_connection_works_on(engine: Engine) -> None:
    with engine.connect() as connection:
        for _ in range(2):
            with pytest.raises(DBAPIError) as raised, connection.begin():
                pipeline.execute(connection, "SELECT 1 / $1::int", [b"0"])
            assert isinstance(raised.value.orig, psycopg.errors.DivisionByZero)
            assert not raised.value.connection_invalidated
            with connection.begin():
                assert pipeline.execute(connection, "SELECT 6 / $1::int", [b"2"]) == [(b"3",)]


def test_a_lost_connection_is_dropped(engine: Engine, postgresql_database: Database) -> None:
    with engine.connect() as connection:
        with connection.begin():
            pipeline.execute(connection, "SELECT 1")
        _kill(connection, postgresql_database)
        with pytest.raises(DBAPIError) as raised, connection.begin():
            pipeline.execute(connection, "SELECT 1")
        assert raised.value.connection_invalidated
        assert connection.invalidated
    with engine.begin() as connection:
        assert pipeline.execute(connection, "SELECT 2") == [(b"2",)]


def test_a_connection_lost_before_commit_is_dropped(engine: Engine, postgresql_database: Database) -> None:
    with engine.connect() as connection:
        connection.begin()
        pipeline.execute(connection, "SELECT 1")
        _kill(connection, postgresql_database)
        with pytest.raises(DBAPIError) as raised:
            pipeline.execute_and_commit(connection, INSERT, [b'[["a", ""]]'])
    assert raised.value.connection_invalidated
    assert _names(engine) == set()


def test_a_value_may_be_larger_than_what_the_socket_takes_at_once(engine: Engine) -> None:
    rows = ",".join(f'["{number}", "{"x" * 1000}"]' for number in range(5000))
    with engine.begin() as connection:
        pipeline.execute_and_commit(connection, INSERT, [f"[{rows}]".encode()])
    assert len(_names(engine)) == 5000


def test_a_connection_prepares_a_limited_number_of_statements(engine: Engine) -> None:
    prepared = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'talkwire%'"
    with engine.begin() as connection:
        for _ in range(2):
            for number in range(pipeline.PREPARED_STATEMENTS_MAX + 5):
                assert pipeline.execute(connection, f"SELECT {number}") == [(str(number).encode(),)]
        assert connection.execute(text(prepared)).scalar_one() == pipeline.PREPARED_STATEMENTS_MAX


# --- batches ---------------------------------------------------------------------------------------------------------


@pytest.fixture
async def node(postgresql_database: Database) -> AsyncIterator[Node]:
    async with running(postgresql_database, Clock()) as node:
        yield node


@contextmanager
def _round_trips() -> Iterator[list[list[str]]]:
    """Collects the first words of the statements of each round trip."""
    found: list[list[str]] = []
    run = pipeline.run

    def note(driver: psycopg.Connection, statements: Sequence[pipeline.Statement]) -> object:
        found.append([statement.text.split()[0] for statement in statements])
        return run(driver, statements)

    with patch.object(pipeline, "run", note):
        yield found


async def test_a_batch_of_messages_takes_two_round_trips(node: Node) -> None:
    await node.group("c", ALICE)
    await node.send(ALICE, "0")
    others: list[str] = []
    with _round_trips() as trips:
        event.listen(node.write_engine, "before_cursor_execute", lambda _1, _2, statement, *_: others.append(statement))
        await node.in_one_batch(*((ALICE, SendMessage("c", str(number))) for number in range(10)))
    assert trips[-2:] == [["BEGIN", "SELECT"], ["WITH", "COMMIT"]]
    assert others == []


async def test_batches_that_follow_each_other_share_a_connection(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "CONNECTION_KEPT_S", 3600)
    await node.group("c", ALICE)
    checkouts: list[object] = []
    event.listen(node.write_engine, "checkout", lambda *_: checkouts.append(_))
    for number in range(5):
        await node.send(ALICE, str(number))
    assert checkouts == []


async def test_a_kept_connection_that_was_cut_affects_no_command(
    node: Node, postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "CONNECTION_KEPT_S", 3600)
    await node.group("c", ALICE)
    for number in range(3):
        kept = node.writer._kept
        assert kept is not None
        _kill(kept, postgresql_database)
        await node.send(ALICE, str(number))
    assert [event.message.content for event in node.log if isinstance(event, MessageSent)] == ["0", "1", "2"]


async def test_a_connection_at_rest_is_given_back(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "CONNECTION_KEPT_S", 0.01)
    await node.group("c", ALICE)
    with node.write_engine.begin() as connection:  # the pool has only one
        assert connection.execute(select(log_head.c.pos)).scalar_one() == node.log[-1].pos
    await node.send(ALICE, "1")


# --- the same rows as on SQLite --------------------------------------------------------------------------------------

PEOPLE = [Actor(f"user-{number}", f"User {number}") for number in range(5)]
TEXTS = ("Hello", "", "ä🙂\u2028", "'\"\\ $1 %s {} \t\n\r\x1b", "x" * 4000, "@bob hi @user-1", "\\N", "null", "0")
TABLES = (messages, members, conversations, log, mentions, notifications)


def _command(rng: random.Random, number: int, sent: Sequence[Message]) -> tuple[Actor, Command[object]]:
    """Returns a random command, mostly a text."""
    actor, conversation_id, chance = rng.choice([*PEOPLE, BOB]), f"c{rng.randrange(4)}", rng.random()
    replied = next((m for m in reversed(sent) if m.conversation_id == conversation_id), None)
    content = rng.choice(TEXTS) or "-"
    if chance < 0.7:
        client_id = f"m{rng.randrange(number + 1)}" if rng.random() < 0.3 else None
        metadata: dict[str, object] | None = {"a": [1, None, content]} if rng.random() < 0.2 else None
        return actor, SendMessage(conversation_id, content, client_id, metadata)
    if chance < 0.85 and replied is not None:
        return actor, SendMessage(conversation_id, content, reply_to_id=str(replied.id), thread_id=str(replied.id))
    if chance < 0.9 and replied is not None:
        return Actor(replied.sender_id, ""), EditMessage(str(replied.id), content)
    return actor, MarkRead(conversation_id)


def _rows(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Returns all rows; of `log.batch`, which is random, whether there is one."""
    found: dict[str, list[tuple[object, ...]]] = {}
    with engine.connect() as connection:
        for table in TABLES:
            columns = [column if column is not log.c.batch else column.is_not(None) for column in table.columns]
            rows = connection.execute(select(*columns)).all()
            found[table.name] = sorted((tuple(row) for row in rows), key=repr)
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_random_batches_store_the_same_rows_on_both_databases(
    sqlite_database: Database, postgresql_database: Database, seed: int
) -> None:
    stored, results = [], []
    for database in (sqlite_database, postgresql_database):
        rng, sent, outcomes = random.Random(seed), list[Message](), list[object]()
        async with running(database, Clock()) as node:
            for number in range(4):
                await node.group(f"c{number}", *PEOPLE, BOB)
            for _ in range(8):
                size = rng.choice((1, 2, 3, 10, 40, 150))
                batch = [_command(rng, number, sent) for number in range(size)]
                for outcome in await node.in_one_batch(*batch):
                    outcomes.append(repr(outcome))
                    if isinstance(outcome, Message):
                        sent.append(outcome)
            with database.engine() as engine:
                stored.append(_rows(engine))
        results.append(outcomes)
    assert results[0] == results[1]
    assert stored[0] == stored[1]
    assert len(stored[0]["messages"]) > 100
