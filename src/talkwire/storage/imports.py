"""Which messages were imported: in runs, so that counting them costs the same however many they are.

    imported up to a seq = what earlier runs hold + the part of the last run up to it

Imported messages are never unread. Neither tombstones nor the members' own counts have them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    case,
    exists,
    func,
    insert,
    select,
    update,
)

from talkwire.storage.schema import imports, messages


class ImportedRun(NamedTuple):
    """Messages of one conversation that were imported, without another between them. The oldest is of `oldest_ms`."""

    conversation_id: str
    from_seq: int
    to_seq: int
    oldest_ms: int


def write_run(connection: Connection, run: ImportedRun) -> None:
    """Appends a run to what is known of its conversation: as a part of the last run where it follows that one."""
    of_conversation = imports.c.conversation_id == run.conversation_id
    longer = update(imports).where(of_conversation, imports.c.to_seq == run.from_seq - 1)
    # The messages of a run that is due no more were all cleared; what follows them is not.
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
    """How many messages of a conversation were imported, in all or up to a seq; NULL where none was."""
    run = imports.alias()
    end: ColumnElement[int] = run.c.to_seq
    found = run.c.conversation_id == conversation_id
    if up_to_seq is not None:
        end = case((run.c.to_seq < up_to_seq, run.c.to_seq), else_=up_to_seq)
        found &= run.c.from_seq <= up_to_seq
    counted = run.c.earlier + end - run.c.from_seq + 1
    return select(counted).where(found).order_by(run.c.from_seq.desc()).limit(1).scalar_subquery()


def is_imported() -> ColumnElement[bool]:
    """Whether a message lies in a run. For few messages: it asks for each."""
    run = imports.alias()
    return exists().where(
        run.c.conversation_id == messages.c.conversation_id,
        run.c.from_seq <= messages.c.seq,
        run.c.to_seq >= messages.c.seq,
    )


def due_messages(connection: Connection, columns: Select[Any], before_ms: int, limit: int) -> Sequence[Row[Any]]:
    """Some imported messages from before a time that are no tombstones, the longest due first. A run of which nothing
    is left says when its next message is due."""
    due = imports.c.due_ms < before_ms
    run = connection.execute(select(imports).where(due).order_by(imports.c.due_ms).limit(1)).one_or_none()
    while run is not None:
        within = (
            messages.c.conversation_id == run.conversation_id,
            messages.c.seq >= run.from_seq,
            messages.c.seq <= run.to_seq,
            messages.c.deleted_ms.is_(None),
        )
        # Times ascend within a run.
        oldest = columns.where(*within).order_by(messages.c.seq).limit(limit)
        rows = connection.execute(oldest.where(messages.c.created_ms < before_ms)).all()
        if rows:
            return rows
        next_ms = select(messages.c.created_ms).where(*within).order_by(messages.c.seq).limit(1)
        of_run = (imports.c.conversation_id == run.conversation_id, imports.c.from_seq == run.from_seq)
        connection.execute(update(imports).where(*of_run).values(due_ms=connection.execute(next_ms).scalar()))
        run = connection.execute(select(imports).where(due).order_by(imports.c.due_ms).limit(1)).one_or_none()
    return ()
