"""Reads the events of the log that clients show as notices between messages, such as "Ann joined"."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import func, select, text

from talkwire.core.domain.events import Durable
from talkwire.storage.schema import NOTICED, conversations, log
from talkwire.storage.sql.reads import Reads
from talkwire.storage.tables.log import to_events


class NoticeRows(Reads):
    """Reads a conversation's notices: events that clients show between messages, such as "Ann joined". Implements
    `core.ports.stores.Notices`."""

    def events(
        self, conversation_id: str, types: Collection[str], from_pos: int, before_pos: int | None, limit: int
    ) -> Sequence[Durable]:
        # The index is spelt like this, and a statement for each type reads only rows of that type from it.
        noticed = select(log).where(text(NOTICED), log.c.conversation_id == conversation_id, log.c.pos >= from_pos)
        if before_pos is not None:
            noticed = noticed.where(log.c.pos < before_pos)
        newest = noticed.order_by(log.c.pos.desc()).limit(limit)
        rows = [row for type_ in types for row in self._connection.execute(newest.where(log.c.type == type_))]
        rows.sort(key=lambda row: row.pos, reverse=True)
        return to_events(rows[:limit])

    def last_calls(self, conversation_ids: Collection[str]) -> Sequence[Durable]:
        # One seek in the index for each conversation, however many calls it had.
        newest = (
            select(func.max(log.c.pos))
            .where(text(NOTICED), log.c.type == "CallRecorded", log.c.conversation_id == conversations.c.id)
            .scalar_subquery()
        )
        found = self._connection.execute(select(newest).where(conversations.c.id.in_(conversation_ids))).scalars()
        positions = [pos for pos in found if pos is not None]
        # In one statement, PostgreSQL would go through the log.
        rows = self._connection.execute(select(log).where(log.c.pos.in_(positions))).all() if positions else []
        return to_events(rows)
