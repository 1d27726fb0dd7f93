"""Provides the current time. Where several nodes write, it is the database's clock, since the clock of one node may be
an hour off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Dialect, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class DatabaseMs(FunctionElement[Any]):
    """A SQL expression for the database's own time in milliseconds since 1970. It is NULL on SQLite, where the server
    uses its process's clock instead."""

    type = BigInteger()
    inherit_cache = True


@compiles(DatabaseMs, "sqlite")
def _on_sqlite(_element: DatabaseMs, _compiler: SQLCompiler, **_: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    return "NULL"


@compiles(DatabaseMs, "postgresql")
def _on_postgresql(_element: DatabaseMs, _compiler: SQLCompiler, **_: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    return "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"


def clock_of(dialect: Dialect, clock_ms: Callable[[], int] | None) -> Callable[[Connection], int]:
    """Returns a function that reads the current time in milliseconds since 1970 over a connection: `clock_ms` if it is
    not None, else the clock of the database, which must be PostgreSQL."""
    if clock_ms is not None:
        return lambda _: clock_ms()
    assert dialect.name == "postgresql", "a database of one process takes that process's clock"
    return lambda connection: int(connection.execute(select(DatabaseMs())).scalar_one())


def now_column(dialect: Dialect, clock_ms: Callable[[], int]) -> ColumnElement[int]:
    """Returns a SQL expression for the current time in milliseconds since 1970, for use in conditions: the database's
    clock on PostgreSQL, the value that `clock_ms` returns now on SQLite."""
    return DatabaseMs() if dialect.name == "postgresql" else literal(clock_ms())
