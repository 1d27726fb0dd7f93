"""A sixth dialect with event names in the style of Rocket.Chat, as an example of what a new dialect needs.

It is an exercise and not compatible with that server: rooms are `rid`, texts `msg`, times `{"$date": ms}`, users `{_id,
username}`.
"""

from __future__ import annotations

from typing import get_args

import msgspec

from talkwire.core.commands.messages import DeleteMessage, EditMessage, React, SendMessage, Unreact
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    Event,
    MessageDeleted,
    MessageEdited,
    MessageEvent,
    MessageReacted,
    MessageSent,
    MessagesRead,
    RoomEntered,
    RoomLeft,
    TypingChanged,
)
from talkwire.core.domain.model import Message, User
from talkwire.dialects.dialect import Dialect, Inbound, Outbound, To
from talkwire.operations.socket_commands import JoinRoom, LeaveRoom
from talkwire.payloads.payload import Payload
from talkwire.payloads.replies import Reply, done


class RoomBody(Payload, frozen=True):
    rid: str


class SendBody(Payload, frozen=True):
    rid: str
    msg: str
    client_id: str | None = msgspec.field(default=None, name="_id")


class MessageBody(Payload, frozen=True):
    message_id: str


class UpdateBody(MessageBody, frozen=True):
    msg: str


class ReactionBody(MessageBody, frozen=True):
    emoji: str
    should_react: bool = True


class TypingBody(RoomBody, frozen=True):
    typing: bool


class Date(msgspec.Struct, frozen=True):
    ms: int = msgspec.field(name="$date")


class Person(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="_id")
    username: str


class RocketMessage(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    id: str = msgspec.field(name="_id")
    rid: str
    msg: str
    u: Person
    ts: Date
    edited_at: Date | None = None
    reactions: dict[str, tuple[str, ...]] = {}


class RoomNews(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event in a room: the user who caused it, and the message that it is about."""

    rid: str
    uid: str
    message_id: str | None = msgspec.field(default=None, name="mid")
    activities: tuple[str, ...] | None = None


class Refused(msgspec.Struct, frozen=True):
    error: str
    reason: str
    success: bool = False


class Welcome(msgspec.Struct, frozen=True):
    session: str
    user: Person


class Sent(Reply, frozen=True, kw_only=True):
    message: RocketMessage


def _message(message: Message) -> RocketMessage:
    return RocketMessage(
        id=str(message.id),
        rid=message.conversation_id,
        msg=message.content,
        u=Person(message.sender_id, message.sender_name),
        ts=Date(message.created_ms),
        edited_at=None if message.edited_ms is None else Date(message.edited_ms),
        reactions={reaction.emoji: reaction.user_ids for reaction in message.reactions},
    )


def _of_event(event: MessageEvent) -> RocketMessage:
    return _message(event.message)


def _sent(message: Message) -> Sent:
    return Sent(message=_message(message))


def _deleted(event: MessageDeleted) -> RoomNews:
    message = event.message
    return RoomNews(message.conversation_id, message.deleted_by or message.sender_id, str(message.id))


def _read(event: MessagesRead) -> RoomNews:
    return RoomNews(event.conversation_id, event.user_id, str(event.message_id))


def _typing(event: TypingChanged) -> RoomNews:
    return RoomNews(event.conversation_id, event.user_id, activities=("user-typing",) if event.is_typing else ())


def _presence(event: RoomEntered | RoomLeft) -> RoomNews:
    return RoomNews(event.conversation_id, event.user_id)


def _react(body: ReactionBody) -> React | Unreact:
    return (React if body.should_react else Unreact)(body.message_id, body.emoji)


def _welcome(user: User, socket_id: str, cursor: str) -> Outbound:
    return Outbound("connected", lambda _: Welcome(socket_id, Person(user.id, user.name)))


def _error(refused: ChatError, event: str) -> tuple[str, Refused]:
    return "error", Refused(refused.code, refused.message)


OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    MessageSent: (
        Outbound("room-message", _of_event, summary="A message."),
        Outbound(
            "subscription-changed", _of_event, to=To.NON_FOLLOWERS, summary="The same, where the room is not open."
        ),
    ),
    MessageEdited: (Outbound("room-message", _of_event, summary="It says something else."),),
    MessageReacted: (Outbound("room-message", _of_event, summary="It has other reactions."),),
    MessageDeleted: (Outbound("delete-message", _deleted, summary="It was taken back."),),
    MessagesRead: (Outbound("messages-read", _read, to=To.OTHERS, summary="Somebody has read so far."),),
    TypingChanged: (Outbound("user-activity", _typing, summary="Somebody types, or does so no more."),),
    RoomEntered: (Outbound("user-joined", _presence, summary="Somebody opened the room."),),
    RoomLeft: (Outbound("user-left", _presence, summary="Somebody closed it."),),
}

ROCKET = Dialect(
    name="rocket",
    namespace="/rocket",
    inbound={
        "openRoom": Inbound(RoomBody, lambda p: JoinRoom(p.rid), done, summary="Hears of the room."),
        "closeRoom": Inbound(RoomBody, lambda p: LeaveRoom(p.rid), done, summary="Hears of it no more."),
        "sendMessage": Inbound(SendBody, lambda p: SendMessage(p.rid, p.msg, p.client_id), _sent, summary="Says it."),
        "updateMessage": Inbound(UpdateBody, lambda p: EditMessage(p.message_id, p.msg), _sent, summary="Corrects it."),
        "deleteMessage": Inbound(MessageBody, lambda p: DeleteMessage(p.message_id), done, summary="Takes it back."),
        "setReaction": Inbound(ReactionBody, _react, _sent, summary="Reacts, or no more."),
        "readMessages": Inbound(RoomBody, lambda p: MarkRead(p.rid), done, summary="Has read all."),
        "typing": Inbound(TypingBody, lambda p: SetTyping(p.rid, is_typing=p.typing), done, summary="Types."),
    },
    outbound=OUTBOUND,
    silent=frozenset(get_args(Event)) - OUTBOUND.keys(),
    welcome=_welcome,
    refusal=lambda refused: Refused(refused.code, refused.message),
    error=_error,
    goodbye=lambda *_: None,
)
