"""Events of the messenger dialect about receipts: which messages members have received and read, how many are unread,
and which threads a user follows."""

from __future__ import annotations

from talkwire.core.commands.receipts import ReadMark, UnreadTotal
from talkwire.core.domain.events import (
    Event,
    MessagesDelivered,
    MessagesRead,
    ReadPositionMoved,
    ThreadMarked,
    ThreadUnreadChanged,
    UnreadChanged,
)
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.operation_events import events_of
from talkwire.operations.messages import receipts, threads
from talkwire.payloads.receipts import (
    delivered_receipt_payload,
    moved_position_payload,
    read_receipt_payload,
    unread_payload,
)
from talkwire.payloads.replies import Reply
from talkwire.payloads.threads import thread_mark_payload, thread_unread_payload


class ReadReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """The user's read position in a conversation: `seq` is the number of the last message read, `unreadCount` the
    number of unread messages, and `mentionCount` how many of these mention the user."""

    seq: int
    unread_count: int
    mention_count: int


def _read_reply(mark: ReadMark) -> ReadReply:
    return ReadReply(seq=mark.seq, unread_count=mark.unread.unread_count, mention_count=mark.unread.mention_count)


class UnreadTotalReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """The user's unread messages in all conversations. `messages` is the number that a push has as `badge`: in muted
    and archived conversations only mentions count."""

    messages: int
    mentions: int
    conversations: int


def _unread_reply(total: UnreadTotal) -> UnreadTotalReply:
    return UnreadTotalReply(messages=total.messages, mentions=total.mentions, conversations=total.conversations)


INBOUND = {
    **events_of(
        receipts.OPERATIONS,
        replies={
            "message:read": _read_reply,
            "conversation:mark-unread": _read_reply,
            "unread:get": _unread_reply,
        },
    ),
    **events_of(threads.OPERATIONS),
}

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    MessagesRead: (
        Outbound("message:read:receipt", read_receipt_payload, summary="A member read all messages up to `messageId`."),
    ),
    MessagesDelivered: (
        Outbound(
            "message:delivered:receipt",
            delivered_receipt_payload,
            summary="A member's devices received all messages up to `messageId`.",
        ),
    ),
    UnreadChanged: (
        Outbound(
            "conversation:unread",
            unread_payload,
            summary="The number of messages in a conversation that this user has not read changed.",
        ),
    ),
    ReadPositionMoved: (
        Outbound(
            "conversation:unread",
            moved_position_payload,
            summary="This user marked messages as unread, or read them again.",
        ),
    ),
    ThreadMarked: (
        Outbound(
            "thread:marked",
            thread_mark_payload,
            summary="This user started or stopped following a thread, or read its replies.",
        ),
    ),
    ThreadUnreadChanged: (
        Outbound(
            "thread:marked",
            thread_unread_payload,
            summary="The number of unread replies in a thread that this user follows changed.",
        ),
    ),
}
