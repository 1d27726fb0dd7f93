"""Records which messages were imported from another system. Consecutive imported messages form a run, so counting them
costs the same however many they are.

    imported up to a seq = messages in earlier runs + the part of the last run up to that seq

Imported messages are never unread. Neither tombstones nor the members' own counts include them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    bindparam,
    case,
    exists,
    func,
    insert,
    select,
    update,
)

from talkwire.storage.schema import imports
from talkwire.storage.workspace import ImportedRun


def write_run(connection: Connection, run: ImportedRun) -> None:
    """Stores a run of consecutively imported messages. If it directly follows the conversation's last run, extends that
    run."""
    of_conversation = imports.c.conversation_id == run.conversation_id
    longer = update(imports).where(of_conversation, imports.c.to_seq == run.from_seq - 1)
    # A run without `due_ms` has only cleared messages, and the new ones are not.
    due_ms = func.coalesce(imports.c.due_ms, run.oldest_ms)
    if connection.execute(longer.values(to_seq=run.to_seq, due_ms=due_ms)).rowcount:
        return
    last = select(imports).where(of_conversation).order_by(imports.c.from_seq.desc()).limit(1)
    before = connection.execute(last).one_or_none()
    row = {
        "conversation_id": run.conversation_id,
        "from_seq": run.from_seq,
        "to_seq": run.to_seq,
        "earlier": 0 if before is None else before.earlier + before.to_seq - before.from_seq + 1,
        "due_ms": run.oldest_ms,
    }
    connection.execute(insert(imports), row)


def imported_count(
    conversation_id: ColumnElement[str], up_to_seq: ColumnElement[int] | None = None
) -> ScalarSelect[int]:
    """Returns a subquery for the number of imported messages of a conversation, in all or up to `up_to_seq`; NULL if
    there are none."""
    run = imports.alias()
    end: ColumnElement[int] = run.c.to_seq
    found = run.c.conversation_id == conversation_id
    if up_to_seq is not None:
        end = case((run.c.to_seq < up_to_seq, run.c.to_seq), else_=up_to_seq)
        found &= run.c.from_seq <= up_to_seq
    counted = run.c.earlier + end - run.c.from_seq + 1
    return select(counted).where(found).order_by(run.c.from_seq.desc()).limit(1).scalar_subquery()


def is_imported(conversation_id: ColumnElement[str], seq: ColumnElement[int]) -> ColumnElement[bool]:
    """Returns the SQL condition that the message with this `seq` was imported. A query evaluates it by one index lookup
    for each message."""
    run = imports.alias()
    return exists().where(run.c.conversation_id == conversation_id, run.c.from_seq <= seq, run.c.to_seq >= seq)


def due_runs(
    connection: Connection, before_ms: int, limit: int, *conditions: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    """Returns at most `limit` runs (rows of `imports`: consecutive imported messages) that have messages sent before
    `before_ms` (milliseconds since 1970) which retention has to delete. The runs with the oldest messages come first.
    Only runs that meet the SQL `conditions` on `imports` are returned."""
    due = select(imports).where(imports.c.due_ms < before_ms, *conditions).order_by(imports.c.due_ms).limit(limit)
    return connection.execute(due).all()


def set_due(connection: Connection, runs: Sequence[Row[Any]], due_ms: ScalarSelect[int], before_ms: int) -> None:
    """Stores for each run (a row of `imports`) the time from which retention looks at the run again: when its oldest
    kept message was sent, NULL if none is left. `due_ms` is the subquery for this time, made by `oldest_clearable_ms`;
    `before_ms`, its parameter, is the time up to which messages were cleared, in milliseconds since 1970."""
    of_run = imports.c.conversation_id == bindparam("of_conversation"), imports.c.from_seq == bindparam("of_seq")
    rows = [{"of_conversation": run.conversation_id, "of_seq": run.from_seq, "before_ms": before_ms} for run in runs]
    if rows:
        connection.execute(update(imports).where(*of_run).values(due_ms=due_ms), rows)


def forget_due(connection: Connection, conversation_id: str, up_to_seq: int) -> None:
    """Excludes the conversation's runs of imported messages up to `up_to_seq` from retention, because the follower
    `DeletedConversations` clears their messages."""
    of_conversation = imports.c.conversation_id == conversation_id, imports.c.from_seq <= up_to_seq
    connection.execute(update(imports).where(*of_conversation, imports.c.due_ms.is_not(None)).values(due_ms=None))
