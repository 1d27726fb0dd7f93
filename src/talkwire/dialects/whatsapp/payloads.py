"""Payloads of the `whatsapp` dialect (the vocabulary for a messenger in the style of WhatsApp), in both directions,
over sockets and REST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from talkwire.core.commands.messages import EditMessage, SendMessage
from talkwire.core.commands.receipts import ReadMark, Status
from talkwire.core.domain.errors import ChatError, ErrorCode
from talkwire.core.domain.events import (
    CardDecided,
    MessageEdited,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    PresenceChanged,
    StreamStateChanged,
    TypingChanged,
)
from talkwire.core.domain.model import Message, Presence
from talkwire.dialects.whatsapp.content import (
    ContentBody,
    ContentPayload,
    MessageType,
    TextBody,
    TypeName,
    attached,
    content_payload,
    text_of,
    type_of,
)
from talkwire.payloads.messages import (
    AttachmentPayload,
    PersonPayload,
    ReactionPayload,
    TolerantAttachmentBody,
    attachment_payload,
    attachment_refs,
    reaction_payloads,
)
from talkwire.payloads.payload import Payload, TolerantPayload, iso, iso_or_none
from talkwire.payloads.presence import PresencePayload, presence_payload
from talkwire.payloads.replies import Reply, details_payload

# --- payloads from the client ---------------------------------------------------------------------------------------


class ConversationIdPayload(TolerantPayload, frozen=True):
    conversation_id: str


class SendBody(TolerantPayload, frozen=True):
    """A message to send. `content` is a string, or an object with the members that its `type` allows. It may be missing
    if there are attachments. Without a `type`, the message is a text or has the type of its first attachment. Only
    callers with the role `service` set `senderId`, to the user who sends the message."""

    conversation_id: str
    content: str | ContentBody = ""
    type: TypeName | None = None
    attachments: tuple[TolerantAttachmentBody, ...] | None = None
    client_message_id: str | None = None
    sender_id: str | None = None


class EditPayload(TolerantPayload, frozen=True):
    """The new text or caption of a message. An edit changes neither the type nor the attachments. Only callers with the
    role `service` set `senderId`, to the author of the message."""

    message_id: str
    content: str | TextBody
    sender_id: str | None = None


class MessageIdPayload(TolerantPayload, frozen=True):
    message_id: str


class ReactPayload(TolerantPayload, frozen=True):
    """A reaction to add to a message, or to remove with `remove`. Only callers with the role `service` set `senderId`,
    to the user who reacts."""

    message_id: str
    emoji: str
    remove: bool = False
    sender_id: str | None = None


class MarkPayload(TolerantPayload, frozen=True):
    """The messages to mark as read or delivered: all up to `messageId`, or all messages of the conversation if it is
    omitted."""

    conversation_id: str
    message_id: str | None = None


class UserIdsPayload(TolerantPayload, frozen=True):
    user_ids: tuple[str, ...]


def to_send(given: SendBody) -> SendMessage:
    return SendMessage(
        conversation_id=given.conversation_id,
        content=text_of(given.content),
        client_message_id=given.client_message_id,
        sender_id=given.sender_id,
        attachments=attached(given.type, given.content, attachment_refs(given.attachments)),
    )


def to_edit(given: EditPayload) -> EditMessage:
    return EditMessage(given.message_id, text_of(given.content), given.sender_id)


# --- payloads from the server ---------------------------------------------------------------------------------------


class MessagePayload(Payload, frozen=True):
    """A message. `status` is the lowest status among the other members (`sent`, `delivered` or `read`). The event of an
    edit has no `status`, since an edit does not change the status. `clientMessageId`, `editedAt` and `deletedAt` may be
    missing."""

    id: str
    conversation_id: str
    sender_id: str
    sender: PersonPayload
    type: MessageType
    content: ContentPayload
    attachments: tuple[AttachmentPayload, ...]
    created_at: str
    status: Status | None = None
    client_message_id: str | None = None
    edited_at: str | None = None
    deleted_at: str | None = None


class StatusPayload(Payload, frozen=True):
    """The new status of a message, `delivered` or `read`, for one other member, `userId`."""

    message_id: str
    conversation_id: str
    user_id: str
    status: Status
    timestamp: str


class TypingPayload(Payload, frozen=True):
    conversation_id: str
    user_id: str
    is_typing: bool


class UserPayload(Payload, frozen=True):
    user_id: str


class ErrorEventPayload(Payload, frozen=True):
    """The error of an event for which the client did not request an acknowledgement. `status` is always `error`."""

    status: Literal["error"]
    message: str
    code: ErrorCode
    event: str
    details: Any = None


class EndingPayload(Payload, frozen=True):
    reason: str
    reconnect: bool


def message_payload(message: Message, status: Status | None = None) -> MessagePayload:
    type_ = type_of(message)
    return MessagePayload(
        id=str(message.id),
        conversation_id=message.conversation_id,
        sender_id=message.sender_id,
        sender=PersonPayload(message.sender_id, message.sender_name, message.sender_avatar),
        type=type_,
        content=content_payload(message, type_),
        attachments=tuple(map(attachment_payload, message.attachments)),
        created_at=iso(message.created_ms),
        status=status,
        client_message_id=message.client_message_id,
        edited_at=iso_or_none(message.edited_ms),
        deleted_at=iso_or_none(message.deleted_ms),
    )


def message_received_payload(event: MessageSent | StreamStateChanged) -> MessagePayload:
    return message_payload(event.message, "sent")


def message_updated_payload(event: MessageEdited | StreamStateChanged | CardDecided) -> MessagePayload:
    return message_payload(event.message)


def status_payloads(event: MessagesRead | MessagesDelivered) -> Iterator[tuple[str, StatusPayload]]:
    """Yields a pair for each message that a member has just received or read, but only for the newest 100: the user id
    of the message's author, who receives the event, and the new status."""
    status: Status = "read" if isinstance(event, MessagesRead) else "delivered"
    timestamp = iso(event.at_ms)
    for message_id, author_id in event.covered or ():
        payload = StatusPayload(str(message_id), event.conversation_id, event.user_id, status, timestamp)
        yield author_id, payload


def typing_payload(event: TypingChanged) -> TypingPayload:
    return TypingPayload(event.conversation_id, event.user_id, event.is_typing)


def user_payload(event: PresenceChanged) -> UserPayload:
    return UserPayload(event.presence.user_id)


def error_event(refused: ChatError, event: str) -> tuple[str, ErrorEventPayload]:
    return "error", ErrorEventPayload("error", refused.message, refused.code, event, details_payload(refused))


# --- acknowledgements -----------------------------------------------------------------------------------------------


class RoomReply(Reply, frozen=True, kw_only=True, rename="camel"):
    conversation_id: str


class MessageReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """An acknowledgement with the sent message. Its `status` is `sent`, even if the message was stored by an earlier
    attempt."""

    message: MessagePayload


class ReactionsReply(Reply, frozen=True, kw_only=True, rename="camel"):
    reactions: tuple[ReactionPayload, ...]


class ReadReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """The user's read position in a conversation: `seq` is the number of the last message read, `unreadCount` the
    number of unread messages."""

    conversation_id: str
    seq: int
    unread_count: int


class PresenceReply(Reply, frozen=True, kw_only=True, rename="camel"):
    presence: tuple[PresencePayload, ...]


def room_reply(conversation_id: str) -> RoomReply:
    return RoomReply(conversation_id=conversation_id)


def sent_reply(message: Message) -> MessageReply:
    return MessageReply(message=message_payload(message, "sent"))


def edited_reply(message: Message) -> MessageReply:
    return MessageReply(message=message_payload(message))


def reactions_reply(message: Message) -> ReactionsReply:
    return ReactionsReply(reactions=reaction_payloads(message))


def read_reply(mark: ReadMark) -> ReadReply:
    return ReadReply(conversation_id=mark.conversation_id, seq=mark.seq, unread_count=mark.unread.unread_count)


def presence_reply(found: tuple[Presence, ...]) -> PresenceReply:
    return PresenceReply(presence=tuple(map(presence_payload, found)))
