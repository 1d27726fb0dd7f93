"""Which time it is. Where several nodes write, the database says so: one node's clock may be an hour off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Dialect, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class DatabaseMs(FunctionElement[Any]):
    """The database's own time in milliseconds since 1970, NULL for SQLite, which has no better clock than its
    process."""

    type = BigInteger()
    inherit_cache = True


@compiles(DatabaseMs, "sqlite")
def _on_sqlite(_element: DatabaseMs, _compiler: SQLCompiler, **_: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    return "NULL"


@compiles(DatabaseMs, "postgresql")
def _on_postgresql(_element: DatabaseMs, _compiler: SQLCompiler, **_: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    return "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"


def clock_of(dialect: Dialect, clock_ms: Callable[[], int] | None) -> Callable[[Connection], int]:
    """Returns the given clock or, without one, the database's."""
    if clock_ms is not None:
        return lambda _: clock_ms()
    assert dialect.name == "postgresql", "a database of one process takes that process's clock"
    return lambda connection: int(connection.execute(select(DatabaseMs())).scalar_one())


def now_column(dialect: Dialect, clock_ms: Callable[[], int]) -> ColumnElement[int]:
    """Returns the current time for a condition: the database's, or that of the process which is alone with it."""
    return DatabaseMs() if dialect.name == "postgresql" else literal(clock_ms())
