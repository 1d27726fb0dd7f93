"""Reads messages for exports of a user's or a conversation's data."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, select

from talkwire.core.domain.model import File, Message
from talkwire.storage.messages.messages import message_select, to_messages
from talkwire.storage.schema import conversations, file_links, files, members, messages, spans
from talkwire.storage.sql.reads import Reads
from talkwire.storage.tables.files import to_file


class ExportRows(Reads):
    """Reads the messages, files and former conversations that only exports of a user's or conversation's data need.
    Implements `core.ports.stores.ExportReads`."""

    def former_conversations(self, user_id: str) -> Sequence[str]:
        is_member = exists().where(
            members.c.conversation_id == spans.c.conversation_id, members.c.user_id == spans.c.user_id
        )
        left = (
            select(spans.c.conversation_id)
            .distinct()
            .join(conversations, conversations.c.id == spans.c.conversation_id)
            .where(spans.c.user_id == user_id, conversations.c.deleted_ms.is_(None), ~is_member)
        )
        return self._connection.execute(left.order_by(spans.c.conversation_id)).scalars().all()

    def messages_from(self, conversation_id: str, user_id: str, after_seq: int, limit: int) -> Sequence[Message]:
        sent = message_select.where(
            messages.c.conversation_id == conversation_id, messages.c.seq > after_seq, messages.c.sender_id == user_id
        )
        rows = self._connection.execute(sent.order_by(messages.c.seq).limit(limit)).all()
        return to_messages(self._connection, rows)

    def files_of(self, owner_id: str, after_id: str, limit: int) -> Sequence[File]:
        own = select(files).where(files.c.owner_id == owner_id, files.c.id > after_id)
        return [to_file(row) for row in self._connection.execute(own.order_by(files.c.id).limit(limit))]

    def files_in(self, conversation_id: str, after_id: str, limit: int) -> Sequence[File]:
        linked = exists().where(file_links.c.file_id == files.c.id, file_links.c.conversation_id == conversation_id)
        found = select(files).where(files.c.id > after_id, linked)
        return [to_file(row) for row in self._connection.execute(found.order_by(files.c.id).limit(limit))]
