"""PostgreSQL sessions have the settings that durability and locks need, whatever the database's own defaults are."""

from __future__ import annotations

import pwd

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import Engine, select, text, update

from talkwire.bus.postgresql import OWN_PARAMETERS, PostgresTransport
from talkwire.storage.conninfo import with_own
from talkwire.storage.engine import parameters_of, reading_engine, writing_engine
from talkwire.storage.schema import log_head
from talkwire.storage.session import UnsuitableDatabaseError, refuse_unsuitable
from talkwire.storage.sql import pipeline
from talkwire.storage.transfer.errors import TargetError
from talkwire.storage.transfer.source import opened_source, with_long_timeouts
from talkwire.storage.transfer.target import opened_target
from tests.databases import Database, may_pause
from tests.waiting import DEADLINE_S

_DEFAULTS = {
    "synchronous_commit": "off",
    "lock_timeout": "1h",
    "statement_timeout": "1h",
    "idle_in_transaction_session_timeout": "1h",
    "idle_session_timeout": "1h",
    "transaction_timeout": "1h",
    "default_transaction_isolation": "serializable",
}

_WRITER = {
    "synchronous_commit": "on",
    "lock_timeout": "10s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "2s",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "transaction_isolation": "read committed",
}
_READER = {**_WRITER, "idle_in_transaction_session_timeout": "8s", "transaction_isolation": "repeatable read"}
_LONG = {**_READER, "statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}


@pytest.fixture
def with_defaults(postgresql_database: Database) -> Database:
    """A database whose own defaults are those above."""
    _set_defaults(postgresql_database, _DEFAULTS)
    return postgresql_database


def _set_defaults(database: Database, defaults: dict[str, str]) -> None:
    with psycopg.connect(_conninfo(database), autocommit=True) as connection:
        name = Identifier(database.url.database or "")
        for setting, value in defaults.items():
            change = SQL("ALTER DATABASE {} SET {} = {}").format(name, Identifier(setting), Literal(value))
            connection.execute(change)


def _conninfo(database: Database) -> str:
    return database.url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.mark.parametrize("kind", ["writer", "reader", "transfer"])
def test_a_session_does_not_depend_on_the_defaults(with_defaults: Database, kind: str) -> None:
    url = with_defaults.url
    engine, wanted = {
        "writer": (writing_engine(url), _WRITER),
        "reader": (reading_engine(url, 1), _READER),
        "transfer": (with_long_timeouts(reading_engine(url, 1)), _LONG),
    }[kind]
    assert _settings(engine, wanted) == wanted
    engine.dispose()


def _settings(engine: Engine, names: dict[str, str]) -> dict[str, object]:
    with engine.connect() as connection:
        return {name: connection.execute(text(f"SHOW {name}")).scalar_one() for name in names}


async def test_the_bus_does_not_depend_on_the_defaults(with_defaults: Database) -> None:
    wanted = {"synchronous_commit": "off", "lock_timeout": "1s", "statement_timeout": "5s"}
    wanted |= {"idle_session_timeout": "0", "transaction_timeout": "0"}
    parameters = with_own(parameters_of(with_defaults.url), OWN_PARAMETERS)
    connection = await PostgresTransport(parameters, DEADLINE_S, "log")._connect()
    found = {}
    for name in wanted:
        row = await (await connection.execute(f"SHOW {name}".encode())).fetchone()
        found[name] = row and row[0]
    await connection.close()
    assert found == wanted


def test_a_writer_that_waited_for_another_is_not_refused(with_defaults: Database) -> None:
    """A serializable transaction would fail, since another one has changed the row that it has read."""
    first, second = may_pause(writing_engine(with_defaults.url)), may_pause(writing_engine(with_defaults.url))
    with first.begin() as one, second.begin() as other:
        for connection in (one, other):
            pipeline.execute(connection, "SELECT count(*) FROM users")
        one.execute(update(log_head).values(pos=1))
        one.commit()
        other.execute(select(log_head).with_for_update())
        other.execute(update(log_head).values(pos=2))
    first.dispose()
    second.dispose()


def test_an_unsuitable_database_is_no_target_of_a_copy_and_can_be_its_source(postgresql_database: Database) -> None:
    url = postgresql_database.url
    _set_defaults(postgresql_database, {"default_transaction_read_only": "on"})
    with pytest.raises(TargetError, match="read-only"), opened_target(url):
        pass
    with opened_source(url) as source:
        assert source.head.pos == 0


@pytest.fixture
def without_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process runs as a user id that no account has, as containers may."""

    def fail(uid: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", fail)


@pytest.mark.usefixtures("without_account")
def test_a_user_without_a_home_folder_looks_at_a_database(postgresql_database: Database) -> None:
    options = {"options": "-c default_transaction_read_only=on"}
    suitable = writing_engine(postgresql_database.url)
    read_only = writing_engine(postgresql_database.url.update_query_dict(options))
    refuse_unsuitable(suitable, changes_tables=True)
    with pytest.raises(UnsuitableDatabaseError, match="read-only"):
        refuse_unsuitable(read_only, changes_tables=True)
    suitable.dispose()
    read_only.dispose()
