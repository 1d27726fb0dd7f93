"""The full-text index of messages: FTS5 on SQLite, a `tsvector` with GIN on PostgreSQL.

`core.domain.search.words` splits texts into words, so both databases store the same ones. Each message has one more
word, its label, which identifies its conversation, so that a search can be limited to the conversations a reader may
see. The index is updated after the commit and only proposes messages; `core.features.messages.search` checks the
messages themselves.

Statements over the index are SQL text, because SQLAlchemy supports neither kind of index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, Dialect, Select, column, exists, select, table, text

from talkwire.core.domain.model import Conversation, Message
from talkwire.core.domain.search.search_terms import SearchScope, SearchTerms
from talkwire.core.domain.search.words import searched_text, words_of
from talkwire.storage.messages.messages import attached_names, messages_by_id
from talkwire.storage.schema import conversations, log, members, messages
from talkwire.storage.sql.keys import keys_parameter
from talkwire.storage.sql.reads import Reads
from talkwire.storage.tables.conversations import to_conversation

INDEXED_RANGE_LENGTH = 100_000
"""Number of characters of messages that are indexed at once: storing them takes about 10 ms, during which nobody can
send."""

LABELS_MAX = 64
"""Most conversations of a member with which a search uses the index of each conversation. With more, it uses the index
of all messages, and filters the messages that it finds."""

SPELLINGS_MAX = 32
"""Most indexed words by which the beginning of a word is replaced. If more words start with it, the beginning is not
replaced."""

_INDEXED = ("MessageSent", "MessageEdited", "StreamStateChanged", "CardDecided", "MessageDeleted")
_LABEL = "\ue000"  # of the private use area, so no word begins with it

Words = Mapping[int, Collection[str]]
"""Words by which a search finds a message from the change on, by message id; empty for messages that must not be
found."""


class _Sql(NamedTuple):
    """The SQL fragments of the search index that differ between the databases: the name of the id column, the condition
    for a match, and the statements that put and drop the words of messages.

    The keys of `put` are (id, words), those of `drop` are (id). `put` skips messages that were deleted since they were
    split into words, since `clear_messages` has removed their words.
    """

    id: str
    matches: str
    put: str
    drop: str


_SQLITE = _Sql(
    "rowid",
    "message_words MATCH :match",
    "INSERT OR REPLACE INTO message_words (rowid, words) "
    "SELECT CAST(value ->> 0 AS integer), value ->> 1 FROM json_each(:keys) "
    "WHERE EXISTS (SELECT 1 FROM messages WHERE id = CAST(value ->> 0 AS integer) AND deleted_ms IS NULL)",
    "DELETE FROM message_words WHERE rowid IN (SELECT CAST(value ->> 0 AS integer) FROM json_each(:keys))",
)
_POSTGRESQL = _Sql(
    "message_id",
    "words @@ CAST(:match AS tsquery)",
    "INSERT INTO message_words (message_id, words) SELECT CAST(value ->> 0 AS bigint), "
    "array_to_tsvector(string_to_array(value ->> 1, ' ')) FROM json_array_elements(CAST(:keys AS json)) "
    "WHERE EXISTS (SELECT 1 FROM messages WHERE id = CAST(value ->> 0 AS bigint) AND deleted_ms IS NULL) "
    "ON CONFLICT (message_id) DO UPDATE SET words = excluded.words",
    "DELETE FROM message_words WHERE message_id IN "
    "(SELECT CAST(value ->> 0 AS bigint) FROM json_array_elements(CAST(:keys AS json)))",
)

# The words of the index from :first to :last, each found by one seek: FTS5 reads no list of messages for them.
_VOCABULARY = text(
    "WITH RECURSIVE found (word, number) AS ("
    "SELECT (SELECT term FROM message_vocabulary WHERE term >= :first AND term <= :last LIMIT 1), 1 UNION ALL "
    "SELECT (SELECT term FROM message_vocabulary WHERE term >= found.word || char(1) AND term <= :last LIMIT 1), "
    "number + 1 FROM found WHERE word IS NOT NULL AND number < :most) "
    "SELECT word FROM found WHERE word IS NOT NULL"
)
_LAST_CHARACTER = "\U0010ffff"


class MessageIndex:
    """The work of a follower (a background task that processes the log): indexes the words of new and changed messages
    for search."""

    name = "search"
    from_start = True
    range_size = 1000

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
                messages.c.deleted_ms.is_not(None),
            )
            .join(messages, messages.c.id == log.c.message_id)
            .where(log.c.pos > after, log.c.pos <= until, log.c.type.in_(_INDEXED))
            .order_by(log.c.pos)
        )
        found: dict[int, Collection[str]] = {}
        length = 0
        for pos, id_, conversation_id, content, extra, is_deleted in connection.execute(changed):
            if length > INDEXED_RANGE_LENGTH:
                return pos - 1, found
            text = content if extra is None else searched_text(content, attached_names(extra))
            length += len(text)
            if id_ not in found:
                found[id_] = () if is_deleted else {label_of(conversation_id), *words_of(text)}
        return until, found

    def store(self, connection: Connection, prepared: Words) -> None:
        self._table.put(connection, prepared)


class Wanted(NamedTuple):
    """A search: a message matches if it has at least one word of each group in `any_of`, and for each item of
    `beginnings` a word that begins with it."""

    any_of: Sequence[Collection[str]]
    beginnings: Collection[str]


class WordTable:
    """The search index `message_words` of a SQLite or PostgreSQL database, which maps messages to their words."""

    __slots__ = ("_drop", "_matches", "_on_sqlite", "_put", "id", "merges_beginnings")

    def __init__(self, dialect: Dialect) -> None:
        self._on_sqlite = dialect.name == "sqlite"
        sql = _SQLITE if self._on_sqlite else _POSTGRESQL
        self.id: ColumnElement[int] = table("message_words", column(sql.id, BigInteger)).c[sql.id]
        self.merges_beginnings = self._on_sqlite
        self._matches = text(sql.matches)
        self._put = text(sql.put)
        self._drop = text(sql.drop)

    def put(self, connection: Connection, changed: Words) -> None:
        """Replaces the indexed words of messages, given as message id -> words. Messages without words are removed from
        the index, and messages that have been deleted meanwhile are skipped."""
        rows = [(str(id_), " ".join(words)) for id_, words in changed.items() if words]
        if rows:
            connection.execute(self._put, keys_parameter(rows))
        gone = [(str(id_),) for id_, words in changed.items() if not words]
        if gone:
            connection.execute(self._drop, keys_parameter(gone))

    def candidate_ids(self, wanted: Wanted) -> tuple[Select[Any], dict[str, str]]:
        """Returns a query for the ids of messages that match the wanted words, newest first, and the query's
        parameters."""
        selection = select(self.id).order_by(self.id.desc())
        match = self._match(wanted)
        return (selection.where(self._matches), {"match": match}) if match else (selection, {})

    def _match(self, wanted: Wanted) -> str:
        """Returns the wanted words as a query in the database's full-text syntax. Words consist of letters, digits and
        pictograms only, so they need no escaping within quotes."""
        quote, prefix, and_, or_ = ('"', "*", " AND ", " OR ") if self._on_sqlite else ("'", ":*", " & ", " | ")
        asked = [f"{quote}{beginning}{quote}{prefix}" for beginning in sorted(wanted.beginnings)]
        for words in wanted.any_of:
            one_of = or_.join(f"{quote}{word}{quote}" for word in words)
            asked.append(one_of if len(words) == 1 else f"({one_of})")
        return and_.join(asked)


def label_of(conversation_id: str) -> str:
    """Returns the artificial word by which the search index finds all messages of a conversation."""
    return _LABEL + blake2b(conversation_id.encode(), digest_size=8).hexdigest()


class SearchRows(Reads):
    """Searches messages by the index, and lists public conversations. Implements `core.ports.stores.Search`."""

    def candidate_ids(
        self, terms: SearchTerms, scope: SearchScope, before_id: int | None, limit: int, *, roughly: bool
    ) -> Sequence[int]:
        words = WordTable(self._connection.dialect)
        wanted = self._wanted(terms, self._labels(scope))
        if words.merges_beginnings:
            wanted = self._spelled_out(wanted, roughly=roughly)
        statement, parameters = words.candidate_ids(wanted)
        id_ = words.id
        if before_id is not None:
            statement = statement.where(id_ < before_id)
        # With a join SQLite would start with the messages and look each up in the index.
        statement = statement.where(exists().where(messages.c.id == id_, *_conditions(scope))).limit(limit)
        return self._connection.execute(statement, parameters).scalars().all()

    def messages(self, message_ids: Collection[int]) -> Sequence[Message]:
        found = messages_by_id(self._connection, message_ids)
        return [found[id_] for id_ in sorted(found, reverse=True)]

    def public_conversations(self, after_id: str | None, limit: int) -> Sequence[Conversation]:
        # As the index spells it: with "= 1" SQLite would not use the index.
        statement = select(conversations).where(text("conversations.public"), conversations.c.deleted_ms.is_(None))
        if after_id is not None:
            statement = statement.where(conversations.c.id > after_id)
        rows = self._connection.execute(statement.order_by(conversations.c.id).limit(limit))
        return [to_conversation(row) for row in rows]

    def _wanted(self, terms: SearchTerms, labels: Collection[str]) -> Wanted:
        whole = [(word,) for word in sorted(terms.whole_words)]
        return Wanted([*whole, labels] if labels else whole, terms.beginnings)

    def _spelled_out(self, wanted: Wanted, *, roughly: bool) -> Wanted:
        """Returns the search with each beginning of a word replaced by the words in the index that begin with it, since
        SQLite's FTS5 searches for complete words much faster.

        It inserts at most SPELLINGS_MAX (32) words in all. A beginning that would need more stays as it is. With
        `roughly` it is left out instead, so that the search finds also messages that do not match it.
        """
        any_of = list(wanted.any_of)
        beginnings = []
        spellings = SPELLINGS_MAX
        for beginning in sorted(wanted.beginnings):
            words = self._words_from(beginning, spellings + 1)
            if len(words) <= spellings:
                any_of.append(words or (beginning,))
                spellings -= len(words)
            elif not roughly:
                beginnings.append(beginning)
        return Wanted(any_of, beginnings)

    def _words_from(self, beginning: str, most: int) -> Sequence[str]:
        """Returns at most `most` words of the index that begin with `beginning`."""
        between = {"first": beginning, "last": beginning + _LAST_CHARACTER, "most": most}
        return self._connection.execute(_VOCABULARY, between).scalars().all()

    def _labels(self, scope: SearchScope) -> Sequence[str]:
        """Returns the labels (`label_of`) of the conversations to which the search is limited. Returns no labels if the
        search is not limited, or if there are more than LABELS_MAX (64) conversations: then only `_conditions` limits
        the search."""
        if scope.conversation_id is not None:
            return [label_of(scope.conversation_id)]
        if scope.member_id is None:
            return []
        own = select(members.c.conversation_id).where(members.c.user_id == scope.member_id).limit(LABELS_MAX + 1)
        ids = self._connection.execute(own).scalars().all()
        if len(ids) > LABELS_MAX:
            return []
        return [label_of(id_) for id_ in ids] or [_LABEL]  # no message has this one


def _conditions(scope: SearchScope) -> Iterator[ColumnElement[bool]]:
    """Yields the SQL conditions that a message is not deleted and lies within the search's scope: reader, conversation,
    sender and time."""
    yield messages.c.deleted_ms.is_(None)
    if scope.member_id is None:
        # Messages of a deleted conversation are cleared only a moment later.
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
