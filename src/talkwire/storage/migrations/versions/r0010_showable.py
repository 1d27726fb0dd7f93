"""Migration: repairs times and numbers that were stored before their size was limited, and that clients cannot
represent.

- A time after the year 9999 becomes the last moment of that year, in offers, mutes, bans and their events.
- An integer beyond ±(2^53-1) in an application's JSON becomes the nearest double, which is what JavaScript read
  already; an integer beyond the range of doubles becomes its digits as text.

Only rows that contain a number of 15 digits or more are read. Each statement examines some hundred rows, whether or not
it finds any, so that neither memory nor a statement's time depends on the log's length. The tables' structure stays the
same, so the previous version keeps working.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

LAST_MS = 253_402_300_799_999
"""Last time that ISO 8601 can express with four digits of the year, in milliseconds since 1970."""

FOR_EVER_MS = 2**53
"""Time of something that never ends, in milliseconds."""

SAFE_INTEGER_MAX = 2**53 - 1
"""Largest integer that every JSON parser keeps exactly."""

ROWS_AT_ONCE = 500
"""Number of rows that are read at once."""

_DIGITS = 15
"""The number of digits of the first time that is too late; the first integer that is too large has one digit more."""

_TIMES = {"expires_ms": False, "until_ms": True, "muted_until_ms": True}
"""Fields with times that clients choose, with whether `FOR_EVER_MS` and later times mean "never" in the field."""

_encode = msgspec.json.Encoder().encode


def upgrade() -> None:
    _clamp("offers", "expires_ms")
    _clamp("restrictions", "until_ms")
    _clamp("members", "muted_until_ms")
    for table in ("messages", "conversations", "offers"):
        _repair(table, ("id",), "metadata", repaired_json)
    _repair("mailbox", ("id",), "payload", repaired_json)
    _repair("log", ("pos",), "data", repaired_value)
    _repair("answers", ("user_id", "route", "key"), "result", repaired_value)


def repaired_json(value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Returns an application's JSON value, with each integer beyond ±(2^53-1) replaced by a double, or by text if it is
    too large for a double."""
    match value:
        case dict():
            return {name: repaired_json(member) for name, member in value.items()}
        case list():
            return [repaired_json(member) for member in value]
        case int() if abs(value) > SAFE_INTEGER_MAX:
            try:
                return float(value)
            except OverflowError:
                return str(value)
        case _:
            return value


def repaired_value(value: Any, name: str = "") -> Any:  # noqa: ANN401 (JSON)
    """Returns the JSON value of an event or stored result, with times after the year 9999 moved to the end of that
    year, and `metadata` repaired as by `repaired_json`."""
    if name == "metadata":
        return repaired_json(value)
    match value:
        case dict():
            return {key: repaired_value(member, key) for key, member in value.items()}
        case list():
            return [repaired_value(member) for member in value]
        case int() if name in _TIMES and value > LAST_MS:
            return value if _TIMES[name] and value >= FOR_EVER_MS else LAST_MS
        case _:
            return value


def _clamp(table: str, name: str) -> None:
    column: sa.ColumnClause[int] = sa.column(name, sa.BigInteger)
    too_late = column > LAST_MS
    if _TIMES[name]:
        too_late &= column < FOR_EVER_MS
    op.get_bind().execute(sa.table(table, column).update().where(too_late).values({name: LAST_MS}))


def _repair(table: str, keys: Sequence[str], name: str, repaired: Callable[[Any], Any]) -> None:
    """Rewrites the JSON values of a column for which the function `repaired` returns another value."""
    connection = op.get_bind()
    columns: list[sa.ColumnClause[Any]] = [sa.column(key) for key in keys]
    content: sa.ColumnClause[str] = sa.column(name, sa.Text)
    rows_of = sa.table(table, *columns, content)
    suspects = sa.select(*columns, content).select_from(rows_of).where(_has_large_number(connection, content))
    for row in _rows(connection, suspects, columns):
        *key, text = row
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError:
            continue  # as unreadable afterwards as before
        better = repaired(value)
        # 2**53 == 2.0**53, so the texts are compared.
        if _encode(better) != _encode(value):
            found = sa.and_(*(column == part for column, part in zip(columns, key, strict=True)))
            connection.execute(rows_of.update().where(found).values({name: _encode(better).decode()}))


def _rows(
    connection: sa.Connection, suspects: sa.Select[Any], columns: Sequence[sa.ColumnClause[Any]]
) -> Iterator[Sequence[Any]]:
    """Yields the rows that a query finds, read in ranges of keys. A LIMIT would not bound the work of a statement that
    finds nothing."""
    key = sa.tuple_(*columns)
    keys = sa.select(*columns).order_by(*columns).offset(ROWS_AT_ONCE - 1).limit(1)
    last = connection.execute(keys).one_or_none()
    page = suspects
    while last is not None:
        bound = sa.tuple_(*map(sa.literal, last))
        yield from connection.execute(page.where(key <= bound)).all()
        page = suspects.where(key > bound)
        last = connection.execute(keys.where(key > bound)).one_or_none()
    yield from connection.execute(page).all()


def _has_large_number(connection: sa.Connection, content: sa.ColumnClause[str]) -> sa.ColumnElement[bool]:
    """Returns the SQL condition that a JSON text has a number with at least `_DIGITS` digits before any decimal point.
    Digits in quotes, as in ids, do not count."""
    if connection.dialect.name == "sqlite":
        digits = "[0-9]" * _DIGITS + "*"
        return sa.or_(*(content.bool_op("GLOB")(pattern) for pattern in (f"*[:,[-]{digits}", digits)))
    return content.bool_op("~")(f"(^|[],:[-])[0-9]{{{_DIGITS}}}")
