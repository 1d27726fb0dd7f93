"""The statements that every batch of messages is made of.

They go to the driver as they are: SQLAlchemy's handling of parameters took as long as SQLite's insertion of the rows
(docs/decisions/0003-bulk-statements.md). SQLite, which has no way to go, takes row after row. To PostgreSQL several
statements go as one, each with all its rows as one JSON parameter (docs/decisions/0012-one-statement-a-batch.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import BigInteger, Connection, Dialect, Integer, Table, Text

from talkwire.core.domain.errors import LogReplaced
from talkwire.storage.clock import DATABASE_MS
from talkwire.storage.lineage import is_same_log
from talkwire.storage.messages.message_rows import MESSAGE_COLUMNS, TEXT_COLUMNS
from talkwire.storage.schema import conversations, file_links, log, log_head, members, mentions, messages, notifications
from talkwire.storage.tables.rows import LOG_COLUMNS, SENT_LOG_COLUMNS, Values

MEMBER_CURSORS = (
    "sent_count",
    "last_sent_ms",
    "read_seq",
    "read_ms",
    "read_sent",
    "delivered_seq",
    "delivered_ms",
)

NOTIFICATION_COLUMNS = (
    "user_id",
    "id",
    "type",
    "conversation_id",
    "message_id",
    "offer_id",
    "actor_id",
    "sound",
    "created_ms",
)

_encode = msgspec.json.Encoder().encode


class Write(NamedTuple):
    """Rows for one of the statements, by the columns that it names."""

    statement: str
    rows: Sequence[Values]


WriteAll = Callable[[Connection, Sequence[Write]], None]


class BatchStatements:
    """The statements in a database's own style; those that write are for `write`."""

    __slots__ = (
        "_lock_head",
        "count_replies",
        "insert_links",
        "insert_log",
        "insert_mentions",
        "insert_messages",
        "insert_notifications",
        "insert_sent_log",
        "insert_texts",
        "move_conversations",
        "move_head",
        "move_members",
        "write",
    )

    def __init__(self, dialect: Dialect) -> None:
        sqlite = dialect.name == "sqlite"
        lock = "" if sqlite else " FOR UPDATE"  # BEGIN IMMEDIATE has locked all of SQLite
        now = "NULL" if sqlite else DATABASE_MS
        same = is_same_log(dialect)
        self._lock_head = f"SELECT epoch, pos, {now}, {same} FROM {log_head.name}{lock}"  # noqa: S608 (names of our own)
        self.write: WriteAll = _write_each if sqlite else _Together()
        """In no order of their own: two that concern the same rows do not go together."""
        insert, update = (_insert_singly, _update_singly) if sqlite else (_insert_at_once, _update_at_once)
        self.insert_messages = insert(messages, MESSAGE_COLUMNS)
        self.insert_texts = insert(messages, TEXT_COLUMNS)
        """Each column less makes a batch's insertion a fortieth cheaper."""
        self.insert_mentions = insert(mentions, ("conversation_id", "user_id", "seq", "sender_id"))
        self.insert_links = insert(file_links, ("file_id", "message_id", "conversation_id", "seq"))
        self.insert_notifications = insert(notifications, NOTIFICATION_COLUMNS)
        self.insert_sent_log = insert(log, SENT_LOG_COLUMNS, type="MessageSent")
        self.insert_log = insert(log, LOG_COLUMNS)
        self.move_conversations = update(conversations, ("last_seq", "last_pos", "active_pos"), ("id",))
        self.move_members = update(members, MEMBER_CURSORS, ("conversation_id", "user_id"))
        self.move_head = update(log_head, ("pos",), ("id",))
        self.count_replies = update(messages, ("reply_count",), ("id",), adds=True)

    def lock_head(self, connection: Connection) -> tuple[str, int, int | None]:
        """(epoch, position), which nobody else can move until the transaction ends; and the database's time, where it
        has one, in milliseconds. Raises LogReplaced."""
        epoch, pos, now_ms, is_same = connection.exec_driver_sql(self._lock_head).one()
        if not is_same:
            raise LogReplaced
        return epoch, pos, now_ms


# --- SQLite -----------------------------------------------------------------------------------------------------------


def _write_each(connection: Connection, writes: Sequence[Write]) -> None:
    for statement, rows in writes:
        connection.exec_driver_sql(statement, list(rows))


def _insert_singly(table: Table, columns: Sequence[str], **constants: str) -> str:
    values = ["?"] * len(columns) + _quoted(constants)
    return f"{_insert_into(table, columns, constants)} VALUES ({', '.join(values)})"


def _update_singly(table: Table, changed: Sequence[str], key: Sequence[str], *, adds: bool = False) -> str:
    """`adds`: to what is there already, instead of in its place."""
    changes = [f"{name} = {name + ' + ' if adds else ''}?" for name in changed]
    found = " AND ".join(f"{name} = ?" for name in key)
    return f"UPDATE {table.name} SET {', '.join(changes)} WHERE {found}"  # noqa: S608 (names of our own)


# --- PostgreSQL -------------------------------------------------------------------------------------------------------

_ROWS = "jsonb_array_elements(%s::jsonb) AS rows(r)"
_TYPES = {Text: "text", BigInteger: "bigint", Integer: "integer"}


class _Together:
    """Writes by one statement: each costs a way to the server and back, and its preparation and answer here. Their
    texts are kept, as few combinations ever occur."""

    __slots__ = ("_texts",)

    def __init__(self) -> None:
        self._texts: dict[tuple[str, ...], str] = {}

    def __call__(self, connection: Connection, writes: Sequence[Write]) -> None:
        if not writes:
            return
        statements = tuple(statement for statement, _ in writes)
        text = self._texts.get(statements)
        if text is None:
            text = self._texts[statements] = _together(statements)
        connection.exec_driver_sql(text, tuple(_encode(rows).decode() for _, rows in writes))


def _together(statements: Sequence[str]) -> str:
    *before, last = statements
    parts = ", ".join(f"part{number} AS ({statement})" for number, statement in enumerate(before))
    return f"WITH {parts} {last}" if parts else last


def _insert_at_once(table: Table, columns: Sequence[str], **constants: str) -> str:
    values = [_value(table, name, place) for place, name in enumerate(columns)] + _quoted(constants)
    return f"{_insert_into(table, columns, constants)} SELECT {', '.join(values)} FROM {_ROWS}"  # noqa: S608


def _update_at_once(table: Table, changed: Sequence[str], key: Sequence[str], *, adds: bool = False) -> str:
    """As `_update_singly`; each key once."""
    names = (*changed, *key)
    values = [f"{_value(table, name, place)} AS {name}" for place, name in enumerate(names)]
    changes = [f"{name} = {f'{table.name}.{name} + ' if adds else ''}given.{name}" for name in changed]
    found = " AND ".join(f"{table.name}.{name} = given.{name}" for name in key)
    given = f"(SELECT {', '.join(values)} FROM {_ROWS}) AS given"  # noqa: S608
    return f"UPDATE {table.name} SET {', '.join(changes)} FROM {given} WHERE {found}"  # noqa: S608


def _value(table: Table, column: str, place: int) -> str:
    """What stands at a place of each of `_ROWS`, as a column's type."""
    return f"(r->>{place})::{_TYPES[type(table.c[column].type)]}"


# --- both -------------------------------------------------------------------------------------------------------------


def _quoted(constants: dict[str, str]) -> list[str]:
    return [f"'{constant}'" for constant in constants.values()]


def _insert_into(table: Table, columns: Sequence[str], constants: dict[str, str]) -> str:
    names = (*columns, *constants)
    needed = {column.name for column in table.columns if not column.nullable and column.server_default is None}
    assert needed <= set(names), "every column without a default is written"
    return f"INSERT INTO {table.name} ({', '.join(names)})"
