"""Repairs times and numbers that were stored before they were bounded, and that readers cannot show.

- A time after the year 9999 becomes the last moment of that year, in offers, mutes, bans and their events.
- An integer beyond ±(2^53-1) in an application's JSON becomes the nearest double, which is what JavaScript read
  already; one that no double is near to becomes its digits as text.

Only rows that hold a number of 15 digits or more are read. Each statement looks at some hundred rows, whether or not it
finds any, so that neither memory nor a statement's time depends on the log's length. Nothing changes in the tables, so
that the version before keeps working.
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
FOR_EVER_MS = 2**53
SAFE_INTEGER_MAX = 2**53 - 1
ROWS_AT_ONCE = 500

_DIGITS = 15
"""The first time that is too late has this many digits; the first integer that is too large has one more."""

_TIMES = {"expires_ms": False, "until_ms": True, "muted_until_ms": True}
"""Times that clients choose, and whether `FOR_EVER_MS` means there that the time never comes."""

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
    """Returns an application's JSON with integers that every reader keeps."""
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
    """Returns an event or an answer with times that can be shown, and `metadata` with integers that every reader
    keeps."""
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
    """Rewrites the JSON of a column where the repair changes it."""
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
    """Yields the rows of a selection by ranges of keys. A LIMIT would not bound a statement that finds nothing."""
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
    """Returns whether a JSON text has a number with `_DIGITS` digits before any point; ids are in quotes and do not
    count."""
    if connection.dialect.name == "sqlite":
        digits = "[0-9]" * _DIGITS + "*"
        return sa.or_(*(content.bool_op("GLOB")(pattern) for pattern in (f"*[:,[-]{digits}", digits)))
    return content.bool_op("~")(f"(^|[],:[-])[0-9]{{{_DIGITS}}}")
