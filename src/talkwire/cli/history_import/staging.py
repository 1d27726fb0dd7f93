"""A temporary database with everything to import, sorted by conversation and time.

An export is neither in the order that an import needs, nor small enough for memory.

The database is a temporary one of SQLite: it is in the folder for temporary files, has no name there, and disappears
with the process, however the process ends. It does not have to last, since a later import asks the server what was
imported (`run.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec

from talkwire.cli.history_import.people import People
from talkwire.cli.history_import.source import Dropped, SourceConversation, SourceMessage, printable

_SCHEMA = """
CREATE TABLE conversations (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE messages (
    conversation TEXT NOT NULL, place INTEGER NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, thread TEXT,
    skipped TEXT, body BLOB NOT NULL, PRIMARY KEY (conversation, place, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX messages_by_key ON messages (conversation, key);
CREATE INDEX messages_by_thread ON messages (conversation, thread) WHERE thread IS NOT NULL;
CREATE VIEW unneeded AS SELECT conversation, place, number, skipped FROM messages WHERE skipped IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM messages reply INDEXED BY messages_by_thread
                    WHERE reply.conversation = messages.conversation AND reply.thread = messages.key
                    AND reply.thread IS NOT NULL AND reply.skipped IS NULL);
CREATE TABLE sent (
    conversation TEXT NOT NULL, key TEXT NOT NULL, message_id TEXT NOT NULL, PRIMARY KEY (conversation, key)
) WITHOUT ROWID;
"""
NOTES = "first messages of threads, of which a note is left"

KINDS_MAX = 100
"""Most kinds of dropped things that are counted apart; types of messages come from the export."""

OTHER = "others"

_FETCHED = 500
"""Number of messages that are read at once."""

_LEVELS_MAX = 100
"""Most rounds in which replies to replies are followed; each round follows two or more levels."""

_message = msgspec.json.Decoder(SourceMessage)
_conversation = msgspec.json.Decoder(SourceConversation)


class Staging:
    """The users, conversations and messages of one export in a temporary database, and counts of what is not
    imported.
    """

    def __init__(self, people: People) -> None:
        self.people = people
        self.dropped = Dropped()
        self.lost = Dropped()
        self.found = 0
        """Number of messages that the export has, with those that are not imported. Readers of exports count them."""
        self.message_count = 0
        self._last_number = 0
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
        self._db.execute("BEGIN")

    def close(self) -> None:
        self._db.close()

    def drop(self, kind: str, count: int = 1) -> None:
        """Counts `count` things that are not imported, but whole messages. `kind` describes them in the plural, such as
        "reactions with custom emoji". Beyond `KINDS_MAX` different kinds, they are counted under the common kind
        `OTHER`."""
        _count(self.dropped, kind, count)

    def lose(self, kind: str, count: int = 1) -> None:
        """Counts `count` messages that are not imported, as `drop` does."""
        _count(self.lost, kind, count)

    def add_conversation(self, conversation: SourceConversation) -> None:
        """Adds a conversation, unless one with the same key has been added."""
        row = (conversation.key, msgspec.json.encode(conversation))
        self._db.execute("INSERT OR IGNORE INTO conversations VALUES (?, ?)", row)

    def add_message(self, message: SourceMessage) -> None:
        """Adds a message. If the conversation has one with the same key, counts it as repeated instead: exports repeat
        some messages. A message that is imported replaces a skipped one."""
        self.message_count += 1
        place = (message.conversation, message.order, self._next_number(), message.key, message.thread, message.skipped)
        row = (*place, msgspec.json.encode(message))
        try:
            self._db.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            self._add_repeated(message, row)

    def _add_repeated(self, message: SourceMessage, row: tuple[object, ...]) -> None:
        self.message_count -= 1
        place = (message.conversation, message.key)
        query = "SELECT skipped FROM messages WHERE conversation = ? AND key = ?"
        (skipped,) = self._db.execute(query, place).fetchone()
        self.lose(message.skipped or skipped or "repeated messages")
        if skipped and not message.skipped:
            self._db.execute("DELETE FROM messages WHERE conversation = ? AND key = ?", place)
            self._db.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def _next_number(self) -> int:
        self._last_number += 1
        return self._last_number

    # --- after everything was read ------------------------------------------------------------------------------------

    def arrange(self) -> None:
        """Makes the content such as a server takes it: one direct conversation of the same people, threads of one
        level, and no reply before the first message of its thread. Call it when everything has been added.
        """
        self._join_direct_conversations()
        self._flatten_threads()
        self._drop_skipped()
        self._move_early_replies()

    def _join_direct_conversations(self) -> None:
        """Joins the direct conversations of the same people into one. A direct conversation of one person becomes a
        group, since that of a server has two members."""
        kept: dict[frozenset[str], str] = {}
        for key in self.conversations():
            conversation = self.conversation(key)
            if conversation.kind != "direct":
                continue
            first_key = kept.setdefault(frozenset(conversation.members), key)
            if first_key != key:
                self._join(conversation, self.conversation(first_key))
            elif len(conversation.members) == 1:
                conversation.kind = "group"
                self._put_conversation(conversation)

    def _join(self, conversation: SourceConversation, kept: SourceConversation) -> None:
        self._rename_clashing(conversation.key, kept.key)
        self._db.execute("UPDATE messages SET conversation = ? WHERE conversation = ?", (kept.key, conversation.key))
        self._db.execute("DELETE FROM conversations WHERE key = ?", (conversation.key,))
        created = [each for each in (conversation.created_ms, kept.created_ms) if each is not None]
        kept.created_ms = min(created, default=None)
        self._put_conversation(kept)
        self.drop("direct conversations that were joined with another one of the same people")

    def _rename_clashing(self, conversation: str, kept: str) -> None:
        """Gives the messages of a conversation other keys where messages of the conversation `kept` have them. Removes
        those that are the same message."""
        clashing = self._db.execute(
            "SELECT a.key, a.body, b.body FROM messages a JOIN messages b ON b.key = a.key "
            "WHERE a.conversation = ? AND b.conversation = ?",
            (conversation, kept),
        ).fetchall()
        for key, body, other_body in clashing:
            message, other = _message.decode(body), _message.decode(other_body)
            if (message.sender, message.text, message.files) == (other.sender, other.text, other.files):
                self._db.execute("DELETE FROM messages WHERE conversation = ? AND key = ?", (conversation, key))
                self.message_count -= 1
                self.lose(message.skipped or "repeated messages")
                continue
            new = {"new": f"{key}-{conversation}", "conversation": conversation, "key": key}
            self._db.execute("UPDATE messages SET key = :new WHERE conversation = :conversation AND key = :key", new)
            self._db.execute(
                "UPDATE messages SET thread = :new WHERE conversation = :conversation AND thread = :key", new
            )

    def _put_conversation(self, conversation: SourceConversation) -> None:
        row = (msgspec.json.encode(conversation), conversation.key)
        self._db.execute("UPDATE conversations SET body = ? WHERE key = ?", row)

    def _flatten_threads(self) -> None:
        """Puts the replies to a reply into the thread of that reply."""
        changed = 1
        for _ in range(_LEVELS_MAX):
            self._db.execute("UPDATE messages SET thread = NULL WHERE thread = key")
            if not changed:
                break
            changed = self._db.execute(
                "UPDATE messages SET thread = (SELECT root.thread FROM messages root WHERE root.conversation = "
                "messages.conversation AND root.key = messages.thread) WHERE EXISTS (SELECT 1 FROM messages root WHERE "
                "root.conversation = messages.conversation AND root.key = messages.thread AND root.thread IS NOT NULL)"
            ).rowcount

    def _drop_skipped(self) -> None:
        """Drops and counts the skipped messages, except those that begin a thread: their authors are added."""
        for kind, count in self._db.execute("SELECT skipped, count(*) FROM unneeded GROUP BY skipped").fetchall():
            self.lose(kind, count)
            self.message_count -= count
        self._db.execute(
            "DELETE FROM messages WHERE (conversation, place, number) IN "
            "(SELECT conversation, place, number FROM unneeded)"
        )
        for (body,) in self._db.execute("SELECT body FROM messages WHERE skipped IS NOT NULL"):
            author = _message.decode(body).author
            if author is not None:
                self.people.add(author)
            self.drop(NOTES)

    def _move_early_replies(self) -> None:
        """Gives the replies that are older than the first message of their thread the time of that message, and keeps
        their order."""
        early = self._db.execute(
            "SELECT DISTINCT root.conversation, root.key, root.place FROM messages reply JOIN messages root "
            "ON root.conversation = reply.conversation AND root.key = reply.thread "
            "WHERE reply.thread IS NOT NULL AND (reply.place, reply.number) < (root.place, root.number)"
        ).fetchall()
        for conversation, root, place in early:
            replies = self._db.execute(
                "SELECT place, number FROM messages WHERE conversation = ? AND thread = ? AND place <= ? "
                "ORDER BY place, number",
                (conversation, root, place),
            ).fetchall()
            for reply in replies:
                self._db.execute(
                    "UPDATE messages SET place = ?, number = ? WHERE (conversation, place, number) = (?, ?, ?)",
                    (place, self._next_number(), conversation, *reply),
                )

    def has_conversation(self, key: str) -> bool:
        return self._db.execute("SELECT 1 FROM conversations WHERE key = ?", (key,)).fetchone() is not None

    def conversations(self) -> list[str]:
        """Returns the sorted keys (ids in the source system) of all conversations."""
        return [key for (key,) in self._db.execute("SELECT key FROM conversations ORDER BY key")]

    def conversation(self, key: str) -> SourceConversation:
        (body,) = self._db.execute("SELECT body FROM conversations WHERE key = ?", (key,)).fetchone()
        return _conversation.decode(body)

    def messages(self, conversation: str) -> Iterator[SourceMessage]:
        """Yields the messages of a conversation, oldest first. Other methods may be called between two messages."""
        # What the columns say may have changed since the message was added.
        place, number = -1, -1
        while True:
            rows = self._db.execute(
                "SELECT place, number, key, thread, body FROM messages WHERE conversation = ? "
                "AND (place, number) > (?, ?) ORDER BY place, number LIMIT ?",
                (conversation, place, number, _FETCHED),
            ).fetchall()
            for place, number, key, thread, body in rows:  # noqa: B007 (the last ones are where the next rows begin)
                message = _message.decode(body)
                message.conversation, message.order, message.key, message.thread = conversation, place, key, thread
                yield message
            if len(rows) < _FETCHED:
                return

    def senders(self, conversation: str) -> list[str]:
        """Returns the keys (ids in the source system) of the users that wrote messages in a conversation."""
        rows = self._db.execute(
            "SELECT DISTINCT json_extract(CAST(body AS TEXT), '$.sender') FROM messages WHERE conversation = ?",
            (conversation,),
        )
        return sorted(key for (key,) in rows)

    def first_ms(self, conversation: str) -> int | None:
        """Returns the time of a conversation's oldest message, in milliseconds since 1970; None if it has none."""
        found = self._db.execute("SELECT min(place) FROM messages WHERE conversation = ?", (conversation,)).fetchone()
        return None if found[0] is None else found[0] // 1000

    def has_message(self, conversation: str, key: str) -> bool:
        found = self._db.execute("SELECT 1 FROM messages WHERE conversation = ? AND key = ?", (conversation, key))
        return found.fetchone() is not None

    def has_replies(self, conversation: str, key: str) -> bool:
        """Returns whether a message begins a thread."""
        query = "SELECT 1 FROM messages WHERE conversation = ? AND thread = ? LIMIT 1"
        return self._db.execute(query, (conversation, key)).fetchone() is not None

    def put_sent(self, conversation: str, key: str, message_id: str) -> None:
        """Records the id on the server of a message, which is given by its own and its conversation's key. An empty
        text as `message_id` says that the message was deleted there."""
        self._db.execute("INSERT OR REPLACE INTO sent VALUES (?, ?, ?)", (conversation, key, message_id))

    def sent_id(self, conversation: str, key: str) -> str | None:
        """Returns the id on the server that `put_sent` recorded for a message (empty if the message was deleted there);
        None if it recorded none."""
        found = self._db.execute(
            "SELECT message_id FROM sent WHERE conversation = ? AND key = ?", (conversation, key)
        ).fetchone()
        return None if found is None else str(found[0])


def _count(counts: Dropped, kind: str, count: int) -> None:
    kind = printable(kind)
    if count:
        counts[kind if kind in counts or len(counts) < KINDS_MAX else OTHER] += count
