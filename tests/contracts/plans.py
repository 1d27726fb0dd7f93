"""The statements that a node's readers send, and how the database carries them out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event, text

from tests.contracts.node import Node


@contextmanager
def read_statements(node: Node) -> Iterator[list[tuple[str, Any]]]:
    """Collects the statements that the readers send to the database."""
    found: list[tuple[str, Any]] = []

    def note(connection: Connection, cursor: object, statement: str, parameters: object, *rest: object) -> None:
        found.append((statement, parameters))

    event.listen(node.read_engine, "before_cursor_execute", note)
    yield found
    event.remove(node.read_engine, "before_cursor_execute", note)


def plan_of(node: Node, statement: str, parameters: Any) -> str:  # noqa: ANN401 (the driver's)
    """Returns how the database carries a statement out, as far as indexes go."""
    explain = "EXPLAIN QUERY PLAN " if node.read_engine.dialect.name == "sqlite" else "EXPLAIN "
    with node.read_engine.connect() as connection:
        if node.read_engine.dialect.name == "postgresql":
            # The tables are too small for the planner to choose an index otherwise.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        rows = connection.exec_driver_sql(explain + statement, parameters).all()
        connection.rollback()
    return "\n".join(str(row[-1]) for row in rows)
