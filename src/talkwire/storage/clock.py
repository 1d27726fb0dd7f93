"""What time it is. Where several nodes write, the database says so: one node's clock may be an hour off."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import BigInteger, ColumnElement, Connection, Dialect, cast, func, literal, select

DATABASE_MS = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
"""PostgreSQL's own time, in milliseconds since 1970."""


def clock_of(dialect: Dialect, clock_ms: Callable[[], int] | None) -> Callable[[Connection], int]:
    """The given clock; without one, the database's. SQLite has none of its own that is better than the process's."""
    if clock_ms is not None:
        return lambda _: clock_ms()
    assert dialect.name == "postgresql", "a database of one process takes that process's clock"
    return lambda connection: connection.execute(select(_database_ms())).scalar_one()


def now_column(dialect: Dialect, clock_ms: Callable[[], int]) -> ColumnElement[int]:
    """For a condition: the database's time, or that of the process which is alone with it."""
    return _database_ms() if dialect.name == "postgresql" else literal(clock_ms())


def _database_ms() -> ColumnElement[int]:
    return cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger)
