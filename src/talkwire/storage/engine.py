"""Creates the SQLAlchemy engines for SQLite and PostgreSQL. Their settings ensure that a commit is on disk, and that a
node that stalls holds no lock for long."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from talkwire.storage import conninfo, session

BUSY_TIMEOUT_MS = 10_000
"""Longest time that a SQLite connection waits for a lock that another process holds, in milliseconds."""

_BUSY_PAUSE_S = 0.01

_WRITER_IDLE_MS = 2_000
"""Milliseconds after which PostgreSQL ends the idle transaction of a writer. All other nodes wait for its locks."""

_READER_IDLE_MS = 8_000
"""Milliseconds after which PostgreSQL ends an idle read-only transaction. Only migrations wait for its locks, and they
wait for longer than this."""

_CANCEL_S = 2.0
"""Longest time that PostgreSQL may take to accept that a statement is cancelled, in seconds."""


_DRIVER = "postgresql+psycopg"
_ON_POSTGRESQL = re.compile(r"postgres(ql)?(\+\w+)?://")


def database_url(text: str) -> URL:
    """Parses a database URL (`postgresql://…`, `postgres://…` or `sqlite:///path`) and returns it with the driver that
    Talkwire uses. Raises ValueError for any other text, also for SQLite in memory, and ModuleNotFoundError without
    PostgreSQL's driver."""
    if _ON_POSTGRESQL.match(text):
        return _postgresql_url(conninfo.parse(text))
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("not a database URL: expected postgresql://… or sqlite:///path") from None
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise ValueError("not a database we know: expected postgresql://… or sqlite:///path")
    return url.set(drivername="sqlite")


def sqlite_url(path: Path) -> URL:
    """Returns the SQLAlchemy URL of a SQLite file."""
    return URL.create("sqlite", database=str(path))


def parameters_of(url: URL) -> dict[str, str]:
    """Returns libpq's connection parameters in the URL of a PostgreSQL database."""
    parts = {"user": url.username, "password": url.password, "host": url.host, "port": url.port, "dbname": url.database}
    given = {name: ",".join(values) for name, values in url.normalized_query.items()}
    return given | {name: str(value) for name, value in parts.items() if value is not None}


def _postgresql_url(parameters: dict[str, str]) -> URL:
    others = {name: value for name, value in parameters.items() if name not in {"user", "password", "dbname"}}
    return URL.create(
        _DRIVER, parameters.get("user"), parameters.get("password"), database=parameters.get("dbname"), query=others
    )


def writing_engine(url: URL) -> Engine:
    """Returns an engine with a single connection that writes. A transaction on SQLite begins by locking the database
    against other writers; PostgreSQL ends a transaction that is idle for longer than two seconds."""
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, begin="BEGIN IMMEDIATE", size=1, writes=True)
    from talkwire.storage.sql import pipeline  # noqa: PLC0415 (needs the package of an extra)

    engine = _postgresql_engine(url, 1, _WRITER_IDLE_MS)
    event.listen(engine, "rollback", pipeline.roll_back)
    return engine


def reading_engine(url: URL, size: int) -> Engine:
    """Returns an engine with `size` read-only connections. Each transaction reads from one consistent snapshot."""
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, begin="BEGIN", size=size, writes=False)
    return _postgresql_engine(url, size, _READER_IDLE_MS).execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )


def interrupt(connection: Connection) -> None:
    """Ends the statement that another thread executes on a connection, which raises an error there. Does nothing if no
    statement is executed. On PostgreSQL it may also end the next statement."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.interrupt()
        return
    from psycopg import Error  # noqa: PLC0415 (needs the package of an extra)

    with suppress(Error, OSError):  # the statement then runs up to its own time limit
        driver.cancel_safe(timeout=_CANCEL_S)


def _sqlite_engine(url: URL, *, begin: str, size: int, writes: bool) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,  # errors are logged, what people write is not
        connect_args={"check_same_thread": False},
    )

    if writes:
        event.listen(engine, "do_connect", lambda *_: _create_private(Path(url.database or "")))

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:  # noqa: ANN401 (a driver's connection)
        # The driver would begin transactions by itself, and too late; `start` below does it.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        # Lists the words of the search index; it belongs to the connection, and the file does not change.
        cursor.execute("CREATE VIRTUAL TABLE temp.message_vocabulary USING fts5vocab (main, message_words, instance)")
        if writes:
            _use_wal(cursor)
            # Debian's SQLite does it anyway. It costs next to nothing: a send deletes no row.
            cursor.execute("PRAGMA secure_delete=ON")
            cursor.execute("PRAGMA synchronous=FULL")
        else:
            cursor.execute("PRAGMA query_only=ON")
            # SQLite before 3.51.3 can corrupt a WAL that two connections checkpoint at once.
            cursor.execute("PRAGMA wal_autocheckpoint=0")
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:  # noqa: ANN401 (SQLAlchemy's event)
        connection.exec_driver_sql(begin)

    return engine


def _create_private(path: Path) -> None:
    """Creates a new, empty database file that only its owner can read; SQLite gives its WAL files the same mode. Does
    nothing if the file exists or cannot be created."""
    with suppress(OSError):  # the file exists, or SQLite reports why it cannot be created
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Sets SQLite's WAL mode, and retries for up to BUSY_TIMEOUT_MS while the file is busy: if several connections open
    a new file at once, SQLite reports an error to all but one without waiting."""
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_BUSY_PAUSE_S)
        else:
            return


def _postgresql_engine(url: URL, size: int, idle_ms: int) -> Engine:
    own = {
        "connect_timeout": "5",
        "tcp_user_timeout": "5000",
        # `tcp_user_timeout` is for data that was sent. Keepalives notice a dead machine while waiting for an answer.
        "keepalives_idle": "5",
        "keepalives_interval": "2",
        "keepalives_count": "3",
        "fallback_application_name": "talkwire",
    }
    engine = create_engine(
        URL.create(_DRIVER),  # SQLAlchemy reads several hosts otherwise than libpq
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,
        pool_pre_ping=True,
        connect_args=conninfo.with_own(parameters_of(url), own),
    )
    event.listen(engine, "connect", lambda connection, _: session.prepare(connection, idle_ms))
    return engine
