"""Fills a server's SQLite file for benchmarks with SQL statements: a million commands would take minutes.

Every database has a conversation `talk-0` of the reader, whose waits are measured, and the author, who wrote all its
messages; and a conversation of strangers with a tenth as many messages. All texts are words in lower case, as the
search indexes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import Actor
from talkwire.storage.engine import sqlite_url, writing_engine
from talkwire.storage.messages.search import label_of
from talkwire.store import opened_chat

READER = "reader"
AUTHOR = "author"
STRANGER = "stranger"
TALK = "talk-0"
STRANGERS = "strangers"

_BACKEND = Actor("bench", "Bench", "service")
_NUMBERS = (
    "WITH RECURSIVE numbers (n) AS (SELECT :first WHERE :first < :end "
    "UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :end) "
)

# :base is a message's number subtracted from its position in the log.
_MESSAGES = (
    _NUMBERS + "INSERT INTO messages (id, conversation_id, seq, sender_id, content, client_message_id, created_ms) "
    f"SELECT {id_at(0)} + :base + n, :conversation, n, :sender, "
    # Every message has a word that begins with "wo", of 5,000 such words; one in 1,000 has one that begins with "ra".
    "CASE WHEN :sender = 'author' THEN 'message wo' || (n % 5000) || CASE WHEN n % 1000 = 0 THEN ' ra' || (n % 7000) "
    "WHEN n = 1 THEN ' needle' ELSE '' END || ' about as long as people write when they talk' "
    "ELSE 'elsewhere el' || (n % 5000) END, 'client-' || n, 1700000000000 + n FROM numbers"
)
_LOG = (
    "INSERT INTO log (pos, type, conversation_id, message_id, at_ms) "
    f"SELECT id - {id_at(0)}, 'MessageSent', conversation_id, id, created_ms FROM messages "
    f"WHERE id > {id_at(0)} + :pos"
)
_WORDS = (
    "INSERT INTO message_words (rowid, words) SELECT id, :label || ' ' || content FROM messages "
    f"WHERE id > {id_at(0)} + :pos"
)
_CONVERSATIONS = (
    _NUMBERS + "INSERT INTO conversations "
    "(id, kind, name, member_count, last_seq, last_pos, created_ms, updated_ms, active_pos, public, blocked) "
    "SELECT 'talk-' || n, 'group', 'Talk ' || n, 2, 1, :base + n, 1700000000000, 1700000000000, :base + n, 0, 0 "
    "FROM numbers"
)
_FIRST_MESSAGES = (
    _NUMBERS + "INSERT INTO messages (id, conversation_id, seq, sender_id, content, created_ms) "
    f"SELECT {id_at(0)} + :base + n, 'talk-' || n, 1, 'author', 'message wo' || n, 1700000000000 + n "
    "FROM numbers"
)
_MEMBERS_OF_EACH = (
    _NUMBERS + "INSERT INTO members (conversation_id, user_id, role, joined_ms) "
    "SELECT 'talk-' || n, :user, 'member', 1700000000000 FROM numbers"
)
_SPANS_OF_EACH = (
    _NUMBERS + "INSERT INTO spans (user_id, conversation_id, from_pos, history_seq) "
    "SELECT :user, 'talk-' || n, 1, 0 FROM numbers"
)
_USERS = (
    _NUMBERS + "INSERT INTO users (id, name, folded_name, search_name, banned, created_ms) "
    "SELECT 'user-' || n, 'Name ' || (n * 7919 % 1000003), 'name ' || (n * 7919 % 1000003), "
    "'name ' || (n * 7919 % 1000003), 0, 1700000000000 FROM numbers"
)
_MEMBERS_OF_ONE = (
    _NUMBERS + "INSERT INTO members (conversation_id, user_id, role, joined_ms) "
    "SELECT 'talk-0', 'user-' || n, 'member', 1700000000000 FROM numbers"
)
_SPANS_OF_ONE = (
    _NUMBERS + "INSERT INTO spans (user_id, conversation_id, from_pos, history_seq) "
    "SELECT 'user-' || n, 'talk-0', 1, 0 FROM numbers"
)


@dataclass
class Database:
    """A benchmark server's SQLite database, to which rows are added while no server runs."""

    file: Path

    def create(self) -> None:
        """Creates the tables, the reader's and the strangers' conversation, and their members."""
        asyncio.run(_create(self.file))

    def grow_messages(self, count: int) -> None:
        """Adds messages until the reader's conversation has `count` and the strangers' conversation a tenth as many."""
        with self._writing() as connection:
            self._add_messages(connection, STRANGERS, STRANGER, count // 10)
            self._add_messages(connection, TALK, AUTHOR, count)

    def grow_conversations(self, count: int) -> None:
        """Adds conversations of the reader and the author, with one message each, until the reader has `count`
        conversations.
        """
        with self._writing() as connection:
            first = _number(connection, f"SELECT count(*) FROM members WHERE user_id = '{READER}'")
            pos = _pos(connection)
            span = {"first": first, "end": count, "base": pos - first + 1}
            for statement in (_CONVERSATIONS, _FIRST_MESSAGES):
                _run(connection, statement, span)
            for user in (READER, AUTHOR):
                for statement in (_MEMBERS_OF_EACH, _SPANS_OF_EACH):
                    _run(connection, statement, {"first": first, "end": count, "user": user})
            _follow(connection, pos, TALK)

    def grow_members(self, count: int) -> None:
        """Adds new users to the reader's conversation until it has `count` members."""
        with self._writing() as connection:
            first = _number(connection, f"SELECT count(*) FROM members WHERE conversation_id = '{TALK}'")
            for statement in (_USERS, _MEMBERS_OF_ONE, _SPANS_OF_ONE):
                _run(connection, statement, {"first": first, "end": count})
            _run(
                connection,
                "UPDATE conversations SET member_count = :count WHERE id = :id",
                {"count": count, "id": TALK},
            )

    def grow_users(self, count: int) -> None:
        """Adds users without conversations until the server has `count` users."""
        with self._writing() as connection:
            first = _number(connection, "SELECT count(*) FROM users")
            _run(connection, _USERS, {"first": first, "end": count})

    def _add_messages(self, connection: Connection, conversation: str, sender: str, count: int) -> None:
        last = _number(connection, f"SELECT last_seq FROM conversations WHERE id = '{conversation}'")
        pos = _pos(connection)
        span = {"first": last + 1, "end": count + 1, "base": pos - last}
        _run(connection, _MESSAGES, {**span, "conversation": conversation, "sender": sender})
        pos = _follow(connection, pos, conversation)
        _run(
            connection,
            "UPDATE conversations SET last_seq = :seq, last_pos = :pos, active_pos = :pos WHERE id = :id",
            {"seq": count, "pos": pos, "id": conversation},
        )
        _run(
            connection,
            "UPDATE members SET sent_count = :count WHERE user_id = :user AND conversation_id = :id",
            {"count": count, "user": sender, "id": conversation},
        )

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        engine = writing_engine(sqlite_url(self.file))
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()


async def _create(file: Path) -> None:
    async with opened_chat(sqlite_url(file)) as chat:
        for id_, names in ((TALK, (READER, AUTHOR)), (STRANGERS, (STRANGER, AUTHOR + "-of-others"))):
            await chat.execute(_BACKEND, CreateConversation("group", names, id_, id_))


def _follow(connection: Connection, pos: int, conversation: str) -> int:
    """Adds the messages after log position `pos` to the log and to the search index; returns the log's last position.

    It also moves the followers (tasks that process the log, such as indexing) to the end, so that they have nothing to
    do.
    """
    _run(connection, _LOG, {"pos": pos})
    _run(connection, _WORDS, {"pos": pos, "label": label_of(conversation)})
    last = _number(connection, "SELECT max(pos) FROM log")
    _run(connection, "UPDATE log_head SET pos = :pos", {"pos": last})
    for name in ("search", "notifications", "deleted-conversations", "statistics"):
        _run(
            connection, "INSERT OR REPLACE INTO followers (name, pos) VALUES (:name, :pos)", {"name": name, "pos": last}
        )
    return last


def _run(connection: Connection, statement: str, values: Mapping[str, object]) -> None:
    connection.exec_driver_sql(statement, dict(values))


def _number(connection: Connection, query: str) -> int:
    return int(connection.exec_driver_sql(query).scalar_one())


def _pos(connection: Connection) -> int:
    return _number(connection, "SELECT pos FROM log_head")
