"""Defines the tables that a copy or backup moves, the form of their rows, and their checksums.

A row is moved as the values of its columns: texts, integers, booleans and NULL, so it is the same for every database. A
table is moved in the order of its key, texts by code points. The checksum of a table is SHA-256 over its rows in that
order, each as a JSON array and a line break: equal tables have equal checksums in every database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Executable,
    FromClause,
    Integer,
    Table,
    Text,
    collate,
    column,
    func,
    select,
    table,
    text,
    union_all,
)
from sqlalchemy.sql.expression import TableClause
from sqlalchemy.types import TypeEngine

from talkwire.storage.schema import ended_nodes, metadata, nodes
from talkwire.storage.transfer.errors import RowError

COPIED_TABLES = (
    "users",
    "name_parts",
    "erasures",
    "blocks",
    "accounts",
    "provider_identities",
    "logins",
    "presence",
    "preferences",
    "conversations",
    "members",
    "teams",
    "team_members",
    "conversation_teams",
    "conversation_keys",
    "indexed_keys",
    "team_changes",
    "spans",
    "restrictions",
    "reports",
    "audit",
    "invitations",
    "webhooks",
    "webhook_retries",
    "webhook_attempts",
    "messages",
    "thread_follows",
    "tombstones",
    "imports",
    "message_versions",
    "source_quotes",
    "streams",
    "stopped_answers",
    "turns",
    "turn_messages",
    "agent_places",
    "reactions",
    "mentions",
    "saved_messages",
    "message_ratings",
    "rating_sums",
    "open_cards",
    "card_choices",
    "offers",
    "timers",
    "notifications",
    "push_subscriptions",
    "push_removals",
    "pushes",
    "mailbox",
    "mailbox_cursors",
    "files",
    "file_links",
    "uploads",
    "answers",
    "secrets",
    "sessions",
    "session_rooms",
    "ended_nodes",
    "followers",
    "log",
)
"""The tables that a copy takes, beside the index of words; `log_head` is written last, and completes the target."""

HEAD_TABLE = "log_head"

TABLES_LEFT_OUT = frozenset({"nodes", "lost_nodes", "online", "calls"})
"""The tables about running servers, which are not copied since their rows are outdated once a server has stopped."""

TABLES_NOT_BACKED_UP = frozenset({"logins", "sessions", "session_rooms", "ended_nodes", "push_subscriptions", "pushes"})
"""The tables that a restore must not bring back: devices that have signed out since with their subscriptions to pushes,
and sessions of the old log."""

WORDS_TABLE = "message_words"
"""The index of messages' words (`storage/messages/search.py`), which each database stores in its own form."""

Kind = Literal["text", "integer", "boolean"]
Row = tuple[Any, ...]

_TYPES: Mapping[Kind, type[TypeEngine[Any]]] = MappingProxyType(
    {"text": Text, "integer": BigInteger, "boolean": Boolean}
)

_encode = msgspec.json.Encoder().encode


class MovedTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The description of a table that a copy or backup moves. `columns` maps column names to types, in the order in
    which rows have the values; `key` names the columns of the primary key."""

    name: str
    columns: dict[str, Kind]
    key: tuple[str, ...]

    def key_of(self, row: Sequence[object]) -> dict[str, object]:
        """Returns a row's primary key as column -> value, for error texts."""
        return {name: row[index] for index, name in enumerate(self.columns) if name in self.key}

    def clause(self) -> TableClause:
        """Returns the table with its moved columns, for SQLAlchemy statements."""
        return table(self.name, *(column(name, _TYPES[kind]()) for name, kind in self.columns.items()))


def moved_tables(*, without: Iterable[str] = ()) -> list[MovedTable]:
    """Returns the descriptions of all tables that a copy moves, except those named in `without`."""
    names = [name for name in COPIED_TABLES if name not in without]
    return [*(_described(metadata.tables[name]) for name in names), _WORDS_TABLE]


def _described(found: Table) -> MovedTable:
    # SQLAlchemy's names are texts of a kind of its own.
    columns = {str(each.name): _kind_of(each) for each in found.columns}
    return MovedTable(str(found.name), columns, tuple(str(each.name) for each in found.primary_key))


def _kind_of(found: Column[Any]) -> Kind:
    match found.type:
        case Boolean():
            return "boolean"
        case Integer():
            return "integer"
        case Text():
            return "text"
        case other:
            raise NotImplementedError(f"{found}: no form is defined in which {other!r} is moved")


_WORDS_TABLE = MovedTable(WORDS_TABLE, {"message_id": "integer", "words": "text"}, ("message_id",))


def select_rows(moved: MovedTable, dialect: Dialect) -> Executable:
    """Returns a query for all rows of a table, with the columns of `moved`, in the order of its primary key: texts by
    code points."""
    if moved.name == WORDS_TABLE:
        return text(_SELECT_WORDS[dialect.name])
    found: FromClause = _with_killed_nodes() if moved.name == ended_nodes.name else moved.clause()
    columns = [found.c[name] for name in moved.columns]
    on_postgresql = dialect.name == "postgresql"
    order = [
        collate(found.c[name], "C") if on_postgresql and moved.columns[name] == "text" else found.c[name]
        for name in moved.key
    ]
    return select(*columns).order_by(*order)


def count_rows(moved: MovedTable) -> Executable:
    """Returns a query for the number of rows of a table, to show progress."""
    return select(func.count()).select_from(table(moved.name))


def _with_killed_nodes() -> FromClause:
    """Returns a subquery for the rows of `ended_nodes` and of all nodes (server processes) without a row there, which
    were killed and ended when their leases did."""
    ended = select(ended_nodes.c.id, ended_nodes.c.ended_ms)
    killed = select(nodes.c.id, nodes.c.lease_until_ms).where(nodes.c.id.not_in(select(ended_nodes.c.id)))
    return union_all(ended, killed).subquery()


_SELECT_WORDS = MappingProxyType(
    {
        "sqlite": "SELECT rowid AS message_id, words FROM message_words ORDER BY rowid",
        "postgresql": "SELECT message_id, array_to_string(tsvector_to_array(words), ' ') AS words FROM message_words "
        "ORDER BY message_id",
    }
)


def as_moved(moved: MovedTable, found: Sequence[Any]) -> Row:
    """Converts a row that `select_rows` has read to the form that is the same for all databases: in the index of words,
    each message's words become sorted and unique."""
    if moved.name == WORDS_TABLE:
        return found[0], " ".join(sorted(set(found[1].split(" "))))
    return tuple(found)


def encoded(moved: MovedTable, row: Row) -> bytes:
    """Returns a row as one line of JSON. Raises RowError for a text that is not valid Unicode."""
    try:
        return _encode(row)
    except UnicodeEncodeError:
        raise RowError(moved.name, moved.key_of(row), "one of its texts is not valid Unicode") from None


class Checksum:
    """Computes the number and SHA-256 checksum of the rows added so far."""

    __slots__ = ("_hash", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self._hash = sha256()

    def add(self, lines: Sequence[bytes]) -> None:
        """Adds rows, each encoded as a line of JSON. Add all rows of a table in the order of its key, in any number of
        calls."""
        if lines:
            self.rows += len(lines)
            self._hash.update(b"\n".join(lines) + b"\n")

    @property
    def value(self) -> Summed:
        return Summed(self.rows, self._hash.hexdigest())


class Summed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number of rows of a table, and their SHA-256 checksum in hexadecimal digits."""

    rows: int
    sha256: str
