"""Payloads of the `gateway` dialect (the vocabulary for applications that send notifications to single users), in both
directions."""

from __future__ import annotations

from typing import Literal

import msgspec

from talkwire.core.commands.messages import MessagePage, SendMessage
from talkwire.core.commands.receipts import ReadMark
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    MessageDeleted,
    MessageEdited,
    MessageSent,
    MessagesRead,
    PresenceChanged,
    RoomEntered,
    RoomLeft,
    StreamStateChanged,
    TypingChanged,
)
from talkwire.core.domain.model import Message, Presence, User
from talkwire.core.domain.texts import json_fits
from talkwire.dialects.dialect import AnyJson, Outbound
from talkwire.operations.socket_commands import GetServerTime
from talkwire.payloads.messages import AttachmentPayload, attachment_payload
from talkwire.payloads.payload import Payload, TolerantPayload, invalid_payload, iso, iso_or_none
from talkwire.payloads.presence import PresencePayload, presence_payload
from talkwire.payloads.replies import Reply

EMITTED_PAYLOAD_MAX_BYTES = 256 * 1024
"""Largest payload of an event, in bytes of JSON, the same as of a REST request's body."""

# --- payloads from the client ---------------------------------------------------------------------------------------


class SendPayload(TolerantPayload, frozen=True):
    """A message to send to a conversation. Other members of the JSON object are ignored. Only callers with the role
    `service` set `senderId`, to the user who sends the message."""

    conversation_id: str
    message: str
    client_message_id: str | None = None
    sender_id: str | None = None


class RoomPayload(TolerantPayload, frozen=True):
    conversation_id: str


class HistoryPayload(TolerantPayload, frozen=True):
    """Selects a page of a conversation's messages: those `before`, `after` or `around` a message id, or the newest
    messages if none of these is set."""

    conversation_id: str
    before: str | None = None
    after: str | None = None
    around: str | None = None
    limit: int = 50


class MarkPayload(TolerantPayload, frozen=True):
    """The messages to mark as read: all up to `messageId`, or all messages of the conversation if it is omitted."""

    conversation_id: str
    message_id: str | None = None


class UserIdsPayload(TolerantPayload, frozen=True):
    user_ids: tuple[str, ...]


def to_command(payload: AnyJson) -> SendMessage | GetServerTime:
    """Returns the command for a `message` event from a client: SendMessage if the payload names a conversation. For any
    other payload it returns GetServerTime, whose result becomes the timestamp of the reply. Raises `payload_too_large`
    for more than `EMITTED_PAYLOAD_MAX_BYTES` of JSON, and `invalid_request` for an invalid message."""
    value = payload.value
    if not json_fits("message", value, EMITTED_PAYLOAD_MAX_BYTES):
        raise ChatError("payload_too_large", f"message: must be at most {EMITTED_PAYLOAD_MAX_BYTES} bytes of JSON")
    if not isinstance(value, dict) or value.get("conversationId") is None:
        return GetServerTime()
    try:
        text = msgspec.convert(value, SendPayload)
    except msgspec.ValidationError as error:
        raise invalid_payload(error, SendPayload) from None
    return SendMessage(
        text.conversation_id,
        text.message,
        client_message_id=text.client_message_id,
        sender_id=text.sender_id,
    )


# --- acknowledgements -----------------------------------------------------------------------------------------------


class ReceivedReply(Reply, frozen=True, kw_only=True):
    message: str = "Message received by server"


class ReceivedData(Payload, frozen=True, omit_defaults=False):
    """The receipt of a `message` event. `receivedMessage` is the member `message` of the received payload, or the whole
    payload if it has no such member."""

    received_message: object
    timestamp: str


class ReceivedPayload(ReceivedReply, frozen=True, kw_only=True):
    data: ReceivedData


class DoneReply(Reply, frozen=True, kw_only=True):
    """An acknowledgement of success. `message` says in words what was done."""

    message: str


class RoomReply(DoneReply, frozen=True, kw_only=True):
    data: RoomPayload


class RoomMessagePayload(Payload, frozen=True):
    """A message in a room (a conversation that the socket has joined). `message` is the whole text, empty if the
    message was deleted. `updatedAt` is missing if the message was never edited, and `deletedAt` if it was not deleted.
    """

    id: str
    conversation_id: str
    sender_id: str
    sender_name: str
    message: str
    timestamp: str
    attachments: tuple[AttachmentPayload, ...] = ()
    client_message_id: str | None = None
    updated_at: str | None = None
    deleted_at: str | None = None


class HistoryData(Payload, frozen=True, omit_defaults=False):
    """A page of a conversation's messages, oldest first. `hasMore` says whether there are further messages in the
    requested direction."""

    messages: tuple[RoomMessagePayload, ...]
    has_more: bool


class RoomHistoryData(HistoryData, frozen=True):
    conversation_id: str


class HistoryReply(DoneReply, frozen=True, kw_only=True):
    data: HistoryData


class RoomHistoryPayload(DoneReply, frozen=True, kw_only=True):
    data: RoomHistoryData


class ReadData(Payload, frozen=True, omit_defaults=False):
    conversation_id: str
    unread_count: int


class ReadReply(DoneReply, frozen=True, kw_only=True):
    data: ReadData


class PresenceData(Payload, frozen=True, omit_defaults=False):
    users: tuple[PresencePayload, ...]


class PresenceReply(DoneReply, frozen=True, kw_only=True):
    data: PresenceData


def received(payload: AnyJson, result: Message | int) -> ReceivedPayload:
    value = payload.value
    read = value["message"] if isinstance(value, dict) and "message" in value else value
    at_ms = result.created_ms if isinstance(result, Message) else result
    return ReceivedPayload(data=ReceivedData(read, iso(at_ms)))


def received_reply(_: object) -> ReceivedReply:
    return ReceivedReply()


def joined(conversation_id: str) -> RoomReply:
    return RoomReply(message=f"Joined room {conversation_id}", data=RoomPayload(conversation_id))


def left(conversation_id: str) -> RoomReply:
    return RoomReply(message=f"Left room {conversation_id}", data=RoomPayload(conversation_id))


def history_reply(page: MessagePage) -> HistoryReply:
    return HistoryReply(message="Message history", data=HistoryData(_room_messages(page), page.has_more))


def room_history(asked: HistoryPayload, page: MessagePage) -> RoomHistoryPayload:
    """Returns a page of messages together with the id of its conversation, for clients that wait for the messages of
    several conversations at once."""
    data = RoomHistoryData(_room_messages(page), page.has_more, asked.conversation_id)
    return RoomHistoryPayload(message="Message history", data=data)


def typing_reply(_: object) -> DoneReply:
    return DoneReply(message="Typing status sent")


def read_reply(mark: ReadMark) -> ReadReply:
    data = ReadData(mark.conversation_id, mark.unread.unread_count)
    return ReadReply(message="Messages marked as read", data=data)


def presence_reply(found: tuple[Presence, ...]) -> PresenceReply:
    return PresenceReply(message="User presence", data=PresenceData(tuple(map(presence_payload, found))))


# --- payloads from the server ---------------------------------------------------------------------------------------


class ConnectedPayload(Payload, frozen=True):
    message: str
    user_id: str
    socket_id: str


class NotificationPayload(Payload, frozen=True):
    """A notification about a new message. `title` is the sender's name. `body` is the whole text, or the names of the
    attachments if there is no text."""

    type: str
    title: str
    body: str
    conversation_id: str
    message_id: str


class MessageDeletedPayload(Payload, frozen=True):
    conversation_id: str
    message_id: str
    timestamp: str


class TypingPayload(Payload, frozen=True, omit_defaults=False):
    conversation_id: str
    user_id: str
    user_name: str
    is_typing: bool


class MessagesReadPayload(Payload, frozen=True):
    """A read receipt: the member `userId` has read all messages of the conversation up to `messageId`."""

    conversation_id: str
    user_id: str
    message_id: str
    timestamp: str


class UserInRoomPayload(Payload, frozen=True):
    conversation_id: str
    user_id: str
    user_name: str


class UserOnlinePayload(Payload, frozen=True):
    user_id: str
    status: Literal["online", "away", "dnd", "invisible", "offline"]


class UserOfflinePayload(Payload, frozen=True):
    user_id: str
    last_seen_at: str | None = None


class ErrorPayload(msgspec.Struct, frozen=True):
    message: str


def welcome(user: User, socket_id: str, _cursor: str) -> Outbound:
    payload = ConnectedPayload("Successfully connected to WebSocket", user.id, socket_id)
    return Outbound("connected", lambda _: payload)


def notification(event: MessageSent | StreamStateChanged) -> NotificationPayload:
    message = event.message
    body = message.content or ", ".join(attachment.name for attachment in message.attachments)
    return NotificationPayload("message", message.sender_name, body, message.conversation_id, str(message.id))


def room_message(event: MessageSent | MessageEdited | StreamStateChanged) -> RoomMessagePayload:
    return _room_message(event.message)


def _room_messages(page: MessagePage) -> tuple[RoomMessagePayload, ...]:
    return tuple(map(_room_message, page.items))


def _room_message(message: Message) -> RoomMessagePayload:
    return RoomMessagePayload(
        id=str(message.id),
        conversation_id=message.conversation_id,
        sender_id=message.sender_id,
        sender_name=message.sender_name,
        message=message.content,
        timestamp=iso(message.created_ms),
        attachments=tuple(map(attachment_payload, message.attachments)),
        client_message_id=message.client_message_id,
        updated_at=iso_or_none(message.edited_ms),
        deleted_at=iso_or_none(message.deleted_ms),
    )


def message_deleted(event: MessageDeleted) -> MessageDeletedPayload:
    message = event.message
    return MessageDeletedPayload(message.conversation_id, str(message.id), iso(message.deleted_ms or event.at_ms))


def typing(event: TypingChanged) -> TypingPayload:
    return TypingPayload(event.conversation_id, event.user_id, event.user_name, event.is_typing)


def messages_read(event: MessagesRead) -> MessagesReadPayload:
    return MessagesReadPayload(event.conversation_id, event.user_id, str(event.message_id), iso(event.at_ms))


def user_in_room(event: RoomEntered | RoomLeft) -> UserInRoomPayload:
    return UserInRoomPayload(event.conversation_id, event.user_id, event.user_name)


def user_online(event: PresenceChanged) -> UserOnlinePayload:
    return UserOnlinePayload(event.presence.user_id, event.presence.status)


def user_offline(event: PresenceChanged) -> UserOfflinePayload:
    seen_ms = event.presence.last_seen_ms
    return UserOfflinePayload(event.presence.user_id, iso_or_none(seen_ms))


def error(refused: ChatError, _event: str) -> tuple[str, ErrorPayload]:
    return "error", ErrorPayload(refused.message)


def refused_sign_in(_: ChatError) -> tuple[str, ErrorPayload]:
    return "error", ErrorPayload("Authentication failed")


def goodbye(reason: str, reconnect: bool) -> tuple[str, ErrorPayload] | None:  # noqa: FBT001
    """Returns the name and payload of the last event before the server closes a socket, which tells the client
    `reason`. Returns None if the client shall simply connect again: `reconnect` is true and the reason does not end the
    user's sign-in."""
    if reconnect and reason not in _ENDINGS:
        return None
    return "error", ErrorPayload(_ENDINGS.get(reason, "Disconnected"))


_ENDINGS = {
    "token_expired": "Token expired",
    "banned": "This user is banned",
    "logout": "Signed out",
}
