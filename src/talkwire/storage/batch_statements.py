"""The statements that every batch of messages is made of.

They go to the driver as they are: SQLAlchemy's handling of parameters took as long as SQLite's insertion of the rows
(docs/decisions/0003-bulk-statements.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Dialect, Table

from talkwire.storage.clock import DATABASE_MS
from talkwire.storage.message_rows import MESSAGE_COLUMNS, TEXT_COLUMNS
from talkwire.storage.rows import LOG_COLUMNS, SENT_LOG_COLUMNS, Values
from talkwire.storage.schema import conversations, file_links, log, log_head, members, mentions, messages

MEMBER_CURSORS = (
    "sent_count",
    "last_sent_ms",
    "read_seq",
    "read_ms",
    "read_sent",
    "delivered_seq",
    "delivered_ms",
)


class BatchStatements:
    """The statements in a database's own style of parameters."""

    __slots__ = (
        "_count_replies",
        "_insert_links",
        "_insert_log",
        "_insert_mentions",
        "_insert_messages",
        "_insert_sent_log",
        "_insert_texts",
        "_lock_head",
        "_move_conversations",
        "_move_head",
        "_move_members",
    )

    def __init__(self, dialect: Dialect) -> None:
        mark = "?" if dialect.paramstyle == "qmark" else "%s"
        lock = "" if dialect.name == "sqlite" else " FOR UPDATE"  # BEGIN IMMEDIATE has locked all of SQLite
        now = "NULL" if dialect.name == "sqlite" else DATABASE_MS
        self._lock_head = f"SELECT epoch, pos, {now} FROM {log_head.name}{lock}"  # noqa: S608 (names of our own)
        self._move_head = f"UPDATE {log_head.name} SET pos = {mark}"  # noqa: S608
        self._insert_messages = _insert(messages, MESSAGE_COLUMNS, mark)
        self._insert_mentions = _insert(mentions, ("conversation_id", "user_id", "seq", "sender_id"), mark)
        self._insert_links = _insert(file_links, ("file_id", "message_id", "conversation_id", "seq"), mark)
        self._insert_texts = _insert(messages, TEXT_COLUMNS, mark)
        self._insert_sent_log = _insert(log, SENT_LOG_COLUMNS, mark, type="MessageSent")
        self._insert_log = _insert(log, LOG_COLUMNS, mark)
        self._move_conversations = (
            f"UPDATE {conversations.name} SET last_seq = {mark}, last_pos = {mark}, active_pos = {mark} "  # noqa: S608
            f"WHERE id = {mark}"
        )
        cursors = ", ".join(f"{name} = {mark}" for name in MEMBER_CURSORS)
        self._move_members = f"UPDATE {members.name} SET {cursors} WHERE conversation_id = {mark} AND user_id = {mark}"  # noqa: S608
        self._count_replies = f"UPDATE {messages.name} SET reply_count = reply_count + {mark} WHERE id = {mark}"  # noqa: S608

    def lock_head(self, connection: Connection) -> tuple[str, int, int | None]:
        """(epoch, position), which nobody else can move until the transaction ends; and the database's time, where it
        has one, in milliseconds."""
        epoch, pos, now_ms = connection.exec_driver_sql(self._lock_head).one()
        return epoch, pos, now_ms

    def move_head(self, connection: Connection, pos: int) -> None:
        connection.exec_driver_sql(self._move_head, (pos,))

    def insert_messages(self, connection: Connection, rows: Sequence[Values]) -> None:
        """By `MESSAGE_COLUMNS`."""
        connection.exec_driver_sql(self._insert_messages, list(rows))

    def insert_mentions(self, connection: Connection, rows: Sequence[Values]) -> None:
        """By (conversation id, user id, seq, sender id)."""
        connection.exec_driver_sql(self._insert_mentions, list(rows))

    def insert_texts(self, connection: Connection, rows: Sequence[Values]) -> None:
        """By `TEXT_COLUMNS`. Each column less makes a batch's insertion a fortieth cheaper."""
        connection.exec_driver_sql(self._insert_texts, list(rows))

    def insert_links(self, connection: Connection, rows: Sequence[Values]) -> None:
        """By (file id, message id, conversation id, seq)."""
        connection.exec_driver_sql(self._insert_links, list(rows))

    def insert_sent_log(self, connection: Connection, rows: Sequence[Values]) -> None:
        """By `SENT_LOG_COLUMNS`."""
        connection.exec_driver_sql(self._insert_sent_log, list(rows))

    def insert_log(self, connection: Connection, rows: Sequence[Values]) -> None:
        """By `LOG_COLUMNS`."""
        connection.exec_driver_sql(self._insert_log, list(rows))

    def move_conversations(self, connection: Connection, rows: Sequence[Values]) -> None:
        """By (last seq, last position, active position, conversation id)."""
        connection.exec_driver_sql(self._move_conversations, list(rows))

    def move_members(self, connection: Connection, rows: Sequence[Values]) -> None:
        """By `MEMBER_CURSORS`, conversation id and user id."""
        connection.exec_driver_sql(self._move_members, list(rows))

    def count_replies(self, connection: Connection, rows: Sequence[Values]) -> None:
        """By (how many more, id of the thread's root)."""
        connection.exec_driver_sql(self._count_replies, list(rows))


def _insert(table: Table, columns: Sequence[str], mark: str, **constants: str) -> str:
    names = (*columns, *constants)
    needed = {column.name for column in table.columns if not column.nullable and column.server_default is None}
    assert needed <= set(names), "every column without a default is written"
    values = [mark] * len(columns) + [f"'{constant}'" for constant in constants.values()]
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(values)})"  # noqa: S608 (names of our own)
