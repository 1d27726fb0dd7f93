"""Builds and runs the bulk writes that every batch of messages makes (see the docstring of `talkwire.storage.sql`).

The statements are built from the names of tables and columns, and sent to the driver without SQLAlchemy. SQLite, which
needs no network round trip, gets row after row (docs/decisions/0003-bulk-statements.md). PostgreSQL gets several
statements as one, each with all its rows as one JSON parameter (docs/decisions/0012-one-statement-a-batch.md), and the
last ones with COMMIT (`pipeline.py`).

No other module builds SQL from strings. No part of these strings comes from outside: names are those of `schema`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import count
from typing import NamedTuple

import msgspec
from sqlalchemy import BigInteger, Boolean, Connection, Integer, RootTransaction, Table, Text
from sqlalchemy.exc import DBAPIError

from talkwire.storage.sql.values import Values

_encode = msgspec.json.Encoder().encode


class BulkStatement(NamedTuple):
    """A statement that writes many rows, as SQL text for each database."""

    sqlite: str
    postgresql: str


class Write(NamedTuple):
    """A bulk statement with its rows. Each row has the values of the statement's columns, in their order."""

    statement: BulkStatement
    rows: Sequence[Values]


def insert_rows(table: Table, columns: Sequence[str], **constants: str) -> BulkStatement:
    """Returns a bulk statement that inserts rows with the columns `columns`. `constants` (column=text) are further
    columns, with the same text in every row; it is quoted, and not escaped. Every column without a default must be
    given."""
    names = (*columns, *constants)
    needed = {column.name for column in table.columns if not column.nullable and column.server_default is None}
    assert needed <= set(names), "every column without a default is written"
    into = f"INSERT INTO {table.name} ({', '.join(names)})"
    quoted = [f"'{constant}'" for constant in constants.values()]
    given = ", ".join(["?"] * len(columns) + quoted)
    values = ", ".join([_value(table, name, place) for place, name in enumerate(columns)] + quoted)
    return BulkStatement(f"{into} VALUES ({given})", f"{into} SELECT {values} FROM {_ROWS}")  # noqa: S608 (see above)


def resolving(statement: BulkStatement, key: Sequence[str], changes: str = "") -> BulkStatement:
    """Returns the bulk insertion `statement` (made by `insert_rows`) with a rule for rows whose values in the columns
    `key` exist already: they are skipped or, with `changes` (SQL assignments), the existing row is changed."""
    action = f"DO UPDATE SET {changes}" if changes else "DO NOTHING"
    suffix = f" ON CONFLICT ({', '.join(key)}) {action}"
    return BulkStatement(statement.sqlite + suffix, statement.postgresql + suffix)


def update_rows(
    table: Table, changed: Sequence[str], key: Sequence[str], *, adds: bool = False, empty: Sequence[str] = ()
) -> BulkStatement:
    """Returns a bulk statement that sets the columns `changed` in the rows found by the columns `key`. Its rows have
    the values of `changed`, then those of `key`; no two may have the same key. With `adds` the values are added to the
    old ones instead of replacing them. Only rows in which the columns `empty` are NULL are changed."""
    names = (*changed, *key)
    changes = ", ".join(f"{name} = {f'{name} + ' if adds else ''}?" for name in changed)
    conditions = [f"{table.name}.{name} IS NULL" for name in empty]
    found = " AND ".join([*(f"{name} = ?" for name in key), *conditions])
    values = ", ".join(f"{_value(table, name, place)} AS {name}" for place, name in enumerate(names))
    moved = ", ".join(f"{name} = {f'{table.name}.{name} + ' if adds else ''}given.{name}" for name in changed)
    joined = " AND ".join([*(f"{table.name}.{name} = given.{name}" for name in key), *conditions])
    given = f"(SELECT {values} FROM {_ROWS}) AS given"  # noqa: S608 (see above)
    return BulkStatement(
        f"UPDATE {table.name} SET {changes} WHERE {found}",  # noqa: S608 (see above)
        f"UPDATE {table.name} SET {moved} FROM {given} WHERE {joined}",  # noqa: S608 (see above)
    )


def delete_rows(table: Table, key: Sequence[str]) -> BulkStatement:
    """Returns a bulk statement that deletes the rows found by the columns `key`, whose values are its rows."""
    found = " AND ".join(f"{name} = ?" for name in key)
    values = ", ".join(f"{_value(table, name, place)} AS {name}" for place, name in enumerate(key))
    joined = " AND ".join(f"{table.name}.{name} = given.{name}" for name in key)
    given = f"(SELECT {values} FROM {_ROWS}) AS given"  # noqa: S608 (see above)
    return BulkStatement(
        f"DELETE FROM {table.name} WHERE {found}",  # noqa: S608 (see above)
        f"DELETE FROM {table.name} USING {given} WHERE {joined}",  # noqa: S608 (see above)
    )


def write(connection: Connection, writes: Sequence[Write]) -> None:
    """Runs bulk writes in the transaction of `connection`, in no particular order. Two writes that change the same rows
    must not be in one call."""
    if connection.dialect.name == "sqlite":
        for statement, rows in writes:
            execute_on_sqlite(connection, statement.sqlite, rows)
    elif writes:
        from talkwire.storage.sql import pipeline  # noqa: PLC0415 (needs the package of an extra)

        pipeline.execute(connection, *_as_one(writes))


def commit_with(transaction: RootTransaction, writes: Sequence[Write]) -> None:
    """Runs the last bulk writes of a transaction and commits it. PostgreSQL gets both in one round trip."""
    connection = transaction.connection
    if writes and connection.dialect.name != "sqlite":
        from talkwire.storage.sql import pipeline  # noqa: PLC0415 (needs the package of an extra)

        pipeline.execute_and_commit(connection, *_as_one(writes))
    else:
        write(connection, writes)
    transaction.commit()


def execute_on_sqlite(connection: Connection, text: str, rows: Sequence[Values]) -> None:
    """Runs a statement once for each row of parameters, in the open transaction, without SQLAlchemy's overhead. Raises
    SQLAlchemy's DBAPIError."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    try:
        driver.executemany(text, rows)
    except sqlite3.Error as error:
        raise DBAPIError.instance(
            text, None, error, sqlite3.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def _as_one(writes: Sequence[Write]) -> tuple[str, list[bytes]]:
    """Returns the text of a single PostgreSQL statement that makes all the writes, and its parameters: for each write
    its rows, as JSON. The writes do not see each other's effects, so no two may touch the same row."""
    return _together(tuple(statement.postgresql for statement, _ in writes)), [_encode(rows) for _, rows in writes]


_ROWS = "jsonb_array_elements(%s::jsonb) AS rows(r)"
_TYPES = {Text: "text", BigInteger: "bigint", Integer: "integer", Boolean: "boolean"}


def _value(table: Table, column: str, place: int) -> str:
    """Returns the SQL expression for the value at index `place` of a row in PostgreSQL's JSON parameter, cast to the
    column's type."""
    return f"(r->>{place})::{_TYPES[type(table.c[column].type)]}"


@cache  # few combinations ever occur
def _together(statements: tuple[str, ...]) -> str:
    *before, last = statements
    parts = ", ".join(f"part{number} AS ({statement})" for number, statement in enumerate(before))
    text = f"WITH {parts} {last}" if parts else last
    numbers = count(1)
    return re.sub("%s", lambda _: f"${next(numbers)}", text)
