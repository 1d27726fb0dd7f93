"""The routes of receipts, and their answer: the caller's read position."""

from __future__ import annotations

from talkwire.api.operation_routes import routes_of
from talkwire.core.commands.receipts import ReadMark
from talkwire.operations.messages import receipts
from talkwire.payloads.payload import Payload


class ReadAnswer(Payload, frozen=True, omit_defaults=False):
    """The caller's read position in a conversation: `seq` is the number of the last message read, `unreadCount` the
    number of unread messages, and `mentionCount` how many of these mention the caller."""

    conversation_id: str
    seq: int
    unread_count: int
    mention_count: int


async def read_answer(mark: ReadMark, *_: object) -> ReadAnswer:
    return ReadAnswer(mark.conversation_id, mark.seq, mark.unread.unread_count, mark.unread.mention_count)


receipt_routes = routes_of(
    receipts.OPERATIONS,
    answers={
        "POST /conversations/{conversation_id}/read": read_answer,
        "POST /conversations/{conversation_id}/unread": read_answer,
    },
)
