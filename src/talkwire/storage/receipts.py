"""How far members have received and read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from talkwire.core.commands.receipts import Reader
from talkwire.core.model import Message
from talkwire.storage.schema import members


def furthest_readers(connection: Connection, conversation_id: str, limit: int) -> Sequence[Reader]:
    """Those who have read furthest. Newcomers begin at the newest message without having read anything."""
    statement = (
        select(members.c.user_id, members.c.read_seq, members.c.history_seq)
        .where(members.c.conversation_id == conversation_id, members.c.read_ms > 0)
        .order_by(members.c.read_seq.desc(), members.c.user_id)
        .limit(limit)
    )
    return [Reader(row.user_id, row.read_seq, row.history_seq) for row in connection.execute(statement)]


def least_progress(connection: Connection, message: Message) -> tuple[int, int] | None:
    """What `Snapshot.least_progress` says."""
    statement = select(func.min(members.c.delivered_seq), func.min(members.c.read_seq)).where(
        members.c.conversation_id == message.conversation_id,
        members.c.user_id != message.sender_id,
        members.c.history_seq < message.seq,
    )
    delivered_seq, read_seq = connection.execute(statement).one()
    return None if delivered_seq is None else (delivered_seq, read_seq)


def is_read(connection: Connection, message: Message) -> bool:
    """Whether somebody has read a message beside its sender; the first who has will do."""
    reader = (
        select(members.c.user_id)
        .where(
            members.c.conversation_id == message.conversation_id,
            members.c.user_id != message.sender_id,
            members.c.read_ms > 0,
            members.c.history_seq < message.seq,
            members.c.read_seq >= message.seq,
        )
        .limit(1)
    )
    return connection.execute(reader).first() is not None
