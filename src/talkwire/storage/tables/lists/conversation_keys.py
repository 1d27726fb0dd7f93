"""The index of conversations by keys of their metadata, and how far it is complete for each key.

It has the keys that are registered in `indexed_keys`, whatever the setting of a node says, so that nodes with different
settings keep the index alike. Each change of a conversation's metadata changes the index in its own transaction;
conversations from before a key was registered are added in steps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, delete, insert, select, tuple_, update

from talkwire.core.domain.search.metadata_keys import KeyedText, texts_of
from talkwire.storage.schema import conversation_keys, conversations, indexed_keys, nodes
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.sql.values import from_json

_columns = (conversation_keys.c.key, conversation_keys.c.value, conversation_keys.c.conversation_id)
_put = upsert(conversation_keys).on_conflict_do_nothing()

_START = ""
"""Value of `after_id` for a key for which no conversation is indexed yet."""


class ConversationKeyRows(Reads):
    """Indexes existing conversations. Implements `core.ports.stores.ConversationKeys`; the transaction has locked the
    log's head, so that no other changes a conversation meanwhile."""

    def index_more(self, keys: Collection[str], limit: int, now_ms: int) -> bool:
        if self._are_older_nodes(now_ms):
            self._connection.execute(update(indexed_keys).values(after_id=_START))
            return False
        known = self._registered()
        new = [key for key in keys if key not in known]
        if new:
            self._connection.execute(insert(indexed_keys), [{"key": key, "after_id": _START} for key in new])
        incomplete = {key: after_id for key in keys if (after_id := known.get(key, _START)) is not None}
        if not incomplete:
            return False
        after_id = next(iter(incomplete.values()))
        together = [key for key, other_id in incomplete.items() if other_id == after_id]
        last_id = self._index_after(after_id, together, limit)
        moved = update(indexed_keys).where(indexed_keys.c.key.in_(together))
        self._connection.execute(moved.values(after_id=last_id))
        return last_id is not None or len(together) < len(incomplete)

    def drop_others(self, keys: Collection[str], limit: int) -> bool:
        key = next((key for key in self._registered() if key not in keys), None)
        if key is None:
            return False
        row = indexed_keys.c.key == key
        # Not complete any more, for a node that has the key in its setting.
        self._connection.execute(update(indexed_keys).where(row).values(after_id=_START))
        some = select(*_columns).where(conversation_keys.c.key == key).limit(limit)
        dropped = self._connection.execute(delete(conversation_keys).where(tuple_(*_columns).in_(some)))
        if dropped.rowcount < limit:
            self._connection.execute(delete(indexed_keys).where(row))
        return True

    def _are_older_nodes(self, now_ms: int) -> bool:
        """Returns whether a node runs whose version does not index the metadata that it writes."""
        older = select(nodes.c.id).where(nodes.c.lease_until_ms > now_ms, nodes.c.indexes_keys.is_(False))
        return self._connection.execute(older.limit(1)).first() is not None

    def _registered(self) -> Mapping[str, str | None]:
        """Returns registered key -> the conversation up to which it is indexed, None if it is complete."""
        rows = self._connection.execute(select(indexed_keys).order_by(indexed_keys.c.key))
        return {row.key: row.after_id for row in rows}

    def _index_after(self, after_id: str, keys: Collection[str], limit: int) -> str | None:
        """Indexes at most `limit` conversations by these keys, those after `after_id` in the order of ids. Returns the
        id of the last one, or None at the end."""
        later = conversations.c.id > after_id, conversations.c.deleted_ms.is_(None)
        found = select(conversations.c.id, conversations.c.metadata).where(*later).order_by(conversations.c.id)
        rows = self._connection.execute(found.limit(limit)).all()
        for row in rows:
            _insert(self._connection, row.id, texts_of(from_json(row.metadata), keys))
        return rows[-1].id if len(rows) == limit else None


def index_metadata(
    connection: Connection,
    conversation_id: str,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
) -> None:
    """Changes the index when a conversation's metadata changes; None stands for that of a conversation which does not
    exist yet or any more. Does nothing if it stays the same."""
    if (before or {}) == (after or {}):
        return
    keys = connection.execute(select(indexed_keys.c.key)).scalars().all()
    old, new = texts_of(before, keys), texts_of(after, keys)
    for text in old - new:
        row = conversation_keys.c.key == text.key, conversation_keys.c.value == text.text
        connection.execute(
            delete(conversation_keys).where(*row, conversation_keys.c.conversation_id == conversation_id)
        )
    _insert(connection, conversation_id, new - old)


def _insert(connection: Connection, conversation_id: str, texts: Iterable[KeyedText]) -> None:
    rows = [{"key": key, "value": text, "conversation_id": conversation_id} for key, text in sorted(texts)]
    if rows:
        connection.execute(_put, rows)
