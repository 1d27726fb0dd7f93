"""How connections are set up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from talkwire.storage.engine import database_url, reading_engine, sqlite_url, writing_engine
from talkwire.storage.messages import messages, threads
from talkwire.storage.schema import log_head, users
from talkwire.storage.sql.keys import keys_parameter
from tests.databases import Database, may_pause


def _pragma(engine: Engine, name: str) -> object:
    with engine.connect() as connection:
        return connection.execute(text(f"PRAGMA {name}")).scalar_one()


def test_a_sqlite_writer_waits_for_the_disk_at_each_commit(sqlite_database: Database) -> None:
    engine = writing_engine(sqlite_database.url)
    assert _pragma(engine, "journal_mode") == "wal"
    assert _pragma(engine, "synchronous") == 2
    assert _pragma(engine, "wal_autocheckpoint") == 1000
    engine.dispose()


def test_processes_that_open_a_new_sqlite_file_at_once_wait_for_each_other(tmp_path: Path) -> None:
    for number in range(100):
        url = sqlite_url(tmp_path / f"{number}.db")
        together = Barrier(8)
        with ThreadPoolExecutor(8) as threads:
            # Without waiting, one thread in two hundred is refused.
            modes = list(threads.map(partial(_mode_of_new, url, together), range(8)))
        assert modes == ["wal"] * 8


def _mode_of_new(url: URL, together: Barrier, _: int) -> object:
    engine = writing_engine(url)
    together.wait()
    try:
        return _pragma(engine, "journal_mode")
    finally:
        engine.dispose()


def test_sqlite_readers_neither_write_nor_checkpoint(sqlite_database: Database) -> None:
    writing, reading = writing_engine(sqlite_database.url), reading_engine(sqlite_database.url, 2)
    with writing.begin() as connection:
        connection.execute(text("UPDATE log_head SET pos = 1"))
    assert _pragma(reading, "wal_autocheckpoint") == 0
    assert _pragma(reading, "query_only") == 1
    assert _pragma(reading, "journal_mode") == "wal"
    reading.dispose()
    writing.dispose()


def test_postgresql_answers_a_commit_when_it_is_on_disk_and_holds_no_lock_for_the_absent(
    postgresql_database: Database,
) -> None:
    url = postgresql_database.url
    for engine, idle in ((writing_engine(url), "2s"), (reading_engine(url, 1), "8s")):
        with engine.connect() as connection:
            settings = {
                name: connection.execute(text(f"SHOW {name}")).scalar_one()
                for name in ("synchronous_commit", "idle_in_transaction_session_timeout", "lock_timeout")
            }
        assert settings == {
            "synchronous_commit": "on",
            "idle_in_transaction_session_timeout": idle,
            "lock_timeout": "10s",
        }
        engine.dispose()


def test_a_query_to_a_lost_postgresql_machine_fails_within_seconds(
    postgresql_database: Database,
) -> None:
    engine = writing_engine(postgresql_database.url)
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        parameters = driver.info.get_parameters()
    engine.dispose()
    idle, interval, count = (int(parameters[f"keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert idle + interval * count < 15


def test_readers_cannot_write(database: Database) -> None:
    engine = may_pause(reading_engine(database.url, 1))
    with pytest.raises(DBAPIError, match=r"read.?only"), engine.begin() as connection:
        connection.execute(text("UPDATE log_head SET pos = 1"))
    engine.dispose()


def test_a_reader_sees_one_moment(database: Database) -> None:
    writing, reading = may_pause(writing_engine(database.url)), may_pause(reading_engine(database.url, 1))
    with reading.begin() as connection:
        before = connection.execute(select(log_head.c.pos)).scalar_one()
        with writing.begin() as other:
            other.execute(text("UPDATE log_head SET pos = 77"))
        assert connection.execute(select(log_head.c.pos)).scalar_one() == before
    with reading.begin() as connection:
        assert connection.execute(select(log_head.c.pos)).scalar_one() == 77
    reading.dispose()
    writing.dispose()


def test_an_error_does_not_tell_what_was_written(database: Database) -> None:
    engine = may_pause(writing_engine(database.url))
    row = {"id": "alice", "name": "a secret", "banned": False, "created_ms": 0}
    with engine.connect() as connection:
        connection.execute(insert(users), row)
        with pytest.raises(DBAPIError) as refused:
            connection.execute(insert(users), row)
    assert "a secret" not in str(refused.value)
    engine.dispose()


def test_an_earlier_message_is_found_by_its_index(sqlite_database: Database) -> None:
    engine = writing_engine(sqlite_database.url)
    statement = messages._sent.compile(engine)
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {statement}", tuple(keys_parameter([("c", "alice", "m1")]).values())
        ).all()
    steps = [row[3] for row in plan]
    assert any("uq_messages_client_message_id" in step for step in steps), steps
    assert not any(step.startswith(("SCAN messages", "SCAN users")) for step in steps), steps
    engine.dispose()


@pytest.mark.parametrize("name", ["_followed", "_followed_unread", "_followers", "_newest_replies"])
def test_threads_are_found_by_their_indexes(sqlite_database: Database, name: str) -> None:
    engine = writing_engine(sqlite_database.url)
    statement = getattr(threads, name).compile(engine)
    values = {"of_user": "alice", **keys_parameter([("1",)])}
    with engine.connect() as connection:
        given = {**statement.params, **values}
        places = tuple(given[name] for name in statement.positiontup)
        steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", places)]
    assert any("ix_messages_thread" in step for step in steps), steps
    # Only the parameter with the keys, and the limited rows of a count, are read from start to end.
    assert not [step for step in steps if step.startswith("SCAN") and step.split()[1] not in {"keys", "unread"}], steps
    engine.dispose()


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("postgresql://u:p@host:5432/db", "postgresql+psycopg"),
        ("postgres://host/db", "postgresql+psycopg"),
        ("postgresql+asyncpg://host/db", "postgresql+psycopg"),
        ("sqlite:///chat.db", "sqlite"),
        ("sqlite:////var/lib/chat.db", "sqlite"),
        ("sqlite+aiosqlite:///chat.db", "sqlite"),
    ],
)
def test_a_database_is_named_as_in_other_programs(text: str, driver: str) -> None:
    assert database_url(text).drivername == driver


@pytest.mark.parametrize("text", ["", "chat.db", "mysql://host/db", "sqlite://", "sqlite:///:memory:", "://"])
def test_an_unsupported_database_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a database"):
        database_url(text)


def test_a_path_with_odd_characters_stays_what_it_is(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("a b%20?c#d") / "chat.db"
    engine = writing_engine(sqlite_url(path))
    engine.connect().close()
    engine.dispose()
    assert path.exists()


def test_what_the_address_of_postgresql_says_counts(postgresql_database: Database) -> None:
    options = "-c search_path=chat,public -c lock_timeout=1"
    given = {"options": options, "application_name": "a b", "keepalives_idle": "7"}
    url = postgresql_database.url.update_query_dict(given)
    for engine in (writing_engine(url), reading_engine(url, 1)):
        with engine.connect() as connection:
            shown = [connection.execute(text(f"SHOW {name}")).scalar_one() for name in _SHOWN]
            driver = connection.connection.driver_connection
            assert driver is not None
            parameters = driver.info.get_parameters()
        engine.dispose()
        # Talkwire makes its own settings after connecting.
        assert shown == ["chat,public", "10s", "a b", "UTF8"]
        assert (parameters["keepalives_idle"], parameters["keepalives_count"]) == ("7", "3")


_SHOWN = ("search_path", "lock_timeout", "application_name", "client_encoding")
