"""Migrations create and change a database's tables."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import NamedTuple

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, func, insert, inspect, select, text, update
from sqlalchemy import event as event_api
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, OperationalError
from structlog.testing import capture_logs

from talkwire.core.domain.log.positions import id_at, own_id_at
from talkwire.core.domain.model import FOR_EVER_MS
from talkwire.storage import engine as engine_module
from talkwire.storage import migrations as migrations_module
from talkwire.storage import session
from talkwire.storage.engine import sqlite_url, writing_engine
from talkwire.storage.messages.search import Wanted, WordTable, label_of
from talkwire.storage.migrations import (
    LOCK_TRIES,
    NewerTablesError,
    is_known,
    migrate,
    newest_revision,
    revision_of,
    upgrade,
)
from talkwire.storage.schema import (
    answers,
    conversations,
    file_links,
    files,
    log,
    log_head,
    metadata,
    name_parts,
    offers,
    restrictions,
    timers,
    users,
)
from tests.databases import PostgresServer, may_pause
from tests.waiting import block, wait_until


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """An empty database of each kind in turn."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "empty.db")
        return
    server = request.getfixturevalue("postgresql")
    assert isinstance(server, PostgresServer)
    name = server.create()
    yield server.url_of(name)
    server.drop(name)


@pytest.fixture
def engine(empty_url: URL) -> Iterator[Engine]:
    engine = may_pause(writing_engine(empty_url))
    yield engine
    engine.dispose()


def test_migrations_make_the_tables_that_the_schema_describes(engine: Engine) -> None:
    with engine.begin() as connection:
        upgrade(connection)
        options = {"compare_type": True, "compare_server_default": True, "include_name": _is_of_the_schema}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def _is_of_the_schema(name: str | None, kind: str, _parents: object) -> bool:
    """All but the index of words, which each database has in a form of its own."""
    return kind != "table" or not (name or "").startswith("message_words")


def test_a_new_database_is_like_one_that_was_migrated(engine: Engine) -> None:
    """A comparison by reflection, since Alembic compares neither keys nor check constraints nor partial indexes."""
    with engine.begin() as connection:
        upgrade(connection)
    expected, rows = _described(engine), _rows_of_a_new_chat(engine)
    with engine.begin() as connection:
        metadata.drop_all(connection)
        for table in ("message_words", "alembic_version"):
            connection.execute(text(f"DROP TABLE {table}"))
    migrate(engine)
    assert _described(engine) == expected
    assert _rows_of_a_new_chat(engine) == rows
    assert revision_of(engine) == newest_revision()


def _rows_of_a_new_chat(engine: Engine) -> dict[str, list[object]]:
    """The rows of each table that has any, but for the log's name, which is random."""
    with engine.begin() as connection:
        connection.execute(update(log_head).values(epoch="an epoch"))
        tables = {name: connection.execute(select(table)).all() for name, table in metadata.tables.items()}
    return {name: [tuple(row) for row in rows] for name, rows in tables.items() if rows}


def _described(engine: Engine) -> dict[str, object]:
    inspector = inspect(engine)
    described: dict[str, object] = {}
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            words = "SELECT sql FROM sqlite_master WHERE name LIKE 'message_words%' ORDER BY name"
            described["message_words"] = connection.execute(text(words)).all()
    for table in (*metadata.tables, *(["message_words"] if engine.dialect.name == "postgresql" else [])):
        columns = [(column["name"], str(column["type"]), column["nullable"]) for column in inspector.get_columns(table)]
        uniques = sorted((unique["name"], unique["column_names"]) for unique in inspector.get_unique_constraints(table))
        indexes = sorted(
            (index["name"], index["column_names"], bool(index["unique"]), _texts(index["dialect_options"]))
            for index in inspector.get_indexes(table)
        )
        checks = sorted((check["name"], check["sqltext"]) for check in inspector.get_check_constraints(table))
        described[table] = (columns, inspector.get_pk_constraint(table), uniques, indexes, checks)
    return described


def _texts(options: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in options.items()}


def test_a_database_is_migrated_once(engine: Engine) -> None:
    assert revision_of(engine) is None
    migrate(engine)
    epoch = _epoch(engine)
    migrate(engine)
    assert _epoch(engine) == epoch
    assert revision_of(engine) == newest_revision()


def _epoch(engine: Engine) -> str:
    with engine.connect() as connection:
        row = connection.execute(select(log_head)).one()
    assert (row.id, row.pos) == (1, 0)
    assert isinstance(row.epoch, str)
    return row.epoch


def test_each_database_has_an_epoch_of_its_own(tmp_path: Path) -> None:
    epochs = set()
    for number in range(3):
        engine = writing_engine(sqlite_url(tmp_path / f"{number}.db"))
        migrate(engine)
        epochs.add(_epoch(engine))
        engine.dispose()
    assert len(epochs) == 3


def test_nodes_that_start_at_once_take_turns(empty_url: URL) -> None:
    together = Barrier(4)

    def start(_: int) -> str:
        engine = may_pause(writing_engine(empty_url))
        try:
            together.wait()
            migrate(engine)
            return _epoch(engine)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(start, range(4)))) == 1


def test_a_migration_that_fails_leaves_nothing(empty_url: URL) -> None:
    plain = create_engine(empty_url)
    with plain.begin() as connection:
        connection.execute(text("CREATE TABLE members (something_else TEXT)"))
    engine = may_pause(writing_engine(empty_url))
    with pytest.raises(Exception, match="already exists"):
        migrate(engine)
    assert inspect(engine).get_table_names() == ["members"]
    with plain.begin() as connection:
        connection.execute(text("DROP TABLE members"))
    migrate(engine)
    assert revision_of(engine) == newest_revision()
    engine.dispose()
    plain.dispose()


def test_tables_that_are_newer_than_this_version_are_left_alone(engine: Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    before = _described(engine)
    with pytest.raises(NewerTablesError, match="version 9999, newer than"):
        migrate(engine)
    with pytest.raises(NewerTablesError):
        revision_of(engine)
    assert _described(engine) == before


def test_a_migration_only_adds(engine: Engine) -> None:
    """The previous version runs on the same tables during an upgrade: it reads the same columns, and its writes know
    nothing of new ones.
    """
    with engine.begin() as connection:
        upgrade(connection, "0004")
    after = _columns(engine)
    for revision in (each for number in range(5, int(newest_revision()) + 1) if is_known(each := f"{number:04}")):
        before = after
        with engine.begin() as connection:
            upgrade(connection, revision)
        after = _columns(engine)
        assert before.items() <= after.items(), f"{revision}: a column is gone, or is another"
        needed = [name for name in after.keys() - before.keys() if after[name].must_be_given]
        assert [name for name in needed if name[0] in {table for table, _ in before}] == [], revision


def test_numbers_are_repaired_in_memory_that_does_not_grow_with_the_log(engine: Engine) -> None:
    huge = "1" + "0" * 30
    rows, length = 4_000, 1_000
    with engine.begin() as connection:
        upgrade(connection, "0009")
        data = {"data": f'{{"offer":{{"metadata":{{"n":{huge},"m":"{"x" * length}"}}}}}}'}
        event = {"type": "OfferCreated", "conversation_id": "c", "at_ms": 0, **data}
        connection.execute(insert(log), [{"pos": pos, **event} for pos in range(1, rows + 1)])
        answer = {"command_hash": 0, "result": f'{{"metadata":{{"n":{huge}}}}}', "expires_ms": 0}
        keys = [
            {"user_id": f"u{number % 7}", "route": f"r{number % 11}", "key": f"k{number}"} for number in range(1_200)
        ]
        connection.execute(insert(answers), [key | answer for key in keys])
    tracemalloc.start()
    with engine.begin() as connection:
        upgrade(connection, "0010")  # later ones take memory of their own to be read
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < rows * length / 2
    with engine.connect() as connection:
        for column in (log.c.data, answers.c.result):
            assert connection.execute(select(column).where(column.like(f"%{huge}%"))).all() == []
        assert connection.execute(select(func.count()).where(log.c.data.like('%"n":1e%30,%'))).scalar_one() == rows


def test_a_migration_that_finds_nothing_reads_no_table_in_one_statement(engine: Engine) -> None:
    rows = 2_200
    with engine.begin() as connection:
        upgrade(connection, "0009")
        event = {"type": "MessagesRead", "conversation_id": "c", "at_ms": 0, "data": "{}"}
        connection.execute(insert(log), [{"pos": pos * 3, **event} for pos in range(rows)])
        answer = {"command_hash": 0, "result": "{}", "expires_ms": 0}
        keys = [
            {"user_id": f"u{number % 7}", "route": f"r{number % 11}", "key": f"k{number}"} for number in range(rows)
        ]
        connection.execute(insert(answers), [key | answer for key in keys])
    read: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        read.extend(
            name for name in ("log.data", "answers.result") if statement.startswith("SELECT") and name in statement
        )

    event_api.listen(engine, "before_cursor_execute", note)
    migrate(engine)
    assert (read.count("log.data"), read.count("answers.result")) == (5, 5)


def test_a_migration_that_stopped_between_two_versions_continues(engine: Engine) -> None:
    with engine.begin() as connection:
        upgrade(connection, "0007")
        connection.execute(text("ALTER TABLE answers RENAME TO elsewhere"))
    with pytest.raises(DatabaseError, match="answers"):
        migrate(engine)
    assert revision_of(engine) == "0009"
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO answers"))
    migrate(engine)
    assert revision_of(engine) == newest_revision()


def test_a_migration_may_take_long_and_be_waited_for(
    postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = {"lock_timeout": "100", "statement_timeout": "100"}
    monkeypatch.setattr(session, "SESSION_SETTINGS", {**session.SESSION_SETTINGS, **short})
    name = postgresql.create()
    first, second = (may_pause(writing_engine(postgresql.url_of(name))) for _ in range(2))
    with first.begin() as connection:
        upgrade(connection, "0009")
        slow = "BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END"
        connection.execute(text(f"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $${slow}$$"))
        trigger = "CREATE TRIGGER slow BEFORE UPDATE ON offers FOR EACH STATEMENT EXECUTE FUNCTION slow()"
        connection.execute(text(trigger))
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(migrate, engine) for engine in (first, second)]:
            done.result()
    assert revision_of(first) == newest_revision()
    for engine in (first, second):
        with engine.connect() as connection:
            assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "100ms"
        engine.dispose()
    postgresql.drop(name)


@pytest.mark.parametrize("before", [None, "0053"])
def test_a_slow_machine_may_pause_between_the_statements_of_a_migration(
    postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    name = postgresql.create()
    engine = writing_engine(postgresql.url_of(name))
    if before is not None:
        with engine.begin() as connection:
            upgrade(connection, before)
    event_api.listen(engine.pool, "connect", _end_idle_transactions_soon)
    engine.dispose()
    monkeypatch.setattr(migrations_module, "refuse_unfinished", lambda _connection: block(0.3))
    migrate(engine)
    assert revision_of(engine) == newest_revision()
    engine.dispose()
    postgresql.drop(name)


def _end_idle_transactions_soon(connection: psycopg.Connection, _record: object) -> None:
    connection.execute("SET idle_in_transaction_session_timeout = 100")
    connection.commit()


@pytest.mark.parametrize("reason", ["lock timeout", "deadlock"])
def test_a_migration_that_does_not_get_its_locks_is_tried_again(
    postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """A reader has locked the table that the migration changes second, and then needs the first one as well."""
    limit = {"lock_timeout": "200" if reason == "lock timeout" else "0"}
    monkeypatch.setattr(session, "SESSION_SETTINGS", {**session.SESSION_SETTINGS, **limit})
    monkeypatch.setattr(migrations_module, "_RETRY_PAUSE_S", 0.05)
    name = postgresql.create()
    engine, reading = may_pause(writing_engine(postgresql.url_of(name))), create_engine(postgresql.url_of(name))
    with engine.begin() as connection:
        upgrade(connection, "0025")
    with ThreadPoolExecutor(1) as threads, capture_logs() as logs:
        with reading.begin() as reader:
            reader.execute(text("LOCK TABLE invitations IN ACCESS SHARE MODE"))
            migrating = threads.submit(migrate, engine)
            if reason == "deadlock":
                _wait_for_waiting(reading)
                reader.execute(text("SET LOCAL deadlock_timeout = '60s'"))
                reader.execute(text("LOCK TABLE accounts IN ACCESS SHARE MODE"))
            wait_until(lambda: bool(logs))
        migrating.result()
    assert {log["event"] for log in logs} == {"migration_postponed"}
    assert reason in str(logs[0]["error"])
    assert revision_of(engine) == newest_revision()
    for each in (engine, reading):
        each.dispose()
    postgresql.drop(name)


def test_a_migration_locks_no_table_that_a_batch_may_still_need(postgresql: PostgresServer) -> None:
    """A node has begun a batch: it has the log's head and a table that the migration changes, and needs another one."""
    name = postgresql.create()
    engine, node = writing_engine(postgresql.url_of(name)), create_engine(postgresql.url_of(name))
    with engine.begin() as connection:
        upgrade(connection, "0025")
    with ThreadPoolExecutor(1) as threads, capture_logs() as logs:
        with node.begin() as batch:
            batch.execute(select(log_head).with_for_update())
            batch.execute(text("LOCK TABLE invitations IN ROW EXCLUSIVE MODE"))
            migrating = threads.submit(migrate, engine)
            _wait_for_waiting(node)
            batch.execute(text("LOCK TABLE accounts IN ROW EXCLUSIVE MODE NOWAIT"))
        migrating.result()
    assert logs == []
    assert revision_of(engine) == newest_revision()
    for each in (engine, node):
        each.dispose()
    postgresql.drop(name)


def _wait_for_waiting(engine: Engine) -> None:
    """Waits until a transaction of the engine's database waits for a table's lock."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        waiting = text(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_locks.database = pg_database.oid "
            "WHERE NOT granted AND relation IS NOT NULL AND datname = current_database()"
        )
        wait_until(lambda: connection.execute(waiting).scalar_one() > 0)


def test_a_migration_gives_up_at_last(postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "SESSION_SETTINGS", {**session.SESSION_SETTINGS, "lock_timeout": "50"})
    monkeypatch.setattr(migrations_module, "_RETRY_PAUSE_S", 0)
    name = postgresql.create()
    engine, reading = may_pause(writing_engine(postgresql.url_of(name))), create_engine(postgresql.url_of(name))
    with engine.begin() as connection:
        upgrade(connection, "0025")
    with reading.begin() as reader, capture_logs() as logs:
        reader.execute(text("LOCK TABLE invitations IN ACCESS SHARE MODE"))
        with pytest.raises(OperationalError, match="lock timeout"):
            migrate(engine)
    assert len(logs) == LOCK_TRIES - 1
    assert revision_of(engine) == "0025"
    for each in (engine, reading):
        each.dispose()
    postgresql.drop(name)


def test_a_migration_may_pause_between_statements(postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, Python may need seconds between two statements."""
    monkeypatch.setattr(engine_module, "_WRITER_IDLE_MS", 100)
    name = postgresql.create()
    engine = writing_engine(postgresql.url_of(name))
    with engine.begin() as connection:
        upgrade(connection, "0001")
        block(0.5)
        upgrade(connection)
    assert revision_of(engine) == newest_revision()
    engine.dispose()
    postgresql.drop(name)


def test_members_with_a_limited_history_learn_at_which_position_it_began(engine: Engine) -> None:
    """For members who see everything, nothing is recorded."""
    with engine.begin() as connection:
        upgrade(connection, "0007")
        for user_id, history_seq, spans in (
            ("alice", 0, ((1, None),)),
            ("bob", 3, ((2, 5), (9, None))),
            ("carol", 4, ((7, None),)),
        ):
            member = {"user_id": user_id, "history_seq": history_seq}
            connection.execute(
                text(
                    "INSERT INTO members (conversation_id, user_id, role, joined_ms, history_seq) "
                    "VALUES ('c', :user_id, 'member', 0, :history_seq)"
                ),
                member,
            )
            for from_pos, to_pos in spans:
                connection.execute(
                    text(
                        "INSERT INTO spans (user_id, conversation_id, from_pos, to_pos, history_seq) "
                        "VALUES (:user_id, 'c', :from_pos, :to_pos, :history_seq)"
                    ),
                    member | {"from_pos": from_pos, "to_pos": to_pos},
                )
        upgrade(connection, "0008")
        found = connection.execute(text("SELECT user_id, history_pos FROM members ORDER BY user_id")).all()
        ended = connection.execute(text("SELECT history_pos FROM spans WHERE user_id = 'bob' ORDER BY from_pos"))
        assert ended.scalars().all() == [2, 9]
    assert [tuple(row) for row in found] == [("alice", 0), ("bob", 9), ("carol", 7)]


class _Column(NamedTuple):
    kind: str
    must_be_given: bool


def _columns(engine: Engine) -> Mapping[tuple[str, str], _Column]:
    """Returns by (table, column) the type, and whether an INSERT has to set the column."""
    found = inspect(engine)
    return {
        (table, column["name"]): _Column(str(column["type"]), not column["nullable"] and column["default"] is None)
        for (_, table), columns in found.get_multi_columns().items()
        for column in columns
    }


def test_files_of_earlier_messages_are_sorted_by_kind(engine: Engine) -> None:
    kinds = {
        "photo": ("image/png", 3),
        "scan": ("image/tiff", None),
        "film": ("video/mp4", None),
        "song": ("audio/ogg", None),
    }
    with engine.begin() as connection:
        upgrade(connection, "0017")
        common = {"owner_id": "alice", "name": "a", "size": 1, "digest": "d", "upload_length": 1, "created_ms": 0}
        for name, (content_type, width) in kinds.items():
            connection.execute(
                text(
                    "INSERT INTO files"
                    " (id, content_type, width, owner_id, name, size, digest, upload_length, created_ms) VALUES"
                    " (:id, :type, :width, :owner_id, :name, :size, :digest, :upload_length, :created_ms)"
                ),
                {**common, "id": name, "type": content_type, "width": width},
            )
        for number, name in enumerate((*kinds, "gone")):
            connection.execute(
                text("INSERT INTO file_links (file_id, message_id, conversation_id, seq) VALUES (:id, :n, 'c', :n)"),
                {"id": name, "n": number},
            )
        upgrade(connection)
        found = {row.file_id: row.kind for row in connection.execute(select(file_links))}
        animated = connection.execute(select(files.c.animated)).scalars().all()
    assert found == {"photo": "media", "scan": "file", "film": "media", "song": "audio", "gone": "file"}
    assert animated == [False] * 4


def test_conversations_with_offers_learn_where_the_newest_is(engine: Engine) -> None:
    with engine.begin() as connection:
        upgrade(connection, "0022-1")
        conversation = "INSERT INTO conversations (id, kind, member_count, last_seq, last_pos, created_ms, updated_ms) "
        for name in ("offered", "silent"):
            connection.execute(text(f"{conversation} VALUES ('{name}', 'group', 1, 0, 0, 0, 0)"))
        for pos in (7, 9, 8):
            connection.execute(
                text(
                    "INSERT INTO offers (id, conversation_id, author_id, title, amount, currency, status, created_ms, "
                    "updated_ms) VALUES (:id, 'offered', 'alice', 'a', 1, 'EUR', 'pending', 0, 0)"
                ),
                {"id": id_at(pos)},
            )
        upgrade(connection, "0022")
        found = connection.execute(text("SELECT id, offer_pos FROM conversations ORDER BY id")).all()
    assert [tuple(row) for row in found] == [("offered", 9), ("silent", 0)]


def test_earlier_counter_offers_and_reports_learn_whose_texts_they_have(engine: Engine) -> None:
    """Alice's offer is countered by Bob with both texts, and that by Carol with a title of her own."""
    texts = [(1, "alice", "Lamp", None), (2, "bob", "Lamp", 1), (3, "carol", "Big lamp", 2)]
    with engine.begin() as connection:
        upgrade(connection, "0035")
        for pos, author, title, counter_of in texts:
            offer = {
                "id": id_at(pos),
                "conversation_id": "c",
                "author_id": author,
                "title": title,
                "description": "red",
                "counter_of": None if counter_of is None else id_at(counter_of),
            }
            connection.execute(
                text(
                    "INSERT INTO offers (id, conversation_id, author_id, title, description, counter_of, amount, "
                    "currency, status, created_ms, updated_ms) VALUES (:id, :conversation_id, :author_id, :title, "
                    ":description, :counter_of, 1, 'EUR', 'pending', 0, 0)"
                ),
                offer,
            )
            _append(connection, pos, "OfferCreated", offer=offer)
            _append(connection, pos + 10, "OfferUpdated", offer=offer)
        origin = {"forwarded_from": {"id": 5, "sender_id": "alice"}}
        connection.execute(
            text(
                "INSERT INTO messages (id, conversation_id, seq, sender_id, content, created_ms, extra) "
                "VALUES (6, 'c', 1, 'bob', 'hello', 0, :extra)"
            ),
            {"extra": json.dumps(origin)},
        )
        for pos, subject in ((30, 6), (31, id_at(3))):
            report = {"id": own_id_at(pos), "message_id": subject, "content": "hello"}
            connection.execute(
                text(
                    "INSERT INTO reports (id, message_id, conversation_id, author_id, reporter_id, reason, created_ms, "
                    "state, content) VALUES (:id, :message_id, 'c', 'bob', 'carol', 'spam', 0, 'open', :content)"
                ),
                report,
            )
            _append(connection, pos, "ReportCreated", report=report)
        upgrade(connection, "0036")
        found = connection.execute(text("SELECT title_by, description_by FROM offers ORDER BY id")).all()
        copied = connection.execute(text("SELECT copied_from FROM reports ORDER BY id")).scalars().all()
        events = [json.loads(data) for data in connection.execute(select(log.c.data).order_by(log.c.pos)).scalars()]
    writers = [(None, None), ("alice", "alice"), (None, "alice")]
    assert [tuple(row) for row in found] == writers
    assert copied == ['["alice"]'] * 2
    of_offers = [event["offer"] for event in events if "offer" in event]
    assert [(each.get("title_by"), each.get("description_by")) for each in of_offers] == writers * 2
    assert [event["report"]["copied_from"] for event in events if "report" in event] == [["alice"]] * 2


def test_existing_names_are_found_without_accents(engine: Engine) -> None:
    group = "INSERT INTO conversations (id, kind, name, folded_name, member_count, last_seq, last_pos, created_ms, "
    with engine.begin() as connection:
        upgrade(connection, "0038")
        connection.execute(
            text(
                "INSERT INTO users (id, name, folded_name, banned, created_ms) VALUES "
                "('anna', 'Anna Jos\u00e9-Mar\u00eda', 'anna jos\u00e9-mar\u00eda', false, 0), "
                "('bo', 'Bo', 'bo', true, 0)"
            )
        )
        connection.execute(
            text(f"{group} updated_ms) VALUES ('c', 'group', 'Das Caf\u00e9', 'das caf\u00e9', 1, 0, 0, 0, 0)")
        )
        connection.execute(text("INSERT INTO name_parts (kind, folded_part, id) VALUES ('user', 'jos\u00e9', 'anna')"))
        upgrade(connection, "0039")
        names = connection.execute(select(users.c.folded_name, users.c.search_name).order_by(users.c.id)).all()
        folded = connection.execute(select(conversations.c.folded_name)).scalar_one()
        parts = connection.execute(select(name_parts).order_by(name_parts.c.folded_part)).all()
    assert [tuple(row) for row in names] == [("anna jos\u00e9-mar\u00eda", "anna jose maria"), ("bo", "bo")]
    assert folded == "das cafe"
    assert [tuple(row) for row in parts] == [
        ("group", "cafe", "c"),
        ("user", "jose maria", "anna"),
        ("user", "maria", "anna"),
    ]


def test_existing_users_are_people(engine: Engine) -> None:
    with engine.begin() as connection:
        upgrade(connection, "0039")
        insert = "INSERT INTO users (id, name, folded_name, banned, created_ms) VALUES "
        connection.execute(text(f"{insert} ('anna', 'Anna', 'anna', false, 0), ('bo', 'Bo', 'bo', true, 0)"))
        upgrade(connection, "0040")
        found = connection.execute(select(users.c.id, users.c.kind, users.c.owner_id).order_by(users.c.id)).all()
        # A node of the version before still adds users.
        connection.execute(text(f"{insert} ('carl', 'Carl', 'carl', false, 0)"))
        added = connection.execute(select(users.c.kind).where(users.c.id == "carl")).scalar_one()
    assert [tuple(row) for row in found] == [("anna", "person", None), ("bo", "person", None)]
    assert added == "person"


def test_offers_bans_and_mutes_with_an_end_get_timers(engine: Engine) -> None:
    with engine.begin() as connection:
        upgrade(connection, "0044")
        for id_, status, expires_ms in ((1, "pending", 10), (2, "pending", None), (3, "accepted", 30)):
            row = {"id": id_, "conversation_id": "c", "author_id": "anna", "title": "Car", "amount": 1}
            rest = {"currency": "EUR", "status": status, "expires_ms": expires_ms, "created_ms": 0, "updated_ms": 0}
            connection.execute(insert(offers), row | rest)
        for user_id, banned, until_ms in (("anna", False, None), ("bo", True, 40), ("carl", True, None)):
            row = {"id": user_id, "name": user_id, "banned": banned, "ban_until_ms": until_ms, "created_ms": 0}
            connection.execute(insert(users), row)
        for kind, user_id, until_ms in (("mute", "bo", 50), ("ban", "bo", 60), ("mute", "carl", FOR_EVER_MS)):
            row = {"conversation_id": "c", "user_id": user_id, "kind": kind, "until_ms": until_ms, "by": "anna"}
            connection.execute(insert(restrictions), row)
        upgrade(connection, "0045")
        found = connection.execute(select(timers).order_by(timers.c.due_ms)).all()
    assert [tuple(row) for row in found] == [
        ("offer", "1", 10),
        ("ban", "bo", 40),
        ("mute", "c/bo", 50),
        ("conversation-ban", "c/bo", 60),
    ]


def test_existing_messages_in_arabic_script_are_found_from_each_keyboard(engine: Engine) -> None:
    extra = json.dumps({"attachments": [{"url": "/a", "name": "\u06a9\u062a\u0627\u0628.pdf"}]}, ensure_ascii=False)
    written = {
        1: ("\u0639\u0644\u06cc hello", None, None),
        2: ("hello", extra, None),
        3: ("hello", None, None),
        4: ("\u0639\u0644\u06cc", None, 0),
    }
    with engine.begin() as connection:
        upgrade(connection, "0038")
        for id_, (content, extra_, deleted_ms) in written.items():
            connection.execute(
                text(
                    "INSERT INTO messages (id, conversation_id, seq, sender_id, content, created_ms, extra, "
                    "deleted_ms) VALUES (:id, 'c', :id, 'bob', :content, 0, :extra, :deleted_ms)"
                ),
                {"id": id_, "content": content, "extra": extra_, "deleted_ms": deleted_ms},
            )
        words = WordTable(engine.dialect)
        words.put(connection, {id_: ["as", "before"] for id_ in written if id_ != 4})
        upgrade(connection, "0039")
        found = {}
        for word in ("\u0639\u0644\u064a", "\u0643\u062a\u0627\u0628", "before"):
            query, parameters = words.candidate_ids(Wanted([[word], [label_of("c"), "as"]], []))
            found[word] = connection.execute(query, parameters).scalars().all()
    assert list(found.values()) == [[1], [2], [3]]


def _append(connection: Connection, pos: int, kind: str, **data: object) -> None:
    event = {"pos": pos, "type": kind, "conversation_id": "c", "at_ms": 0, "data": json.dumps(data)}
    connection.execute(insert(log), event)


@pytest.mark.parametrize("name", ["100%", "a%20b", "%(here)s", "#1?", "a:b"])
def test_migrations_are_found_wherever_the_package_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    newest = newest_revision()
    folder = tmp_path / name
    folder.symlink_to(Path(migrations_module.__file__).parent)
    monkeypatch.setattr(migrations_module, "__file__", str(folder / "__init__.py"))
    migrations_module._scripts.cache_clear()
    try:
        assert newest_revision() == newest
    finally:
        migrations_module._scripts.cache_clear()
