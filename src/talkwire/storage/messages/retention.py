"""Taking the content of messages that are not to be kept: the old ones, and those of deleted conversations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select, update

from talkwire.core.domain.events import ConversationDeleted
from talkwire.core.domain.model import MESSAGE_ID_BASE
from talkwire.storage.messages.imports import due_messages, forget_due
from talkwire.storage.messages.message_rows import named_by, what_is_beside
from talkwire.storage.messages.search import WordTable
from talkwire.storage.schema import (
    file_links,
    log,
    log_head,
    mentions,
    message_versions,
    messages,
    reactions,
    tombstones,
)
from talkwire.storage.tables.files import make_due
from talkwire.storage.workspace import Workspace

CLEARED_AT_ONCE = 200

_columns: Select[Any] = select(
    messages.c.id,
    messages.c.conversation_id,
    messages.c.seq,
    messages.c.sender_id,
    messages.c.thread_id,
    messages.c.extra,
).where(messages.c.deleted_ms.is_(None))

_clear = (
    update(messages)
    .where(messages.c.id == bindparam("of_id"))
    .values(
        content="",
        extra=None,
        metadata=None,
        reply_to_id=None,
        reaction_count=0,
        pinned_ms=None,
        edited_ms=None,
        deleted_ms=bindparam("now_ms"),
    )
)
_uncount_replies = (
    update(messages)
    .where(messages.c.id == bindparam("root_id"))
    .values(reply_count=messages.c.reply_count - bindparam("gone"))
)
_forget_versions = delete(message_versions).where(message_versions.c.message_id == bindparam("of_id"))
_forget_reactions = delete(reactions).where(reactions.c.message_id == bindparam("of_id"))
_forget_mentions = delete(mentions).where(
    mentions.c.conversation_id == bindparam("of_conversation"),
    mentions.c.user_id == bindparam("of_user"),
    mentions.c.seq == bindparam("of_seq"),
)
_forget_links = delete(file_links).where(
    file_links.c.file_id == bindparam("of_file"), file_links.c.message_id == bindparam("of_id")
)


def clear_messages(connection: Connection, rows: Sequence[Row[Any]], now_ms: int) -> None:
    """Makes tombstones of messages, rows of `_columns`: the same that is left of one that somebody deleted."""
    if not rows:
        return
    ids = [{"of_id": row.id} for row in rows]
    connection.execute(_clear, [{"of_id": row.id, "now_ms": now_ms} for row in rows])
    counted = [
        {"conversation_id": row.conversation_id, "seq": row.seq, "sender_id": row.sender_id}
        for row in rows
        if not what_is_beside(row.extra).imported
    ]
    if counted:
        connection.execute(insert(tombstones), counted)
    connection.execute(_forget_versions, ids)
    connection.execute(_forget_reactions, ids)
    beside = [(row, what_is_beside(row.extra)) for row in rows if row.extra is not None]
    named = [
        {"of_conversation": row.conversation_id, "of_user": user_id, "of_seq": row.seq}
        for row, extra in beside
        for user_id in named_by(extra)
    ]
    if named:
        connection.execute(_forget_mentions, named)
    linked = [
        {"of_file": attachment.id, "of_id": row.id}
        for row, extra in beside
        for attachment in extra.attachments
        if attachment.id is not None
    ]
    if linked:
        connection.execute(_forget_links, linked)
        make_due(connection, {link["of_file"] for link in linked}, now_ms)
    roots = Counter(row.thread_id for row in rows if row.thread_id is not None)
    if roots:
        connection.execute(_uncount_replies, [{"root_id": id_, "gone": gone} for id_, gone in roots.items()])
    WordTable(connection.dialect).put(connection, {row.id: () for row in rows})


class RetentionRows:
    """Implements `core.ports.stores.Retention`. The head is locked by the transaction that this is part of."""

    def __init__(self, workspace: Workspace, now_ms: int) -> None:
        self._workspace = workspace
        self._connection = workspace.connection
        self._now_ms = now_ms

    def prune(self, before_ms: int, limit: int) -> bool:
        """Before and behind it, other commands of the same batch may be at work on the same messages."""
        self._workspace.write_messages()
        self._workspace.forget_messages()
        imported = due_messages(self._connection, _columns, before_ms, limit)
        clear_messages(self._connection, imported.rows, self._now_ms)
        return self._prune_log(before_ms, limit) or imported.more

    def _prune_log(self, before_ms: int, limit: int) -> bool:
        floor = self._connection.execute(select(log_head.c.floor)).scalar_one()
        found = self._connection.execute(
            select(log.c.pos, log.c.at_ms).where(log.c.pos > floor).order_by(log.c.pos).limit(limit)
        ).all()
        # Clocks can go backwards, positions cannot: it ends at the first that is young enough.
        young = next((place for place, row in enumerate(found) if row.at_ms >= before_ms), len(found))
        if not young:
            return False
        new_floor = found[young - 1].pos
        # A message's id is the position at which it was sent.
        between = messages.c.id > MESSAGE_ID_BASE + floor, messages.c.id <= MESSAGE_ID_BASE + new_floor
        clear_messages(self._connection, self._connection.execute(_columns.where(*between)).all(), self._now_ms)
        self._connection.execute(delete(log).where(log.c.pos <= new_floor))
        self._connection.execute(update(log_head).values(floor=new_floor))
        return young == limit


class DeletedConversations:
    """The work of the follower that clears what was said in a conversation that was deleted."""

    name = "deleted-conversations"
    from_start = True
    stretch = 10_000

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self._cleared = "", 0

    def prepare(self, connection: Connection, after: int, until: int) -> tuple[int, Sequence[Row[Any]]]:
        deletion = connection.execute(
            select(log.c.pos, log.c.conversation_id)
            .where(log.c.pos > after, log.c.pos <= until, log.c.type == ConversationDeleted.__name__)
            .order_by(log.c.pos)
            .limit(1)
        ).one_or_none()
        if deletion is None:
            return until, ()
        conversation_id = deletion.conversation_id
        rows = self._uncleared(connection, conversation_id)
        if not rows and self._cleared[0] == conversation_id:
            # To be sure that a step which failed has left nothing behind, it ends with a look at all of them.
            self._cleared = "", 0
            rows = self._uncleared(connection, conversation_id)
        return deletion.pos - 1 if rows else deletion.pos, rows

    def store(self, connection: Connection, prepared: Sequence[Row[Any]]) -> None:
        if not prepared:
            return
        last = prepared[-1]
        forget_due(connection, last.conversation_id, last.seq)
        clear_messages(connection, prepared, self._clock_ms())
        self._cleared = last.conversation_id, last.seq

    def _uncleared(self, connection: Connection, conversation_id: str) -> Sequence[Row[Any]]:
        """Some messages that are no tombstones yet. Looking goes on where it ended, since tombstones stay."""
        cleared_id, cleared_seq = self._cleared
        statement = _columns.where(messages.c.conversation_id == conversation_id)
        if cleared_id == conversation_id:
            statement = statement.where(messages.c.seq > cleared_seq)
        return connection.execute(statement.order_by(messages.c.seq).limit(CLEARED_AT_ONCE)).all()
