"""Events about receipts: which messages members have received and read."""

from __future__ import annotations

from talkwire.core.commands.receipts import MarkDelivered, MarkRead, MarkUnread, ReadMark
from talkwire.core.domain.events import Event, MessagesDelivered, MessagesRead, ReadPositionMoved, UnreadChanged
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.payload import Payload
from talkwire.dialects.payloads.receipts import (
    delivered_receipt_payload,
    moved_position_payload,
    read_receipt_payload,
    unread_payload,
)
from talkwire.dialects.replies import Reply


class MarkPayload(Payload, frozen=True):
    """The messages to mark: all up to `messageId`, or all without it."""

    conversation_id: str
    message_id: str | None = None


class MarkUnreadPayload(Payload, frozen=True):
    """The messages to mark as unread: all from `messageId` on; without it, from the newest message of another member
    on."""

    conversation_id: str
    message_id: str | None = None


class ReadReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """How far the user has now read, and how many messages are still unread."""

    seq: int
    unread_count: int
    mention_count: int


def _read_reply(mark: ReadMark) -> ReadReply:
    return ReadReply(seq=mark.seq, unread_count=mark.unread.unread_count, mention_count=mark.unread.mention_count)


def _reply(_: object) -> Reply:
    return Reply()


INBOUND = {
    "message:read": Inbound(
        MarkPayload,
        lambda p: MarkRead(p.conversation_id, p.message_id),
        _read_reply,
        summary="Mark messages as read: all, or all up to a message.",
    ),
    "conversation:mark-unread": Inbound(
        MarkUnreadPayload,
        lambda p: MarkUnread(p.conversation_id, p.message_id),
        _read_reply,
        summary="Mark messages as unread, from a message on.",
    ),
    "message:delivered": Inbound(
        MarkPayload,
        lambda p: MarkDelivered(p.conversation_id, p.message_id),
        _reply,
        summary="Mark messages as delivered: all, or all up to a message.",
    ),
}

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    MessagesRead: (
        Outbound("message:read:receipt", read_receipt_payload, summary="A member read all messages up to this one."),
    ),
    MessagesDelivered: (
        Outbound(
            "message:delivered:receipt",
            delivered_receipt_payload,
            summary="A member's devices received all messages up to this one.",
        ),
    ),
    UnreadChanged: (
        Outbound(
            "conversation:unread",
            unread_payload,
            summary="The number of unread messages of this user changed.",
        ),
    ),
    ReadPositionMoved: (
        Outbound(
            "conversation:unread",
            moved_position_payload,
            summary="This user marked messages as unread, or read them again.",
        ),
    ),
}
