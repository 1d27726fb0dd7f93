"""Clearing messages that are not to be kept: the old ones, and those of deleted conversations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from talkwire.core.domain.events import ConversationDeleted
from talkwire.core.domain.model import MESSAGE_ID_BASE
from talkwire.storage.messages.changes import (
    clear_messages,
    clearable_between,
    clearable_in,
    clearable_in_run,
    oldest_clearable_ms,
    write_messages,
)
from talkwire.storage.messages.imports import due_runs, forget_due, set_due
from talkwire.storage.schema import imports, log, log_head
from talkwire.storage.workspace import Changes

CLEARED_AT_ONCE = 200

RUNS_AT_ONCE = 100
"""How many runs of imported messages one step visits at most, by a statement for each. Nobody sends meanwhile."""

_next_due = oldest_clearable_ms(imports.c.conversation_id, imports.c.from_seq, imports.c.to_seq)


class RetentionRows(Changes):
    """Implements `core.ports.stores.Retention`. The head is locked by the transaction that this is part of."""

    def prune(self, before_ms: int, limit: int) -> bool:
        # Other commands of the same batch may change the same messages, before this one and after it.
        write_messages(self._workspace)
        self._workspace.forget_messages()
        more = self._prune_imported(before_ms, limit)
        return self._prune_log(before_ms, limit) or more

    def _prune_imported(self, before_ms: int, limit: int) -> bool:
        """Clears imported messages, those of the longest due run first. Returns whether there may be more.

        Of a run whose messages are all cleared then, or that has none, it writes when the next message is due.
        """
        connection = self._workspace.connection
        runs = due_runs(connection, before_ms, RUNS_AT_ONCE)
        found: list[Row[Any]] = []
        visited: list[Row[Any]] = []
        for run in runs:
            # Times ascend within a run.
            found += clearable_in_run(connection, run, before_ms, limit - len(found))
            if len(found) == limit:
                break
            visited.append(run)
        set_due(connection, visited, _next_due, before_ms)
        clear_messages(connection, found, self._workspace.now_ms)
        return len(found) == limit or len(runs) == RUNS_AT_ONCE

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
        rows = clearable_between(connection, MESSAGE_ID_BASE + floor, MESSAGE_ID_BASE + new_floor)
        clear_messages(connection, rows, self._workspace.now_ms)
        connection.execute(delete(log).where(log.c.pos <= new_floor))
        connection.execute(update(log_head).values(floor=new_floor))
        return young == limit


class DeletedConversations:
    """The work of the follower that clears the messages of deleted conversations."""

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
        """Returns some messages that are no tombstones. It continues behind the last one cleared: tombstones stay."""
        cleared_id, cleared_seq = self._cleared
        after_seq = cleared_seq if cleared_id == conversation_id else 0
        return clearable_in(connection, conversation_id, after_seq, CLEARED_AT_ONCE)
