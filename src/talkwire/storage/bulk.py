"""Statements that take many rows at once, for the writer's hot path.

They go to the driver as they are: SQLAlchemy's handling of parameters took as long as SQLite's insertion of the rows
(docs/decisions/0003-bulk-statements.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Dialect, Table

from talkwire.storage.rows import LOG_COLUMNS, MESSAGE_COLUMNS, Values
from talkwire.storage.schema import conversations, log, messages


class BulkStatements:
    """The statements in a database's own style of parameters."""

    __slots__ = ("_insert_log", "_insert_messages", "_move_conversations")

    def __init__(self, dialect: Dialect) -> None:
        mark = "?" if dialect.paramstyle == "qmark" else "%s"
        self._insert_messages = _insert(messages, MESSAGE_COLUMNS, mark)
        self._insert_log = _insert(log, LOG_COLUMNS, mark)
        self._move_conversations = (
            f"UPDATE {conversations.name} SET last_seq = {mark}, last_pos = {mark} WHERE id = {mark}"  # noqa: S608
        )

    def insert_messages(self, connection: Connection, rows: Sequence[Values]) -> None:
        """By `MESSAGE_COLUMNS`."""
        connection.exec_driver_sql(self._insert_messages, list(rows))

    def insert_log(self, connection: Connection, rows: Sequence[Values]) -> None:
        """By `LOG_COLUMNS`."""
        connection.exec_driver_sql(self._insert_log, list(rows))

    def move_conversations(self, connection: Connection, rows: Sequence[Values]) -> None:
        """By (last seq, last position, conversation id)."""
        connection.exec_driver_sql(self._move_conversations, list(rows))


def _insert(table: Table, columns: Sequence[str], mark: str) -> str:
    assert set(columns) == set(table.columns.keys()), "every column is written"
    marks = ", ".join([mark] * len(columns))
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 (names of our own)
