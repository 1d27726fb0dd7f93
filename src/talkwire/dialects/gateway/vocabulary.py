"""The table of all events of the `gateway` dialect, in the namespace `/gateway`, for an application that sends
notifications to single users.

A socket receives a notification of every message in its user's conversations, and any custom event that the application
sends. In a room (a conversation) that it joins, it receives the messages themselves, and events about users who type,
read, join and leave.
"""

from __future__ import annotations

from typing import get_args

from talkwire.core.commands.messages import ListMessages, SendMessage
from talkwire.core.domain.events import (
    Event,
    MessageDeleted,
    MessageSent,
    MessagesRead,
    RoomEntered,
    RoomLeft,
    TypingChanged,
)
from talkwire.dialects import entries, sign_in
from talkwire.dialects.dialect import AnyJson, Dialect, Echo, Inbound, Outbound, OutboundEntry, To
from talkwire.dialects.gateway import payloads
from talkwire.dialects.streams import whole_messages
from talkwire.operations.socket_commands import GetServerTime, JoinRoom, LeaveRoom
from talkwire.payloads.replies import refusal_with_message


def _notifies(event: MessageSent) -> bool:
    """Returns whether a sent message causes a notification. Messages imported from another system do not."""
    return not event.message.imported


_INBOUND = {
    "message": Inbound(
        AnyJson,
        payloads.to_command,
        payloads.received_reply,
        summary="Send any JSON. If it has a `conversationId`, its `message` is sent to that conversation.",
        echo=Echo("messageReceived", payloads.received, summary="The server received what the client sent."),
        commands=(SendMessage, GetServerTime),
    ),
    "joinRoom": Inbound(
        payloads.RoomPayload,
        lambda p: JoinRoom(p.conversation_id),
        payloads.joined,
        summary="Join a room: receive a conversation's events on this socket, and messages instead of notifications.",
        echo=Echo("roomJoined", lambda _, id_: payloads.joined(id_), payloads.RoomReply, "The socket joined a room."),
        commands=(JoinRoom,),
    ),
    "leaveRoom": Inbound(
        payloads.RoomPayload,
        lambda p: LeaveRoom(p.conversation_id),
        payloads.left,
        summary="Leave a room: receive notifications of the conversation again. The user remains a member.",
        echo=Echo("roomLeft", lambda _, id_: payloads.left(id_), payloads.RoomReply, "The socket left a room."),
        commands=(LeaveRoom,),
    ),
    "getHistory": Inbound(
        payloads.HistoryPayload,
        lambda p: ListMessages(p.conversation_id, p.before, p.after, p.around, limit=p.limit, finished_only=True),
        payloads.history_reply,
        summary="List messages of a conversation, oldest first: the newest ones, or those around a message.",
        echo=Echo("history", payloads.room_history, summary="The messages that the client requested."),
        commands=(ListMessages,),
    ),
    "startTyping": entries.START_TYPING(payloads.RoomPayload, payloads.typing_reply),
    "stopTyping": entries.STOP_TYPING(payloads.RoomPayload, payloads.typing_reply),
    "markRead": entries.READ(payloads.MarkPayload, payloads.read_reply),
    "getPresence": entries.PRESENCE(
        payloads.UserIdsPayload,
        payloads.presence_reply,
        echo=Echo(
            "presence",
            lambda _, found: payloads.presence_reply(found),
            payloads.PresenceReply,
            "The presence that the client requested.",
        ),
    ),
    **sign_in.TOLERANT_INBOUND,
}

_OUTBOUND: dict[type[Event], tuple[OutboundEntry, ...]] = {
    **whole_messages(
        sent=(
            Outbound(
                "roomMessage",
                payloads.room_message,
                summary="A message was sent in a room. The sender's sockets receive this event too.",
            ),
            Outbound(
                "notification",
                payloads.notification,
                summary="A message was sent in a conversation of this user, possibly while the user was offline.",
                to=To.NON_FOLLOWERS,
                when=_notifies,
            ),
        ),
        edited=(Outbound("messageUpdated", payloads.room_message, summary="A message in a room was edited."),),
        others={
            MessageDeleted: (
                Outbound("messageDeleted", payloads.message_deleted, summary="A message in a room was deleted."),
            ),
        },
    ),
    TypingChanged: (Outbound("typing", payloads.typing, summary="Another user started or stopped typing in a room."),),
    MessagesRead: (
        Outbound(
            "messagesRead",
            payloads.messages_read,
            summary="Another user read all messages up to `messageId`.",
            to=To.OTHERS,
        ),
    ),
    RoomEntered: (
        Outbound(
            "userJoined", payloads.user_in_room, summary="Another user opened a room: their first socket joined it."
        ),
    ),
    RoomLeft: (
        Outbound("userLeft", payloads.user_in_room, summary="Another user closed a room: their last socket left it."),
    ),
    **entries.presence_outbound(
        online=("userOnline", payloads.user_online), offline=("userOffline", payloads.user_offline)
    ),
}

GATEWAY = Dialect(
    name="gateway",
    namespace="/gateway",
    inbound=_INBOUND,
    outbound=_OUTBOUND,
    # Includes events that are added to the chat in the future, since this vocabulary is complete.
    silent=frozenset(get_args(Event)) - _OUTBOUND.keys(),
    welcome=payloads.welcome,
    refusal=refusal_with_message,
    error=payloads.error,
    goodbye=payloads.goodbye,
    sends_notifications=True,
    refused_sign_in=payloads.refused_sign_in,
)
