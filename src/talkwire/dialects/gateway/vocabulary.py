"""The `gateway` dialect, on `/gateway`: the vocabulary of an application that reaches its users one by one.

A socket is notified of every message in the conversations of its user, and is sent whatever events the application
makes up. In a room that it joins, it is sent the messages themselves, and who types, reads, joins and leaves.
"""

from __future__ import annotations

from typing import get_args

from talkwire.core.commands.messages import ListMessages
from talkwire.core.commands.presence import GetPresence
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.events import (
    Event,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    MessagesRead,
    PresenceChanged,
    RoomEntered,
    RoomLeft,
    TypingChanged,
)
from talkwire.dialects.dialect import AnyJson, CloseRoom, Dialect, Echo, Inbound, OpenRoom, Outbound, To, Told
from talkwire.dialects.gateway import payloads
from talkwire.dialects.payloads.sign_in import RENEW_SIGN_IN
from talkwire.dialects.replies import refusal_with_message


def _notifies(event: MessageSent) -> bool:
    """Nobody is notified of an imported message."""
    return not event.message.imported


def _has_come(event: PresenceChanged) -> bool:
    return event.came and not event.own


def _has_gone(event: PresenceChanged) -> bool:
    return event.presence.status == "offline" and not event.own


_INBOUND = {
    "message": Inbound(
        AnyJson,
        payloads.to_command,
        payloads.received_reply,
        summary="Send any JSON. When it names a `conversationId`, its `message` is sent there.",
        echo=Echo("messageReceived", payloads.received, summary="The server received what the client sent."),
    ),
    "joinRoom": Inbound(
        payloads.RoomPayload,
        lambda p: OpenRoom(p.conversation_id),
        payloads.joined,
        summary="Receive the events of a conversation with this socket: messages in place of notifications.",
        echo=Echo("roomJoined", lambda _, id_: payloads.joined(id_), payloads.RoomReply, "The socket joined a room."),
    ),
    "leaveRoom": Inbound(
        payloads.RoomPayload,
        lambda p: CloseRoom(p.conversation_id),
        payloads.left,
        summary="Receive notifications of a conversation again. The user stays a member.",
        echo=Echo("roomLeft", lambda _, id_: payloads.left(id_), payloads.RoomReply, "The socket left a room."),
    ),
    "getHistory": Inbound(
        payloads.HistoryPayload,
        lambda p: ListMessages(p.conversation_id, p.before, p.after, p.around, p.limit),
        payloads.history_reply,
        summary="List a page of a conversation's messages, oldest first: the newest, or those around a message.",
        echo=Echo("history", payloads.room_history, summary="The page of messages that the client asked for."),
    ),
    "startTyping": Inbound(
        payloads.RoomPayload,
        lambda p: SetTyping(p.conversation_id, is_typing=True),
        payloads.typing_reply,
        summary="Start typing. It ends by itself after 5 s.",
    ),
    "stopTyping": Inbound(
        payloads.RoomPayload,
        lambda p: SetTyping(p.conversation_id, is_typing=False),
        payloads.typing_reply,
        summary="Stop typing.",
    ),
    "markRead": Inbound(
        payloads.MarkPayload,
        lambda p: MarkRead(p.conversation_id, p.message_id),
        payloads.read_reply,
        summary="Mark messages as read: all, or those up to a message.",
    ),
    "getPresence": Inbound(
        payloads.UserIdsPayload,
        lambda p: GetPresence(p.user_ids),
        payloads.presence_reply,
        summary="Get whether users are online; only of those who share a conversation with the caller.",
        echo=Echo(
            "presence",
            lambda _, found: payloads.presence_reply(found),
            payloads.PresenceReply,
            "The presence that the client asked for.",
        ),
    ),
    "auth:refresh": RENEW_SIGN_IN,
}

_OUTBOUND: dict[type[Event], tuple[Told, ...]] = {
    MessageSent: (
        Outbound("roomMessage", payloads.room_message, summary="A message in a room. Its sender's sockets get it too."),
        Outbound(
            "notification",
            payloads.notification,
            summary="A message in a conversation of the user, also one that came while they were offline.",
            to=To.OUTSIDE,
            when=_notifies,
        ),
    ),
    MessageEdited: (Outbound("messageUpdated", payloads.room_message, summary="A message in a room was edited."),),
    MessageDeleted: (Outbound("messageDeleted", payloads.message_deleted, summary="A message in a room was deleted."),),
    TypingChanged: (Outbound("typing", payloads.typing, summary="Another user starts or stops typing in a room."),),
    MessagesRead: (
        Outbound(
            "messagesRead", payloads.messages_read, summary="Another user has read up to a message.", to=To.OTHERS
        ),
    ),
    RoomEntered: (Outbound("userJoined", payloads.user_in_room, summary="Another user's first socket joins a room."),),
    RoomLeft: (Outbound("userLeft", payloads.user_in_room, summary="Another user's last socket leaves a room."),),
    PresenceChanged: (
        Outbound("userOnline", payloads.user_online, summary="A contact has come online.", when=_has_come),
        Outbound("userOffline", payloads.user_offline, summary="A contact has gone offline.", when=_has_gone),
    ),
}

GATEWAY = Dialect(
    name="gateway",
    namespace="/gateway",
    inbound=_INBOUND,
    outbound=_OUTBOUND,
    # Whatever else happens in the chat, also what is yet to be thought of, these clients have no word for.
    silent=frozenset(get_args(Event)) - _OUTBOUND.keys(),
    welcome=payloads.welcome,
    refusal=refusal_with_message,
    error=payloads.error,
    goodbye=payloads.goodbye,
    notifies=True,
    turned_away=payloads.turned_away,
)
