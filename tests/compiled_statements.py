"""One cache of compiled statements for all engines of a test process.

SQLAlchemy compiles a statement once for each engine. Every test has engines of its own, so that compiling the same
statements took a quarter of the processor time of tests that use SQLite.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event


class _Statements(dict[Any, Any]):
    """Compiled statements by SQLAlchemy's keys, without the first part of a key: the dialect of one engine."""

    def get(self, key: Any, default: Any = None) -> Any:  # noqa: ANN401 (SQLAlchemy's)
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, compiled: Any) -> None:  # noqa: ANN401 (SQLAlchemy's)
        super().__setitem__(key[1:], compiled)


_OF_SQLITE = _Statements()


def share_compiled_statements() -> None:
    """Has all engines for SQLite that are created from now on share their compiled statements."""
    event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    # A dialect of PostgreSQL depends on the server's version.
    if connection.dialect.name == "sqlite":
        connection.execution_options(compiled_cache=_OF_SQLITE)
