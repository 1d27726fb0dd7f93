"""Statements that PostgreSQL receives together, in one round trip: libpq's pipeline mode.

A batch of commands takes two round trips: BEGIN with the lock of the log's head, and the writes with COMMIT. The
statements go to libpq without SQLAlchemy and the driver's cursors, which takes the writer's thread 20 instead of 30 µs
for each message of a batch of 50 (docs/decisions/0049-a-batch-in-two-round-trips.md). Other statements of the
transaction still go over SQLAlchemy: both share the connection.
"""

from __future__ import annotations

import select
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple, NoReturn
from weakref import WeakKeyDictionary

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from sqlalchemy import Connection, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

Row = tuple[bytes | None, ...]
"""Values of a row as PostgreSQL sends them: texts in UTF-8."""

PREPARED_STATEMENTS_MAX = 100
"""Most statements that a connection keeps prepared. A batch needs few different texts; further ones are sent
unprepared."""

_OK = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)

_numbers = count(1)


class Statement(NamedTuple):
    """A PostgreSQL statement as text with parameters `$1`, `$2`, …, and the parameters' values."""

    text: str
    values: Sequence[bytes] = ()


_BEGIN = Statement("BEGIN")
_COMMIT = Statement("COMMIT")


_prepared: WeakKeyDictionary[psycopg.Connection, dict[str, bytes]] = WeakKeyDictionary()
"""Names of each connection's prepared statements, by their texts."""


def execute(connection: Connection, text: str, values: Sequence[bytes] = ()) -> list[Row]:
    """Runs a statement on PostgreSQL and returns its rows; sends BEGIN with it if no transaction has begun. Raises
    `DBAPIError`."""
    driver, statement = _driver(connection.connection), Statement(text, values)
    try:
        began = driver.pgconn.transaction_status != TransactionStatus.IDLE
        return run(driver, [statement] if began else [_BEGIN, statement])
    except psycopg.Error as error:
        _raise(connection, driver, error)


def execute_and_commit(connection: Connection, text: str, values: Sequence[bytes]) -> None:
    """Runs the last statement of a transaction together with COMMIT. SQLAlchemy's commit, which has to follow, then
    finds nothing to do. Raises `DBAPIError`."""
    driver = _driver(connection.connection)
    try:
        run(driver, [Statement(text, values), _COMMIT])
    except psycopg.Error as error:
        _raise(connection, driver, error)


def roll_back(connection: Connection) -> None:
    """Rolls back the transaction of the connection and deallocates its prepared statements, since it is unknown which
    of them PostgreSQL still has. SQLAlchemy calls this at its event `rollback`, and its own rollback then finds nothing
    to do. Raises `DBAPIError`."""
    if connection.invalidated:
        return
    driver = _driver(connection.connection)
    if driver.pgconn.transaction_status in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN):
        return
    _prepared.pop(driver, None)
    try:
        driver.rollback()
        driver.pgconn.exec_(b"DEALLOCATE ALL")
    except psycopg.Error as error:
        _raise(connection, driver, error)


def run(driver: psycopg.Connection, statements: Sequence[Statement]) -> list[Row]:
    """Runs statements in one round trip and returns the rows of the last one. If one fails, PostgreSQL skips the rest.
    Raises the driver's errors."""
    libpq, prepared = driver.pgconn, _prepared.setdefault(driver, {})
    new: dict[str, bytes] = {}
    libpq.enter_pipeline_mode()
    for statement in statements:
        _send(libpq, statement, prepared, new)
    libpq.pipeline_sync()
    results = _receive(libpq)
    libpq.exit_pipeline_mode()
    for result in results:
        if result.status not in _OK:
            raise error_from_result(result)
    prepared |= new
    last = results[-1]
    columns = range(last.nfields)
    return [tuple([last.get_value(row, column) for column in columns]) for row in range(last.ntuples)]


def _send(libpq: PGconn, statement: Statement, prepared: dict[str, bytes], new: dict[str, bytes]) -> None:
    """Queues a statement in libpq's pipeline; before its first use also the request to prepare it. `prepared` has the
    names of the connection's prepared statements by text; a new one is added to `new`."""
    text, values = statement
    name = prepared.get(text)
    if (
        name is None
        and statement is not _BEGIN
        and statement is not _COMMIT
        and len(prepared) < PREPARED_STATEMENTS_MAX
    ):
        # No name is used twice: after an error it is unknown which ones PostgreSQL has.
        name = new[text] = b"talkwire_%d" % next(_numbers)
        libpq.send_prepare(name, text.encode())
    if name is None:
        libpq.send_query_params(text.encode(), values)
    else:
        libpq.send_query_prepared(name, values)


def _receive(libpq: PGconn) -> list[PGresult]:
    """Sends the queued statements and returns the results of all of them. Raises `psycopg.OperationalError` when the
    connection is lost."""
    poll = select.poll()
    poll.register(libpq.socket, select.POLLIN | select.POLLOUT)
    while libpq.flush():
        poll.poll()
        libpq.consume_input()
    poll.modify(libpq.socket, select.POLLIN)
    results: list[PGresult] = []
    while True:
        while libpq.is_busy():
            poll.poll()
            libpq.consume_input()
        result = libpq.get_result()
        if result is None:  # after the results of each statement
            if libpq.status == ConnStatus.BAD:
                raise psycopg.OperationalError(libpq.get_error_message())
        elif result.status == ExecStatus.PIPELINE_SYNC:
            return results
        else:
            results.append(result)


def _driver(connection: PoolProxiedConnection) -> psycopg.Connection:
    driver = connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _raise(connection: Connection, driver: psycopg.Connection, error: psycopg.Error) -> NoReturn:
    """Raises the SQLAlchemy error for an error of the driver, and invalidates the connection if it was lost."""
    lost = driver.broken
    if lost:
        connection.invalidate(error)
    raise DBAPIError.instance(
        None,
        None,
        error,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=connection.dialect,
    ) from error
