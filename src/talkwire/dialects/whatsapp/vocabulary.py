"""The table of all events of the `whatsapp` dialect, in the namespace `/messages`: a messenger in which senders see the
status (sent, delivered, read) of each message.

A socket receives events only of the conversations that it has joined. Only the author of a message receives its status,
and only contacts of a user receive when the user goes online or offline.
"""

from __future__ import annotations

from talkwire.core.commands.messages import DeleteMessage, EditMessage, React, SendMessage, Unreact
from talkwire.core.commands.receipts import MarkDelivered, MarkRead
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.events import (
    MANAGEMENT_EVENTS,
    OFFER_EVENTS,
    Event,
    MessageDeleted,
    MessageReacted,
    MessagesDelivered,
    MessagesRead,
    PresenceChanged,
    RoomEntered,
    RoomLeft,
    TypingChanged,
    UploadProgressed,
)
from talkwire.dialects import sign_in
from talkwire.dialects.calls import CallNames, calls_inbound, calls_outbound, tolerant_call_entry
from talkwire.dialects.dialect import Dialect, Inbound, Outbound, OutboundEntry, PersonalOutbound
from talkwire.dialects.streams import whole_messages
from talkwire.dialects.whatsapp.payloads import (
    ConversationIdPayload,
    EditPayload,
    EndingPayload,
    MarkPayload,
    MessageIdPayload,
    ReactPayload,
    SendBody,
    StatusPayload,
    UserIdsPayload,
    edited_reply,
    error_event,
    message_received_payload,
    message_updated_payload,
    presence_reply,
    reactions_reply,
    read_reply,
    room_reply,
    sent_reply,
    status_payloads,
    to_edit,
    to_react,
    to_send,
    typing_payload,
    user_payload,
)
from talkwire.operations.socket_commands import JoinRoom, LeaveRoom, SubscribePresence, UnsubscribePresence
from talkwire.payloads.files import upload_progress_payload
from talkwire.payloads.messages import message_deleted_payload, reaction_changed_payload
from talkwire.payloads.replies import done, refusal_with_message


def _goodbye(reason: str, reconnect: bool) -> tuple[str, EndingPayload]:  # noqa: FBT001
    return "session:ending", EndingPayload(reason, reconnect)


def _came_online(event: PresenceChanged) -> bool:
    return event.came and not event.own


def _went_offline(event: PresenceChanged) -> bool:
    return event.presence.status == "offline" and not event.own


_CALLS = CallNames("call:invite", "call:accept", "call:reject", "call:signal", "call:hangup", "call:ended")

_INBOUND = {
    "conversation:join": Inbound(
        ConversationIdPayload,
        lambda p: JoinRoom(p.conversation_id),
        room_reply,
        summary="Start receiving a conversation's events on this socket. The user must be a member.",
        commands=(JoinRoom,),
    ),
    "conversation:leave": Inbound(
        ConversationIdPayload,
        lambda p: LeaveRoom(p.conversation_id),
        room_reply,
        summary="Stop receiving a conversation's events on this socket. The user remains a member.",
        commands=(LeaveRoom,),
    ),
    "typing:start": Inbound(
        ConversationIdPayload,
        lambda p: SetTyping(p.conversation_id, is_typing=True),
        done,
        summary="Announce that the signed-in user started typing; `userId` is ignored. Typing ends after 5 s.",
        commands=(SetTyping,),
    ),
    "typing:stop": Inbound(
        ConversationIdPayload,
        lambda p: SetTyping(p.conversation_id, is_typing=False),
        done,
        summary="Announce that the user stopped typing.",
        commands=(SetTyping,),
    ),
    "message:send": Inbound(
        SendBody,
        to_send,
        sent_reply,
        summary="Send a message. A retry with the same `clientMessageId` returns the stored message.",
        commands=(SendMessage,),
    ),
    "message:edit": Inbound(
        EditPayload,
        to_edit,
        edited_reply,
        summary="Edit a message, as its author.",
        commands=(EditMessage,),
    ),
    "message:delete": Inbound(
        MessageIdPayload,
        lambda p: DeleteMessage(p.message_id),
        done,
        summary="Delete a message, as its author or a moderator.",
        commands=(DeleteMessage,),
    ),
    "message:react": Inbound(
        ReactPayload,
        to_react,
        reactions_reply,
        summary="Add a reaction to a message, or remove one with `remove`.",
        commands=(Unreact, React),
    ),
    "message:read": Inbound(
        MarkPayload,
        lambda p: MarkRead(p.conversation_id, p.message_id),
        read_reply,
        summary="Mark messages as read: all, or all up to a message.",
        commands=(MarkRead,),
    ),
    "message:delivered": Inbound(
        MarkPayload,
        lambda p: MarkDelivered(p.conversation_id, p.message_id),
        done,
        summary="Mark messages as delivered: all, or up to a message. Answering a heartbeat has the same effect.",
        commands=(MarkDelivered,),
    ),
    **calls_inbound(_CALLS, tolerant_call_entry),
    "presence:subscribe": Inbound(
        UserIdsPayload,
        lambda p: SubscribePresence(p.user_ids),
        presence_reply,
        summary="Get the presence of users, and start receiving an event when they come online or go offline.",
        commands=(SubscribePresence,),
    ),
    "presence:unsubscribe": Inbound(
        UserIdsPayload,
        lambda p: UnsubscribePresence(p.user_ids),
        done,
        summary="Stop receiving events about the presence of these users.",
        commands=(UnsubscribePresence,),
    ),
    **sign_in.TOLERANT_INBOUND,
}

_OUTBOUND: dict[type[Event], tuple[OutboundEntry, ...]] = {
    **whole_messages(
        sent=(
            Outbound(
                "message:received",
                message_received_payload,
                summary="A message was sent. The sender's sockets receive this event too.",
            ),
        ),
        edited=(Outbound("message:updated", message_updated_payload, summary="A message was edited."),),
        others={
            MessageDeleted: (Outbound("message:deleted", message_deleted_payload, summary="A message was deleted."),),
            MessageReacted: (
                Outbound(
                    "message:reaction",
                    reaction_changed_payload,
                    summary="A reaction to a message was added or removed.",
                ),
            ),
        },
    ),
    MessagesRead: (
        PersonalOutbound(
            "message:status",
            status_payloads,
            StatusPayload,
            followers_only=True,
            summary="A member received or read a message of this user.",
        ),
    ),
    MessagesDelivered: (
        PersonalOutbound(
            "message:status",
            status_payloads,
            StatusPayload,
            followers_only=True,
            summary="A member received or read a message of this user.",
        ),
    ),
    TypingChanged: (
        Outbound("typing:start", typing_payload, summary="Another user started typing.", when=lambda e: e.is_typing),
        Outbound("typing:stop", typing_payload, summary="Another user stopped typing.", when=lambda e: not e.is_typing),
    ),
    PresenceChanged: (
        Outbound("user:online", user_payload, summary="A contact came online.", when=_came_online),
        Outbound("user:offline", user_payload, summary="A contact went offline.", when=_went_offline),
    ),
    UploadProgressed: (
        Outbound("upload:progress", upload_progress_payload, summary="More bytes of an upload of this user arrived."),
    ),
    **calls_outbound(_CALLS),
}

WHATSAPP = Dialect(
    name="whatsapp",
    namespace="/messages",
    inbound=_INBOUND,
    outbound=_OUTBOUND,
    silent=MANAGEMENT_EVENTS | OFFER_EVENTS | {RoomEntered, RoomLeft},
    welcome=lambda *_: None,
    refusal=refusal_with_message,
    error=error_event,
    goodbye=_goodbye,
)
