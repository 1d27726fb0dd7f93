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
    bindparam,
    case,
    exists,
    func,
    insert,
    select,
    update,
)

from talkwire.storage.schema import imports, messages

RUNS_AT_ONCE = 100
"""How many runs one step of retention visits at most, by a statement for each. Nobody sends meanwhile."""

_next_due = (
    select(messages.c.created_ms)
    .where(
        messages.c.conversation_id == imports.c.conversation_id,
        messages.c.seq >= imports.c.from_seq,
        messages.c.seq <= imports.c.to_seq,
        messages.c.created_ms >= bindparam("before_ms"),
        messages.c.deleted_ms.is_(None),
    )
    .order_by(messages.c.seq)
    .limit(1)
    .scalar_subquery()
)
_set_next_due = (
    update(imports)
    .where(imports.c.conversation_id == bindparam("of_conversation"), imports.c.from_seq == bindparam("of_seq"))
    .values(due_ms=_next_due)
)


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


class DueMessages(NamedTuple):
    """Imported messages to clear. `more`: there may be others."""

    rows: Sequence[Row[Any]]
    more: bool


def due_messages(connection: Connection, columns: Select[Any], before_ms: int, limit: int) -> DueMessages:
    """Returns at most `limit` imported messages from before a time that are no tombstones, the longest due first.

    Visits at most `RUNS_AT_ONCE` runs. Of a run whose messages it returns all, or that has none, it writes when the
    next message is due, as if the returned ones were cleared already.
    """
    due = select(imports).where(imports.c.due_ms < before_ms).order_by(imports.c.due_ms).limit(RUNS_AT_ONCE)
    runs = connection.execute(due).all()
    found: list[Row[Any]] = []
    visited: list[dict[str, Any]] = []
    for run in runs:
        of_run = (
            messages.c.conversation_id == run.conversation_id,
            messages.c.seq >= run.from_seq,
            messages.c.seq <= run.to_seq,
            messages.c.created_ms < before_ms,
            messages.c.deleted_ms.is_(None),
        )
        # Times ascend within a run.
        found += connection.execute(columns.where(*of_run).order_by(messages.c.seq).limit(limit - len(found))).all()
        if len(found) == limit:
            break
        visited.append({"of_conversation": run.conversation_id, "of_seq": run.from_seq, "before_ms": before_ms})
    if visited:
        connection.execute(_set_next_due, visited)
    return DueMessages(found, len(found) == limit or len(runs) == RUNS_AT_ONCE)


def forget_due(connection: Connection, conversation_id: str, up_to_seq: int) -> None:
    """Keeps retention from visiting the runs of a conversation whose messages something else clears."""
    of_conversation = imports.c.conversation_id == conversation_id, imports.c.from_seq <= up_to_seq
    connection.execute(update(imports).where(*of_conversation, imports.c.due_ms.is_not(None)).values(due_ms=None))
