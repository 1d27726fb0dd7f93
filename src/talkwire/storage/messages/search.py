"""The index of messages' words: FTS5 on SQLite, a `tsvector` with GIN on PostgreSQL.

`core.domain.words` splits texts into words, so both databases hold the same ones. A message has one more word, which
names its conversation, so the index narrows a search to what a reader may see. The index is behind the log and only
proposes; `core.features.messages.search` looks at the messages themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, Dialect, Select, column, exists, select, table, text

from talkwire.core.domain.model import MESSAGE_ID_BASE, Conversation, Message
from talkwire.core.domain.search_terms import SearchScope, SearchTerms
from talkwire.core.domain.words import words_of
from talkwire.core.features.messages.search import searched_text
from talkwire.storage.messages.message_rows import attached_names, read_messages
from talkwire.storage.schema import conversations, log, members, messages
from talkwire.storage.sql.keys import keys_parameter
from talkwire.storage.sql.lookups import Lookups
from talkwire.storage.tables.rows import to_conversation

STRETCH_LENGTH = 100_000
"""Characters of messages that are indexed at once: storing them takes some 10 ms, in which nobody sends."""

LABELS_MAX = 64
"""Who is in more conversations than this looks through all messages, and is shown those of their own."""

_INDEXED = ("MessageSent", "MessageEdited", "MessageDeleted")
_LABEL = "\ue000"  # of the private use area, so no word begins with it

Words = Mapping[int, Collection[str]]
"""What messages are found by now, by id; nothing for those that are not to be found."""


class _Sql(NamedTuple):
    """What the databases say differently. Rows come as `keys_parameter`: (id, words), or (id). A message that has
    become a tombstone since its words were cut is not put in: whoever makes tombstones in numbers takes words out."""

    id: str
    matches: str
    put: str
    ids: str


_SQLITE = _Sql(
    "rowid",
    "message_words MATCH :match",
    "INSERT OR REPLACE INTO message_words (rowid, words) "
    "SELECT CAST(value ->> 0 AS integer), value ->> 1 FROM json_each(:keys) "
    "WHERE EXISTS (SELECT 1 FROM messages WHERE id = CAST(value ->> 0 AS integer) AND deleted_ms IS NULL)",
    "SELECT CAST(value ->> 0 AS integer) FROM json_each(:keys)",
)
_POSTGRESQL = _Sql(
    "message_id",
    "words @@ CAST(:match AS tsquery)",
    "INSERT INTO message_words (message_id, words) SELECT CAST(value ->> 0 AS bigint), "
    "array_to_tsvector(string_to_array(value ->> 1, ' ')) FROM json_array_elements(CAST(:keys AS json)) "
    "WHERE EXISTS (SELECT 1 FROM messages WHERE id = CAST(value ->> 0 AS bigint) AND deleted_ms IS NULL) "
    "ON CONFLICT (message_id) DO UPDATE SET words = excluded.words",
    "SELECT CAST(value ->> 0 AS bigint) FROM json_array_elements(CAST(:keys AS json))",
)


class MessageIndex:
    """The work of the follower that keeps the index."""

    name = "search"
    from_start = True
    stretch = 250

    def __init__(self, dialect: Dialect) -> None:
        self._table = WordTable(dialect)

    def prepare(self, connection: Connection, after: int, until: int) -> tuple[int, Words]:
        changed = (
            select(
                log.c.pos,
                messages.c.id,
                messages.c.conversation_id,
                messages.c.content,
                messages.c.extra,
                messages.c.deleted_ms,
            )
            .join(messages, messages.c.id == log.c.message_id)
            .where(log.c.pos > after, log.c.pos <= until, log.c.type.in_(_INDEXED))
            .order_by(log.c.pos)
        )
        found: dict[int, Collection[str]] = {}
        length = 0
        for row in connection.execute(changed):
            if length > STRETCH_LENGTH:
                return row.pos - 1, found
            text = searched_text(row.content, attached_names(row.extra))
            length += len(text)
            if row.id not in found:
                label = [label_of(row.conversation_id)]
                found[row.id] = [] if row.deleted_ms is not None else {*label, *words_of(text)}
        return until, found

    def store(self, connection: Connection, prepared: Words) -> None:
        self._table.put(connection, prepared)


class WordTable:
    """The table `message_words`, in a database's own words."""

    __slots__ = ("_drop", "_drop_between", "_matches", "_on_sqlite", "_put", "id")

    def __init__(self, dialect: Dialect) -> None:
        self._on_sqlite = dialect.name == "sqlite"
        sql = _SQLITE if self._on_sqlite else _POSTGRESQL
        self.id: ColumnElement[int] = table("message_words", column(sql.id, BigInteger)).c[sql.id]
        self._matches = text(sql.matches)
        self._put = text(sql.put)
        self._drop = text(f"DELETE FROM message_words WHERE {sql.id} IN ({sql.ids})")  # noqa: S608 (of our own)
        self._drop_between = text(f"DELETE FROM message_words WHERE {sql.id} > :after AND {sql.id} <= :until")  # noqa: S608

    def put(self, connection: Connection, changed: Words) -> None:
        """Makes messages be found by these words, and by no others."""
        rows = [(str(id_), " ".join(words)) for id_, words in changed.items() if words]
        if rows:
            connection.execute(self._put, keys_parameter(rows))
        gone = [(str(id_),) for id_, words in changed.items() if not words]
        if gone:
            connection.execute(self._drop, keys_parameter(gone))

    def drop_between(self, connection: Connection, after_id: int, until_id: int) -> None:
        """Forgets messages with `after_id` < id <= `until_id`."""
        connection.execute(self._drop_between, {"after": after_id, "until": until_id})

    def proposals(self, terms: SearchTerms, labels: Iterable[str]) -> tuple[Select[Any], dict[str, str]]:
        """A selection of messages' ids, and its parameter: each has all whole words, all beginnings and a label."""
        return select(self.id).where(self._matches).order_by(self.id.desc()), {"match": self._match(terms, labels)}

    def _match(self, terms: SearchTerms, labels: Iterable[str]) -> str:
        """Words have letters, digits and pictograms, so quotes hold them."""
        quote, prefix, and_, or_ = ('"', "*", " AND ", " OR ") if self._on_sqlite else ("'", ":*", " & ", " | ")
        asked = [f"{quote}{word}{quote}" for word in sorted(terms.whole_words)]
        asked += [f"{quote}{beginning}{quote}{prefix}" for beginning in sorted(terms.beginnings)]
        one_of = or_.join(f"{quote}{label}{quote}" for label in labels)
        return and_.join([*asked, f"({one_of})"] if one_of else asked)


def label_of(conversation_id: str) -> str:
    """The word that all messages of a conversation have."""
    return _LABEL + blake2b(conversation_id.encode(), digest_size=8).hexdigest()


class SearchRows:
    """Implements `core.ports.stores.Search`."""

    def __init__(self, connection: Connection, lookups: Lookups) -> None:
        self._connection = connection
        self._lookups = lookups

    def proposals(self, terms: SearchTerms, scope: SearchScope, before_id: int | None, limit: int) -> Sequence[int]:
        words = WordTable(self._connection.dialect)
        statement, parameters = words.proposals(terms, self._labels(scope))
        id_ = words.id
        if before_id is not None:
            statement = statement.where(id_ < before_id)
        # Not a join, lest SQLite begins with the messages and asks the index for one after the other.
        statement = statement.where(exists().where(messages.c.id == id_, *_conditions(scope))).limit(limit)
        return self._connection.execute(statement, parameters).scalars().all()

    def messages(self, message_ids: Collection[int]) -> Sequence[Message]:
        keys = keys_parameter([(str(id_),) for id_ in message_ids])
        found = read_messages(self._connection, self._lookups.reactions, self._lookups.messages, keys)
        return sorted(found, key=lambda message: message.id, reverse=True)

    def public_conversations(self, after_id: str | None, limit: int) -> Sequence[Conversation]:
        # Spelt as in the index, or SQLite does not see that it holds them.
        statement = select(conversations).where(text("conversations.public"), conversations.c.deleted_ms.is_(None))
        if after_id is not None:
            statement = statement.where(conversations.c.id > after_id)
        rows = self._connection.execute(statement.order_by(conversations.c.id).limit(limit))
        return [to_conversation(row) for row in rows]

    def _labels(self, scope: SearchScope) -> Sequence[str]:
        """Of the conversations that can be found in; none where they are too many to name."""
        if scope.conversation_id is not None:
            return [label_of(scope.conversation_id)]
        if scope.member_id is None:
            return []
        own = select(members.c.conversation_id).where(members.c.user_id == scope.member_id).limit(LABELS_MAX + 1)
        ids = self._connection.execute(own).scalars().all()
        if len(ids) > LABELS_MAX:
            return []
        return [label_of(id_) for id_ in ids] or [_LABEL]  # which nothing has


def _conditions(scope: SearchScope) -> Iterator[ColumnElement[bool]]:
    """What a message has to be to lie in the scope."""
    yield messages.c.deleted_ms.is_(None)
    if scope.member_id is None:
        # What is deleted with its conversation is cleared only a moment later.
        yield exists().where(conversations.c.id == messages.c.conversation_id, conversations.c.deleted_ms.is_(None))
    else:
        yield exists().where(
            members.c.conversation_id == messages.c.conversation_id,
            members.c.user_id == scope.member_id,
            members.c.history_seq < messages.c.seq,
        )
    if scope.conversation_id is not None:
        yield messages.c.conversation_id == scope.conversation_id
    if scope.sender_id is not None:
        yield messages.c.sender_id == scope.sender_id
    if scope.after_ms is not None:
        yield messages.c.created_ms >= scope.after_ms
    if scope.before_ms is not None:
        yield messages.c.created_ms < scope.before_ms


def message_id_at(pos: int) -> int:
    """The id of the message that was sent at a log position, if one was."""
    return MESSAGE_ID_BASE + pos
