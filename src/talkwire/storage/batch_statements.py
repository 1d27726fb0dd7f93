"""The statements that every batch of messages is made of.

They go to the driver as they are: SQLAlchemy's handling of parameters took as long as SQLite's insertion of the rows
(docs/decisions/0003-bulk-statements.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Dialect, Table

from talkwire.storage.rows import LOG_COLUMNS, MESSAGE_COLUMNS, Values
from talkwire.storage.schema import conversations, log, log_head, messages


class BatchStatements:
    """The statements in a database's own style of parameters."""

    __slots__ = ("_insert_log", "_insert_messages", "_lock_head", "_move_conversations", "_move_head")

    def __init__(self, dialect: Dialect) -> None:
        mark = "?" if dialect.paramstyle == "qmark" else "%s"
        lock = "" if dialect.name == "sqlite" else " FOR UPDATE"  # BEGIN IMMEDIATE has locked all of SQLite
        self._lock_head = f"SELECT epoch, pos FROM {log_head.name}{lock}"  # noqa: S608 (names of our own)
        self._move_head = f"UPDATE {log_head.name} SET pos = {mark}"  # noqa: S608
        self._insert_messages = _insert(messages, MESSAGE_COLUMNS, mark)
        self._insert_log = _insert(log, LOG_COLUMNS, mark)
        self._move_conversations = (
            f"UPDATE {conversations.name} SET last_seq = {mark}, last_pos = {mark} WHERE id = {mark}"  # noqa: S608
        )

    def lock_head(self, connection: Connection) -> tuple[str, int]:
        """(epoch, position), which nobody else can move until the transaction ends."""
        epoch, pos = connection.exec_driver_sql(self._lock_head).one()
        return epoch, pos

    def move_head(self, connection: Connection, pos: int) -> None:
        connection.exec_driver_sql(self._move_head, (pos,))

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
