"""Payloads of receipts (how far a member has read or received a conversation), and of counts of unread messages."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.receipts import Receipt, UnreadTotal
from talkwire.core.domain.events import MessagesDelivered, MessagesRead, ReadPositionMoved, UnreadChanged
from talkwire.payloads.payload import Payload, iso, iso_or_none


class ReadReceiptPayload(Payload, frozen=True):
    """A read receipt: the member `userId` has read all messages of the conversation up to `messageId`."""

    conversation_id: str
    user_id: str
    message_id: str
    seq: int
    read_at: str


class DeliveredReceiptPayload(Payload, frozen=True):
    """A delivery receipt: the devices of the member `userId` have received all messages of the conversation up to
    `messageId`."""

    conversation_id: str
    user_id: str
    message_id: str
    seq: int
    delivered_at: str


class UnreadPayload(Payload, frozen=True, omit_defaults=False):
    """The numbers of messages of a conversation that the user has not read, and of unread messages that mention the
    user. `readSeq` is present if the user's own read position changed without a receipt for others."""

    conversation_id: str
    unread_count: int
    mention_count: int
    read_seq: int | msgspec.UnsetType = msgspec.UNSET


class UnreadTotalPayload(Payload, frozen=True, omit_defaults=False):
    """The user's unread messages in all conversations. `messages` is the number that a push has as `badge`: in muted
    and archived conversations only mentions count."""

    messages: int
    mentions: int
    conversations: int


class ReceiptPayload(Payload, frozen=True):
    """The receipt of one member for one message: whether the member has received and read it. `deliveredAt` and
    `readAt` are when the member's position last changed; if missing, the member has not received or read the message.
    """

    user_id: str
    name: str
    avatar: str | None = None
    delivered_at: str | None = None
    read_at: str | None = None


def read_receipt_payload(event: MessagesRead) -> ReadReceiptPayload:
    return ReadReceiptPayload(event.conversation_id, event.user_id, str(event.message_id), event.seq, iso(event.at_ms))


def delivered_receipt_payload(event: MessagesDelivered) -> DeliveredReceiptPayload:
    return DeliveredReceiptPayload(
        event.conversation_id, event.user_id, str(event.message_id), event.seq, iso(event.at_ms)
    )


def unread_payload(event: UnreadChanged) -> UnreadPayload:
    return UnreadPayload(event.conversation_id, event.unread_count, event.mention_count)


def moved_position_payload(event: ReadPositionMoved) -> UnreadPayload:
    return UnreadPayload(event.conversation_id, event.unread_count, event.mention_count, event.seq)


def unread_total_payload(total: UnreadTotal) -> UnreadTotalPayload:
    return UnreadTotalPayload(total.messages, total.mentions, total.conversations)


def receipt_payload(receipt: Receipt) -> ReceiptPayload:
    delivered = iso_or_none(receipt.delivered_ms)
    read = iso_or_none(receipt.read_ms)
    return ReceiptPayload(receipt.user_id, receipt.name, receipt.avatar, delivered, read)
