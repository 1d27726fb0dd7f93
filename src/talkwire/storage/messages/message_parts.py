"""What messages have beside themselves: versions, replies, reactions, pins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select, tuple_

from talkwire.core.commands.messages import MessageVersion
from talkwire.core.domain.model import Message, Reaction
from talkwire.storage.messages.message_rows import message_select, read_messages
from talkwire.storage.messages.reaction_rows import first_reactions, group_reactions, reaction_select
from talkwire.storage.schema import message_versions, messages, reactions
from talkwire.storage.sql.lookups import Lookups


class MessagePartRows:
    """Implements `core.ports.stores.MessageParts`."""

    def __init__(self, connection: Connection, lookups: Lookups) -> None:
        self._connection = connection
        self._lookups = lookups

    def versions(self, message_id: int, before_number: int | None, limit: int) -> Sequence[MessageVersion]:
        number = message_versions.c.version
        statement = select(number, message_versions.c.content, message_versions.c.written_ms)
        statement = statement.where(message_versions.c.message_id == message_id)
        if before_number is not None:
            statement = statement.where(number < before_number)
        rows = self._connection.execute(statement.order_by(number.desc()).limit(limit)).all()
        return [MessageVersion(*row) for row in reversed(rows)]

    def replies(
        self,
        root_id: int,
        *,
        after_seq: int | None = None,
        before_seq: int | None = None,
        history_seq: int = 0,
        limit: int,
    ) -> Sequence[Message]:
        seq = messages.c.seq
        statement = message_select.where(messages.c.thread_id == root_id, seq > max(after_seq or 0, history_seq))
        if before_seq is not None:
            statement = statement.where(seq < before_seq)
        if after_seq is not None:
            return self._read(statement.order_by(seq).limit(limit))
        return self._read(statement.order_by(seq.desc()).limit(limit))[::-1]

    def pinned(
        self, conversation_id: str, history_seq: int, before: tuple[int, int] | None, limit: int
    ) -> Sequence[Message]:
        place = (messages.c.pinned_ms, messages.c.id)
        statement = message_select.where(
            messages.c.conversation_id == conversation_id,
            messages.c.pinned_ms.is_not(None),
            # Not "seq > …", lest SQLite goes through the whole conversation by its index of them.
            messages.c.seq - history_seq > 0,
        )
        if before is not None:
            statement = statement.where(tuple_(*place) < before)
        return self._read(statement.order_by(*(column.desc() for column in place)).limit(limit))

    def count_pinned(self, conversation_id: str) -> int:
        pinned = select(func.count()).where(
            messages.c.conversation_id == conversation_id, messages.c.pinned_ms.is_not(None)
        )
        return self._connection.execute(pinned).scalar_one()

    def has_reacted(self, message_id: int, user_id: str, emoji: str) -> bool:
        given = select(reactions.c.pos).where(
            reactions.c.message_id == message_id, reactions.c.user_id == user_id, reactions.c.emoji == emoji
        )
        return self._connection.execute(given).first() is not None

    def reactions_without(self, message_id: int, user_id: str, emoji: str) -> Sequence[Reaction]:
        others = (reactions.c.user_id != user_id) | (reactions.c.emoji != emoji)
        statement = first_reactions(reaction_select.where(reactions.c.message_id == message_id, others))
        return group_reactions(self._connection.execute(statement)).get(message_id, [])

    def _read(self, statement: Select[Any]) -> list[Message]:
        return read_messages(self._connection, self._lookups.reactions, statement)
