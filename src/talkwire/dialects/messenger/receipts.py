"""Events of the messenger dialect about receipts: which messages members have received and read, how many are unread,
and which threads a user follows."""

from __future__ import annotations

from talkwire.core.commands.messages import FollowThread, MarkThreadRead, ThreadMark, UnfollowThread
from talkwire.core.commands.receipts import ReadMark
from talkwire.core.domain.events import (
    Event,
    MessagesDelivered,
    MessagesRead,
    ReadPositionMoved,
    ThreadMarked,
    ThreadUnreadChanged,
    UnreadChanged,
)
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.operation_events import events_of
from talkwire.operations import receipts
from talkwire.payloads.payload import Payload
from talkwire.payloads.receipts import (
    delivered_receipt_payload,
    moved_position_payload,
    read_receipt_payload,
    unread_payload,
)
from talkwire.payloads.replies import Reply
from talkwire.payloads.threads import ThreadMarkPayload, thread_mark_payload, thread_unread_payload


class ThreadIdPayload(Payload, frozen=True):
    """The id of a thread's first message, or of one of its replies, which selects the thread."""

    message_id: str


class ReadThreadPayload(ThreadIdPayload, frozen=True):
    """The replies to mark as read: all replies of the thread up to `replyId`, or all if it is omitted."""

    reply_id: str | None = None


class ThreadReply(Reply, frozen=True, kw_only=True, rename="camel"):
    thread: ThreadMarkPayload


class ReadReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """The user's read position in a conversation: `seq` is the number of the last message read, `unreadCount` the
    number of unread messages, and `mentionCount` how many of these mention the user."""

    seq: int
    unread_count: int
    mention_count: int


def _read_reply(mark: ReadMark) -> ReadReply:
    return ReadReply(seq=mark.seq, unread_count=mark.unread.unread_count, mention_count=mark.unread.mention_count)


def _thread_reply(mark: ThreadMark) -> ThreadReply:
    return ThreadReply(thread=thread_mark_payload(mark))


INBOUND = {
    **events_of(receipts.OPERATIONS, replies={"message:read": _read_reply, "conversation:mark-unread": _read_reply}),
    "thread:follow": Inbound(
        ThreadIdPayload, lambda p: FollowThread(p.message_id), _thread_reply, summary="Follow a thread."
    ),
    "thread:unfollow": Inbound(
        ThreadIdPayload, lambda p: UnfollowThread(p.message_id), _thread_reply, summary="Stop following a thread."
    ),
    "thread:read": Inbound(
        ReadThreadPayload,
        lambda p: MarkThreadRead(p.message_id, p.reply_id),
        _thread_reply,
        summary="Mark replies of a followed thread as read: all, or all up to one.",
    ),
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
