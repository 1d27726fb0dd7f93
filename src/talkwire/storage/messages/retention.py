"""Deletes the content of messages that are not kept any longer: of old messages, by the configured retention times, and
of deleted conversations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, exists, select, text, update

from talkwire.core.domain.events import ConversationDeleted
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import User
from talkwire.storage.messages.changes import (
    clear_messages,
    clearable_between,
    clearable_in,
    clearable_in_run,
    oldest_clearable_ms,
    write_messages,
)
from talkwire.storage.messages.imports import due_runs, forget_due, set_due
from talkwire.storage.schema import conversations, imports, log, log_head, messages, reports, spans, users
from talkwire.storage.tables.conversations import prune_apart
from talkwire.storage.tables.moderation.reports import forget_old
from talkwire.storage.tables.users import to_user
from talkwire.storage.workspace import Changes

CLEARED_AT_ONCE = 200
"""Most messages whose content one step clears."""

RUNS_AT_ONCE = 100
"""Most runs (consecutive imported messages) that one step visits, by a statement for each. Nobody can send
meanwhile."""

CONVERSATIONS_AT_ONCE = 100
"""Most conversations with their own retention time that one step visits."""

HOLDS_NAMED_MAX = 10
"""Most conversations or users on hold that an error names."""

DAY_MS = 86_400_000
"""Number of milliseconds of a day."""

# As the partial indexes spell their conditions: with "= 1" SQLite would not use them.
_held_users = select(users.c.id).where(text("users.hold")).order_by(users.c.id)
_apart = select(conversations.c.id).where(conversations.c.pruned_seq.is_not(None))
_next_apart: Select[Any] = (
    select(conversations.c.id, conversations.c.retention_days, conversations.c.hold, conversations.c.pruned_seq)
    .where(
        conversations.c.pruned_seq.is_not(None),
        conversations.c.deleted_ms.is_(None),
        conversations.c.id > bindparam("after_id"),
    )
    .order_by(conversations.c.id)
    .limit(CONVERSATIONS_AT_ONCE)
)
_next_due = oldest_clearable_ms(imports.c.conversation_id, imports.c.from_seq, imports.c.to_seq)


class RetentionRows(Changes):
    """Deletes the content of old messages, and old events of the log, in a write transaction that has locked the log's
    head. Implements `core.ports.stores.Retention`."""

    def prune(self, before_ms: int, limit: int) -> bool:
        # Other commands of the same batch may change the same messages, before this one and after it.
        write_messages(self._workspace)
        self._workspace.forget_messages()
        more = self._prune_imported(before_ms, limit)
        more = self._prune_log(before_ms, limit) or more
        forget_old(self._workspace.connection, before_ms, reports.c.conversation_id.not_in(_apart))
        return more

    def _prune_imported(self, before_ms: int, limit: int) -> bool:
        """Clears (deletes the content of) at most `limit` imported messages that were sent before `before_ms`
        (milliseconds since 1970), run by run, beginning with the run whose messages are the oldest. Returns whether
        there may be more.

        For each run (consecutive imported messages) that has no more messages to clear now, stores when its next
        message is due.
        """
        connection = self._workspace.connection
        runs = due_runs(connection, before_ms, RUNS_AT_ONCE, imports.c.conversation_id.not_in(_apart))
        found: list[Row[Any]] = []
        visited: list[Row[Any]] = []
        for run in runs:
            # Times ascend within a run.
            found += clearable_in_run(connection, run, before_ms, limit - len(found))
            if len(found) == limit:
                break
            visited.append(run)
        is_full = len(found) == limit
        found = self._unheld(found)
        set_due(connection, visited, _next_due, before_ms)
        clear_messages(connection, found, self._workspace.now_ms)
        return is_full or len(runs) == RUNS_AT_ONCE

    def _prune_log(self, before_ms: int, limit: int) -> bool:
        connection = self._workspace.connection
        floor = connection.execute(select(log_head.c.floor)).scalar_one()
        found = connection.execute(
            select(log.c.pos, log.c.at_ms).where(log.c.pos > floor).order_by(log.c.pos).limit(limit)
        ).all()
        # Clocks can go backwards, positions cannot: it ends at the first event that is young enough.
        young = next((place for place, row in enumerate(found) if row.at_ms >= before_ms), len(found))
        if not young:
            return False
        new_floor = found[young - 1].pos
        # A message's id is the position at which it was sent.
        rows = self._unheld(clearable_between(connection, id_at(floor), id_at(new_floor)))
        clear_messages(connection, rows, self._workspace.now_ms)
        connection.execute(delete(log).where(log.c.pos <= new_floor))
        connection.execute(update(log_head).values(floor=new_floor))
        return young == limit

    def _unheld(self, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
        """Returns those of the rows whose messages may be cleared now: rows of conversations that are not pruned
        separately.

        A conversation with a message of a user on hold, which must not be deleted, is from now on pruned separately
        (`prune_apart`), so that its other messages are cleared soon, and the held ones once the hold is lifted.
        """
        connection = self._workspace.connection
        held_ids = set(connection.execute(_held_users).scalars())
        apart = {row.conversation_id for row in rows if row.sender_id in held_ids}
        if apart:
            prune_apart(connection, *sorted(apart))
        if rows:
            ids = sorted({row.conversation_id for row in rows})
            apart |= set(connection.execute(_apart.where(conversations.c.id.in_(ids))).scalars())
        return [row for row in rows if row.conversation_id not in apart]

    def prune_apart(self, now_ms: int, retention_ms: int | None, after_id: str, limit: int) -> str | None:
        write_messages(self._workspace)
        self._workspace.forget_messages()
        connection = self._workspace.connection
        visited = connection.execute(_next_apart, {"after_id": after_id}).all()
        held_ids = connection.execute(_held_users).scalars().all()
        for row in visited:
            kept_ms = retention_ms if row.retention_days is None else row.retention_days * DAY_MS
            if row.hold or kept_ms is None:
                continue
            cleared = self._clear_old(row, now_ms - kept_ms, limit, held_ids)
            limit -= cleared
            if limit <= 0:
                return after_id
            after_id = row.id
        return visited[-1].id if len(visited) == CONVERSATIONS_AT_ONCE else None

    def _clear_old(self, conversation: Row[Any], before_ms: int, limit: int, held_ids: Sequence[str]) -> int:
        """Clears (deletes the content of) at most `limit` messages of a conversation that were sent before `before_ms`
        (milliseconds since 1970), except those of the users `held_ids`. Stores the `seq` up to which all messages are
        cleared, and returns how many were cleared now."""
        connection, id_ = self._workspace.connection, conversation.id
        unheld = messages.c.sender_id.not_in(held_ids), messages.c.created_ms < before_ms
        forget_old(connection, before_ms, reports.c.conversation_id == id_, reports.c.author_id.not_in(held_ids))
        rows = clearable_in(connection, id_, conversation.pruned_seq, limit, *(unheld if held_ids else unheld[1:]))
        if not rows:
            return 0
        clear_messages(connection, rows, self._workspace.now_ms)
        # The next pass begins at the first message that is left. It may be one of a held user.
        left = clearable_in(connection, id_, conversation.pruned_seq, 1)
        pruned_seq = left[0].seq - 1 if left else rows[-1].seq
        connection.execute(update(conversations).where(conversations.c.id == id_).values(pruned_seq=pruned_seq))
        return len(rows)

    def held_conversations(self, user_id: str) -> Sequence[str]:
        held = (
            select(conversations.c.id)
            .join(spans, spans.c.conversation_id == conversations.c.id)
            .where(spans.c.user_id == user_id, conversations.c.hold)
        )
        found = held.distinct().order_by(conversations.c.id).limit(HOLDS_NAMED_MAX)
        return self._workspace.connection.execute(found).scalars().all()

    def held_members(self, conversation_id: str) -> Sequence[User]:
        # A held user is rare, so the statement starts with those.
        was_member = exists().where(spans.c.user_id == users.c.id, spans.c.conversation_id == conversation_id)
        held = select(users).where(text("users.hold"), was_member).order_by(users.c.id).limit(HOLDS_NAMED_MAX)
        return [to_user(row) for row in self._workspace.connection.execute(held)]


class DeletedConversations:
    """The work of a follower (a background task that processes the log): clears the messages of deleted conversations,
    at most CLEARED_AT_ONCE (200) in one step. `clock_ms` returns milliseconds since 1970, for the time of the
    deletion."""

    name = "deleted-conversations"
    from_start = True
    range_size = 10_000

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
            # Looks at all of them once more, in case a step failed and left something.
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
        """Returns rows of at most CLEARED_AT_ONCE messages of the conversation that still have content. Starts after
        the last message that was cleared, to skip the tombstones."""
        cleared_id, cleared_seq = self._cleared
        after_seq = cleared_seq if cleared_id == conversation_id else 0
        return clearable_in(connection, conversation_id, after_seq, CLEARED_AT_ONCE)
