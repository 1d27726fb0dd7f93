"""How far members have received and read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Exists, case, exists, func, select

from talkwire.core.commands.receipts import MessageReader
from talkwire.core.domain.model import Message
from talkwire.storage.schema import blocks, members


def blocks_user(user_id: str) -> Exists:
    """Whether the member has blocked a user."""
    return exists().where(blocks.c.user_id == members.c.user_id, blocks.c.blocked_id == user_id)


def furthest_readers(
    connection: Connection, conversation_id: str, asker_id: str, limit: int
) -> Sequence[MessageReader]:
    """What `Snapshot.readers` says. Newcomers begin at the newest message without having read anything."""
    statement = (
        select(members.c.user_id, members.c.read_seq, members.c.history_seq)
        .where(members.c.conversation_id == conversation_id, members.c.read_ms > 0, ~blocks_user(asker_id))
        .order_by(members.c.read_seq.desc(), members.c.user_id)
        .limit(limit)
    )
    return [MessageReader(row.user_id, row.read_seq, row.history_seq) for row in connection.execute(statement)]


def least_progress(connection: Connection, message: Message, asker_id: str) -> tuple[int, int] | None:
    """What `Snapshot.least_progress` says."""
    is_withheld = blocks_user(asker_id)
    statement = select(
        func.min(case((is_withheld, 0), else_=members.c.delivered_seq)),
        func.min(case((is_withheld, 0), else_=members.c.read_seq)),
    ).where(
        members.c.conversation_id == message.conversation_id,
        members.c.user_id != message.sender_id,
        members.c.history_seq < message.seq,
    )
    delivered_seq, read_seq = connection.execute(statement).one()
    return None if delivered_seq is None else (delivered_seq, read_seq)


def is_read(connection: Connection, message: Message) -> bool:
    """What `Transaction.has_been_read` says; the first who has read it will do."""
    reader = (
        select(members.c.user_id)
        .where(
            members.c.conversation_id == message.conversation_id,
            members.c.user_id != message.sender_id,
            members.c.read_ms > 0,
            members.c.history_seq < message.seq,
            members.c.read_seq >= message.seq,
            ~blocks_user(message.sender_id),
        )
        .limit(1)
    )
    return connection.execute(reader).first() is not None
