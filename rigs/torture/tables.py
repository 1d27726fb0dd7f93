"""What the database holds at the end, read row by row: nothing of the server's own code is asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import psycopg

MESSAGE_ID_BASE = 10**12
"""A message's id is this and the position of the event that made it."""


@dataclass(frozen=True, slots=True)
class LogRow:
    pos: int
    type: str
    conversation: str | None
    message_id: int | None
    user: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MessageRow:
    id: int
    conversation: str
    seq: int
    sender: str
    content: str
    key: str | None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class MemberRow:
    read_seq: int = 0
    delivered_seq: int = 0


@dataclass
class Tables:
    """Rows by their keys. `versions` are the earlier contents of messages, `reactions` (message, emoji, user)."""

    epoch: str = ""
    head: int = 0
    floor: int = 0
    log: list[LogRow] = field(default_factory=list)
    messages: dict[int, MessageRow] = field(default_factory=dict)
    versions: dict[int, list[str]] = field(default_factory=dict)
    reactions: set[tuple[int, str, str]] = field(default_factory=set)
    members: dict[tuple[str, str], MemberRow] = field(default_factory=dict)
    last_seqs: dict[str, int] = field(default_factory=dict)


def read_tables(connection_text: str) -> Tables:
    """All of it as of one moment."""
    with psycopg.connect(connection_text) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        rows = connection.execute
        tables = Tables()
        tables.epoch, tables.head, tables.floor = rows("SELECT epoch, pos, floor FROM log_head").fetchone() or (
            "",
            0,
            0,
        )
        for pos, type_, conversation, message_id, user, data in rows(
            "SELECT pos, type, conversation_id, message_id, user_id, data FROM log ORDER BY pos"
        ):
            tables.log.append(LogRow(pos, type_, conversation, message_id, user, json.loads(data) if data else {}))
        for row in rows(
            "SELECT id, conversation_id, seq, sender_id, content, client_message_id, deleted_ms IS NOT NULL"
            " FROM messages"
        ):
            tables.messages[row[0]] = MessageRow(*row)
        for id_, content in rows("SELECT message_id, content FROM message_versions ORDER BY message_id, version"):
            tables.versions.setdefault(id_, []).append(content)
        tables.reactions.update(rows("SELECT message_id, emoji, user_id FROM reactions"))
        for conversation, user, *marks in rows("SELECT conversation_id, user_id, read_seq, delivered_seq FROM members"):
            tables.members[conversation, user] = MemberRow(*marks)
        tables.last_seqs.update(rows("SELECT id, last_seq FROM conversations"))
    return tables
