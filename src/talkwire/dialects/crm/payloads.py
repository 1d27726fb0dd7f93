"""Payloads of the `crm` dialect (the vocabulary for clients in a customer relationship management system), in both
directions. These clients call a conversation a chat.

An id that is a canonical number is sent as a JSON number, and accepted as a number or a string (`numeral_ids.py`).
`timestamp` is the time at which an event happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from talkwire.core.clock import now_ms
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.receipts import MessageReader
from talkwire.core.domain.events import (
    CallEnded,
    CallEvent,
    CardDecided,
    MessageDeleted,
    MessageEdited,
    MessageEvent,
    MessageReacted,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    PresenceChanged,
    RoomEntered,
    RoomLeft,
    StreamStateChanged,
    TypingChanged,
    UploadProgressed,
)
from talkwire.core.domain.model import CallEndReason, Message
from talkwire.core.features.messages.reading import has_been_read
from talkwire.operations.socket_commands import SocketIdentity
from talkwire.payloads.messages import AttachmentPayload, attachment_payload
from talkwire.payloads.numeral_ids import NumeralId, numeral, text_of
from talkwire.payloads.payload import Payload, TolerantPayload, iso
from talkwire.payloads.replies import Reply

WORDS = MappingProxyType({"conversationId": "chatId"})
"""Names of members in the `crm` dialect, by their names in commands, for error messages."""


# --- payloads from the client ---------------------------------------------------------------------------------------


class ChatPayload(TolerantPayload, frozen=True):
    chat_id: NumeralId


class SendPayload(TolerantPayload, frozen=True):
    """A message to send to a chat. Only callers with the role `service` set `senderId`, to the user who sends the
    message."""

    chat_id: NumeralId
    content: str
    client_message_id: NumeralId | None = None
    sender_id: NumeralId | None = None


class MessageIdPayload(TolerantPayload, frozen=True):
    message_id: NumeralId


class UpdatePayload(TolerantPayload, frozen=True):
    """The new text of a message. Only callers with the role `service` set `senderId`, to the author of the message."""

    message_id: NumeralId
    content: str
    sender_id: NumeralId | None = None


class ReactPayload(TolerantPayload, frozen=True):
    """A reaction to add to a message, or to remove with `remove`. Only callers with the role `service` set `senderId`,
    to the user who reacts."""

    message_id: NumeralId
    emoji: str
    remove: bool = False
    sender_id: NumeralId | None = None


class TypingPayload(TolerantPayload, frozen=True):
    chat_id: NumeralId
    is_typing: bool = True


class MarkPayload(TolerantPayload, frozen=True):
    """The messages to mark as read or delivered: all up to `messageId`, or all messages of the chat if it is
    omitted."""

    chat_id: NumeralId
    message_id: NumeralId | None = None


class InvitePayload(TolerantPayload, frozen=True):
    """An invitation of other members to a call. If `callId` is omitted, the server generates one."""

    chat_id: NumeralId
    call_id: NumeralId = ""
    to_user_id: NumeralId | None = None
    data: Any = None


class CallPayload(TolerantPayload, frozen=True):
    call_id: NumeralId
    chat_id: NumeralId
    to_user_id: NumeralId | None = None
    data: Any = None


def optional_text(id_: NumeralId | None) -> str | None:
    return None if id_ is None else text_of(id_)


def to_send(given: SendPayload) -> SendMessage:
    return SendMessage(
        conversation_id=text_of(given.chat_id),
        content=given.content,
        client_message_id=optional_text(given.client_message_id),
        sender_id=optional_text(given.sender_id),
    )


# --- messages -------------------------------------------------------------------------------------------------------


class SenderPayload(Payload, frozen=True):
    id: NumeralId
    name: str
    avatar: str | None = None


class ReactionPayload(Payload, frozen=True):
    """An emoji, and the users who reacted to a message with it. `userIds` are the first of all `count` users."""

    emoji: str
    count: int
    user_ids: tuple[NumeralId, ...]


class MessagePayload(Payload, frozen=True):
    """A message. `message` and `content` are both its text. `isRead` says whether another member has read it; it is
    missing when an edit is sent to a large chat."""

    id: NumeralId
    chat_id: NumeralId
    sender_id: NumeralId
    sender: SenderPayload
    message: str
    content: str
    created_at: str
    updated_at: str
    is_read: bool | UnsetType = UNSET
    client_message_id: NumeralId | None = None
    attachments: tuple[AttachmentPayload, ...] = ()
    reactions: tuple[ReactionPayload, ...] = ()


class MessageNewsPayload(Payload, frozen=True):
    message: MessagePayload
    chat_id: NumeralId
    timestamp: str


class MessageDeletedPayload(Payload, frozen=True):
    message_id: NumeralId
    chat_id: NumeralId
    timestamp: str


class MessageReactionPayload(Payload, frozen=True):
    """A reaction that was added to a message or removed from it, and all current reactions to the message."""

    message_id: NumeralId
    chat_id: NumeralId
    user_id: NumeralId
    emoji: str
    action: Literal["added", "removed"]
    reactions: tuple[ReactionPayload, ...]
    timestamp: str


def message_payload(message: Message, *, is_read: bool | UnsetType) -> MessagePayload:
    changed_ms = message.edited_ms or message.created_ms
    client_message_id = message.client_message_id
    return MessagePayload(
        id=message.id,
        chat_id=numeral(message.conversation_id),
        sender_id=numeral(message.sender_id),
        sender=SenderPayload(numeral(message.sender_id), message.sender_name, message.sender_avatar),
        message=message.content,
        content=message.content,
        created_at=iso(message.created_ms),
        updated_at=iso(changed_ms),
        is_read=is_read,
        client_message_id=None if client_message_id is None else numeral(client_message_id),
        attachments=tuple(map(attachment_payload, message.attachments)),
        reactions=reaction_payloads(message),
    )


def read_message_payload(message: Message, readers: Iterable[MessageReader]) -> MessagePayload:
    """Returns the payload of a message with `isRead`: whether one of `readers`, the members of the chat who have read
    furthest, has read the message. The sender does not count."""
    return message_payload(message, is_read=has_been_read(message, readers))


def reaction_payloads(message: Message) -> tuple[ReactionPayload, ...]:
    return tuple(
        ReactionPayload(each.emoji, each.count, tuple(map(numeral, each.user_ids))) for each in message.reactions
    )


def new_message_payload(event: MessageSent | StreamStateChanged) -> MessageNewsPayload:
    return _news(event, is_read=False)


def message_updated_payload(event: MessageEdited | StreamStateChanged | CardDecided) -> MessageNewsPayload:
    is_read = event.read if isinstance(event, MessageEdited) else None
    return _news(event, is_read=UNSET if is_read is None else is_read)


def _news(event: MessageEvent, *, is_read: bool | UnsetType) -> MessageNewsPayload:
    message = message_payload(event.message, is_read=is_read)
    return MessageNewsPayload(message, message.chat_id, iso(event.at_ms))


def message_deleted_payload(event: MessageDeleted) -> MessageDeletedPayload:
    return MessageDeletedPayload(event.message.id, numeral(event.message.conversation_id), iso(event.at_ms))


def message_reaction_payload(event: MessageReacted) -> MessageReactionPayload:
    return MessageReactionPayload(
        message_id=event.message.id,
        chat_id=numeral(event.message.conversation_id),
        user_id=numeral(event.user_id),
        emoji=event.emoji,
        action="added" if event.added else "removed",
        reactions=reaction_payloads(event.message),
        timestamp=iso(event.at_ms),
    )


# --- typing, receipts, presence and uploads -------------------------------------------------------------------------


class UserTypingPayload(Payload, frozen=True):
    chat_id: NumeralId
    user_id: NumeralId
    is_typing: bool
    timestamp: str


class UserInChatPayload(Payload, frozen=True):
    chat_id: NumeralId
    user_id: NumeralId
    timestamp: str


class MessageMarkPayload(Payload, frozen=True):
    """A receipt: the user `userId` has read or received all messages of the chat up to `messageId`."""

    chat_id: NumeralId
    message_id: NumeralId
    user_id: NumeralId
    timestamp: str


class UserPresencePayload(Payload, frozen=True):
    user_id: NumeralId
    timestamp: str


class UploadPayload(Payload, frozen=True):
    """The progress of an upload: `received` of `size` bytes have arrived."""

    upload_id: NumeralId
    received: int
    size: int


def user_typing_payload(event: TypingChanged) -> UserTypingPayload:
    return UserTypingPayload(numeral(event.conversation_id), numeral(event.user_id), event.is_typing, _now())


def user_in_chat_payload(event: RoomEntered | RoomLeft) -> UserInChatPayload:
    return UserInChatPayload(numeral(event.conversation_id), numeral(event.user_id), _now())


def message_mark_payload(event: MessagesRead | MessagesDelivered) -> MessageMarkPayload:
    return MessageMarkPayload(
        numeral(event.conversation_id), event.message_id, numeral(event.user_id), iso(event.at_ms)
    )


def read_payloads_of_authors(event: MessagesRead) -> Iterable[tuple[str, MessageMarkPayload]]:
    """Returns pairs of an author's user id and a read receipt, one for each author of the messages that were just read.
    In large chats only the authors receive read receipts."""
    payload = message_mark_payload(event)
    return [(author, payload) for author in event.authors or () if author != event.user_id]


def user_presence_payload(event: PresenceChanged) -> UserPresencePayload:
    return UserPresencePayload(numeral(event.presence.user_id), _now())


def upload_payload(event: UploadProgressed) -> UploadPayload:
    return UploadPayload(numeral(event.upload_id), event.received, event.size)


def _now() -> str:
    """Returns the current time as text, for the `timestamp` of events that are not stored and so have no time."""
    return iso(now_ms())


# --- calls ----------------------------------------------------------------------------------------------------------


class CallNewsPayload(Payload, frozen=True):
    """A signal of a call: an invitation, an answer, WebRTC data or the end, sent by `userId`. The server passes on
    `data` unchanged from that user's client."""

    call_id: NumeralId
    chat_id: NumeralId
    user_id: NumeralId
    timestamp: str
    to_user_id: NumeralId | None = None
    data: Any = None


class CallEndedPayload(Payload, frozen=True):
    call_id: NumeralId
    chat_id: NumeralId
    reason: CallEndReason
    timestamp: str


def call_payload(event: CallEvent) -> CallNewsPayload:
    return CallNewsPayload(
        call_id=numeral(event.call_id),
        chat_id=numeral(event.conversation_id),
        user_id=numeral(event.user_id),
        timestamp=_now(),
        to_user_id=None if event.to_user_id is None else numeral(event.to_user_id),
        data=event.data,
    )


def call_ended_payload(event: CallEnded) -> CallEndedPayload:
    return CallEndedPayload(numeral(event.call_id), numeral(event.conversation_id), event.reason, _now())


# --- acknowledgements and events about the socket itself ------------------------------------------------------------


class DoneReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """An acknowledgement of success. `message` says in words what was done."""

    message: str


class IdentityReply(DoneReply, frozen=True, kw_only=True, rename="camel"):
    user_id: NumeralId
    socket_id: str


class MessageReply(Reply, frozen=True, kw_only=True, rename="camel"):
    data: MessagePayload


class MessageReactions(Payload, frozen=True, omit_defaults=False):
    """All current reactions to the message `messageId`."""

    message_id: NumeralId
    chat_id: NumeralId
    reactions: tuple[ReactionPayload, ...]


class ReactionsReply(Reply, frozen=True, kw_only=True, rename="camel"):
    data: MessageReactions


class CallReply(Reply, frozen=True, kw_only=True, rename="camel"):
    call_id: NumeralId


class PongReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """The acknowledgement of a `ping`: `pong` is the server's time, in milliseconds since 1970 UTC."""

    pong: int


class ErrorMessagePayload(Payload, frozen=True):
    message: str


class EndingPayload(Payload, frozen=True):
    reason: str
    reconnect: bool


def identity_reply(identity: SocketIdentity) -> IdentityReply:
    return IdentityReply(
        message="Authenticated successfully", user_id=numeral(identity.user_id), socket_id=identity.socket_id
    )


def reactions_reply(message: Message) -> ReactionsReply:
    return ReactionsReply(
        data=MessageReactions(message.id, numeral(message.conversation_id), reaction_payloads(message))
    )


def call_reply(call_id: str) -> CallReply:
    return CallReply(call_id=numeral(call_id))


def pong_reply(ms: int) -> PongReply:
    return PongReply(pong=ms)
