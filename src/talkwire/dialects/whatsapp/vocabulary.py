"""The table of all events of the `whatsapp` dialect, in the namespace `/messages`: a messenger in which senders see the
status (sent, delivered, read) of each message.

A socket receives events only of the conversations that it has joined. Only the author of a message receives its status,
and only contacts of a user receive when the user goes online or offline.
"""

from __future__ import annotations

from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.events import (
    MANAGEMENT_EVENTS,
    OFFER_EVENTS,
    Event,
    MessagesDelivered,
    MessagesRead,
    RoomEntered,
    RoomLeft,
    TypingChanged,
)
from talkwire.dialects import entries, sign_in
from talkwire.dialects.calls import CallNames, calls_inbound, calls_outbound, tolerant_call_entry
from talkwire.dialects.dialect import Dialect, Inbound, Outbound, OutboundEntry, PersonalOutbound
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
    to_send,
    typing_payload,
    user_payload,
)
from talkwire.operations.socket_commands import SubscribePresence, UnsubscribePresence
from talkwire.payloads.replies import done, refusal_with_message

_CALLS = CallNames("call:invite", "call:accept", "call:reject", "call:signal", "call:hangup", "call:ended")

_INBOUND = {
    "conversation:join": entries.JOIN(ConversationIdPayload, room_reply),
    "conversation:leave": entries.LEAVE(ConversationIdPayload, room_reply),
    "typing:start": entries.START_TYPING(
        ConversationIdPayload,
        done,
        summary="Announce that the signed-in user started typing; `userId` is ignored. Typing ends after 5 s.",
    ),
    "typing:stop": entries.STOP_TYPING(ConversationIdPayload, done),
    "message:send": Inbound(
        SendBody,
        to_send,
        sent_reply,
        summary="Send a message. A retry with the same `clientMessageId` returns the stored message.",
        commands=(SendMessage,),
    ),
    "message:edit": entries.EDIT(EditPayload, edited_reply, to_edit),
    "message:delete": entries.DELETE(MessageIdPayload, done),
    "message:react": entries.REACT(ReactPayload, reactions_reply),
    "message:read": entries.READ(MarkPayload, read_reply),
    "message:delivered": entries.DELIVERED(
        MarkPayload,
        done,
        summary="Mark messages as delivered: all, or up to a message. Answering a heartbeat has the same effect.",
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

_STATUS = PersonalOutbound(
    "message:status",
    status_payloads,
    StatusPayload,
    followers_only=True,
    summary="A member received or read a message of this user.",
)

_OUTBOUND: dict[type[Event], tuple[OutboundEntry, ...]] = {
    **entries.messages_outbound(
        sent=("message:received", message_received_payload),
        edited=("message:updated", message_updated_payload),
        deleted="message:deleted",
        reacted="message:reaction",
    ),
    MessagesRead: (_STATUS,),
    MessagesDelivered: (_STATUS,),
    TypingChanged: (
        Outbound("typing:start", typing_payload, summary="Another user started typing.", when=lambda e: e.is_typing),
        Outbound("typing:stop", typing_payload, summary="Another user stopped typing.", when=lambda e: not e.is_typing),
    ),
    **entries.presence_outbound(online=("user:online", user_payload), offline=("user:offline", user_payload)),
    **entries.uploads_outbound("upload:progress"),
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
    goodbye=entries.goodbye("session:ending", EndingPayload),
)
