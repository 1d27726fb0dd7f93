"""The writes that every batch of messages makes (see the package's docstring).

They are built from the names of tables and columns, and sent to the driver as they are. SQLite, which is no round trip
away, gets row after row (docs/decisions/0003-bulk-statements.md). PostgreSQL gets several statements as one, each with
all its rows as one JSON parameter (docs/decisions/0012-one-statement-a-batch.md), and the last ones with COMMIT
(`pipeline.py`).

No other module builds SQL from strings. Nothing in these strings comes from outside: names are those of `schema`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import count
from typing import NamedTuple

import msgspec
from sqlalchemy import BigInteger, Connection, Integer, Table, Text

from talkwire.storage.sql.values import Values

_encode = msgspec.json.Encoder().encode


class BulkStatement(NamedTuple):
    """A statement for many rows, as each database takes it."""

    sqlite: str
    postgresql: str


class Write(NamedTuple):
    """Rows for one statement, each with values for the columns that the statement names, in their order."""

    statement: BulkStatement
    rows: Sequence[Values]


def insert_rows(table: Table, columns: Sequence[str], **constants: str) -> BulkStatement:
    """Returns an insertion of these columns. `constants`: columns that have the same value in every row."""
    names = (*columns, *constants)
    needed = {column.name for column in table.columns if not column.nullable and column.server_default is None}
    assert needed <= set(names), "every column without a default is written"
    into = f"INSERT INTO {table.name} ({', '.join(names)})"
    quoted = [f"'{constant}'" for constant in constants.values()]
    given = ", ".join(["?"] * len(columns) + quoted)
    values = ", ".join([_value(table, name, place) for place, name in enumerate(columns)] + quoted)
    return BulkStatement(f"{into} VALUES ({given})", f"{into} SELECT {values} FROM {_ROWS}")  # noqa: S608 (see above)


def update_rows(table: Table, changed: Sequence[str], key: Sequence[str], *, adds: bool = False) -> BulkStatement:
    """Returns an update of the columns `changed` in the rows that the columns `key` name, each key once. `adds`: the
    values are added to the old ones instead of replacing them."""
    names = (*changed, *key)
    changes = ", ".join(f"{name} = {f'{name} + ' if adds else ''}?" for name in changed)
    found = " AND ".join(f"{name} = ?" for name in key)
    values = ", ".join(f"{_value(table, name, place)} AS {name}" for place, name in enumerate(names))
    moved = ", ".join(f"{name} = {f'{table.name}.{name} + ' if adds else ''}given.{name}" for name in changed)
    joined = " AND ".join(f"{table.name}.{name} = given.{name}" for name in key)
    given = f"(SELECT {values} FROM {_ROWS}) AS given"  # noqa: S608 (see above)
    return BulkStatement(
        f"UPDATE {table.name} SET {changes} WHERE {found}",  # noqa: S608 (see above)
        f"UPDATE {table.name} SET {moved} FROM {given} WHERE {joined}",  # noqa: S608 (see above)
    )


def write(connection: Connection, writes: Sequence[Write]) -> None:
    """Runs the statements, in no particular order. Two that change the same rows must not be in one call."""
    if connection.dialect.name == "sqlite":
        for statement, rows in writes:
            connection.exec_driver_sql(statement.sqlite, list(rows))
    elif writes:
        from talkwire.storage.sql import pipeline  # noqa: PLC0415 (needs the package of an extra)

        pipeline.execute(connection, *_as_one(writes))


def write_with_commit(connection: Connection, writes: Sequence[Write]) -> None:
    """As `write`, for the last statements of a transaction: PostgreSQL gets them together with COMMIT, when the
    transaction is committed."""
    if connection.dialect.name == "sqlite":
        write(connection, writes)
    elif writes:
        from talkwire.storage.sql import pipeline  # noqa: PLC0415 (needs the package of an extra)

        pipeline.execute_with_commit(connection, *_as_one(writes))


def _as_one(writes: Sequence[Write]) -> tuple[str, list[bytes]]:
    """Returns the text of one statement for PostgreSQL that makes all the writes, and its values."""
    return _together(tuple(statement.postgresql for statement, _ in writes)), [_encode(rows) for _, rows in writes]


_ROWS = "jsonb_array_elements(%s::jsonb) AS rows(r)"
_TYPES = {Text: "text", BigInteger: "bigint", Integer: "integer"}


def _value(table: Table, column: str, place: int) -> str:
    """Returns the value at `place` of each of PostgreSQL's `_ROWS`, with the column's type."""
    return f"(r->>{place})::{_TYPES[type(table.c[column].type)]}"


@cache  # few combinations ever occur
def _together(statements: tuple[str, ...]) -> str:
    *before, last = statements
    parts = ", ".join(f"part{number} AS ({statement})" for number, statement in enumerate(before))
    text = f"WITH {parts} {last}" if parts else last
    numbers = count(1)
    return re.sub("%s", lambda _: f"${next(numbers)}", text)
