"""The `whatsapp` dialect, on `/messages`: a messenger whose senders see what has become of each message.

A socket receives events of the conversations that it has joined and of no others. A status
goes to the author of the message alone; who is online, to contacts.
"""

from __future__ import annotations

from talkwire.core.commands.calls import AcceptCall, HangUpCall, InviteToCall, RejectCall, SendCallSignal
from talkwire.core.commands.messages import DeleteMessage
from talkwire.core.commands.receipts import MarkDelivered, MarkRead
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.events import (
    CallAccepted,
    CallEnded,
    CallHungUp,
    CallInvited,
    CallMissed,
    CallRejected,
    CallSignalled,
    ConversationCreated,
    ConversationDeleted,
    ConversationPreferred,
    ConversationUpdated,
    Event,
    InvitationCreated,
    InvitationDeleted,
    InvitationUsed,
    LoginEnded,
    LoginOpened,
    LoginRenewed,
    MemberAdded,
    MemberRemoved,
    MemberRestricted,
    MemberUnrestricted,
    MemberUpdated,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessageReacted,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    MessageUnpinned,
    NotificationsRead,
    Notified,
    OfferCreated,
    OfferUpdated,
    PreferencesChanged,
    PresenceChanged,
    ReadPositionMoved,
    RoomEntered,
    RoomLeft,
    TypingChanged,
    UnreadChanged,
    UploadProgressed,
    UserBanned,
    UserBlocked,
    UserCreated,
    UserRenamed,
    UserUnbanned,
    UserUnblocked,
    UserUpdated,
)
from talkwire.dialects.dialect import (
    CloseRoom,
    Dialect,
    Inbound,
    OpenRoom,
    Outbound,
    Personal,
    Told,
    UnwatchPresence,
    WatchPresence,
)
from talkwire.dialects.payloads.calls import (
    CallPayload,
    InvitePayload,
    call_ended_payload,
    call_inbound,
    call_signal_payload,
)
from talkwire.dialects.payloads.files import upload_progress_payload
from talkwire.dialects.payloads.sign_in import RENEW_SIGN_IN
from talkwire.dialects.replies import done, refusal_with_message
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
    message_deleted_payload,
    message_received_payload,
    message_updated_payload,
    presence_reply,
    reaction_changed_payload,
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


def _goodbye(reason: str, reconnect: bool) -> tuple[str, EndingPayload]:  # noqa: FBT001 (its type has it by place)
    return "session:ending", EndingPayload(reason, reconnect)


def _has_come(event: PresenceChanged) -> bool:
    return event.came and not event.own


def _has_gone(event: PresenceChanged) -> bool:
    return event.presence.status == "offline" and not event.own


_INBOUND = {
    "conversation:join": Inbound(
        ConversationIdPayload,
        lambda p: OpenRoom(p.conversation_id),
        room_reply,
        summary="Follow a conversation with this socket. Its user must be a member.",
    ),
    "conversation:leave": Inbound(
        ConversationIdPayload,
        lambda p: CloseRoom(p.conversation_id),
        room_reply,
        summary="Stop following a conversation with this socket. Its user stays a member.",
    ),
    "typing:start": Inbound(
        ConversationIdPayload,
        lambda p: SetTyping(p.conversation_id, is_typing=True),
        done,
        summary="Start typing, as the signed-in user whatever `userId` says. It ends by itself after 5 s.",
    ),
    "typing:stop": Inbound(
        ConversationIdPayload,
        lambda p: SetTyping(p.conversation_id, is_typing=False),
        done,
        summary="Stop typing.",
    ),
    "message:send": Inbound(
        SendBody,
        to_send,
        sent_reply,
        summary="Send a message. A retry with the same `clientMessageId` stores it once.",
    ),
    "message:edit": Inbound(
        EditPayload,
        to_edit,
        edited_reply,
        summary="Edit one's own message.",
    ),
    "message:delete": Inbound(
        MessageIdPayload,
        lambda p: DeleteMessage(p.message_id),
        done,
        summary="Delete a message, as its author or a moderator.",
    ),
    "message:react": Inbound(
        ReactPayload, to_react, reactions_reply, summary="Add a reaction to a message, or remove it with `remove`."
    ),
    "message:read": Inbound(
        MarkPayload,
        lambda p: MarkRead(p.conversation_id, p.message_id),
        read_reply,
        summary="Mark messages as read, up to a message.",
    ),
    "message:delivered": Inbound(
        MarkPayload,
        lambda p: MarkDelivered(p.conversation_id, p.message_id),
        done,
        summary="Mark messages as received, up to a message. An answered heartbeat does so too.",
    ),
    "call:invite": call_inbound(
        InvitePayload, InviteToCall, "Call the other members of a conversation, or one of them."
    ),
    "call:accept": call_inbound(CallPayload, AcceptCall, "Accept a call."),
    "call:reject": call_inbound(CallPayload, RejectCall, "Reject a call."),
    "call:signal": call_inbound(
        CallPayload, SendCallSignal, "Send an offer, an answer or a candidate to the other sides of a call."
    ),
    "call:hangup": call_inbound(CallPayload, HangUpCall, "Leave a call."),
    "presence:subscribe": Inbound(
        UserIdsPayload,
        lambda p: WatchPresence(p.user_ids),
        presence_reply,
        summary="Get who of these users is online, and receive when they come and go, contacts or not.",
    ),
    "presence:unsubscribe": Inbound(
        UserIdsPayload,
        lambda p: UnwatchPresence(p.user_ids),
        done,
        summary="Stop receiving what `presence:subscribe` asked for.",
    ),
    "auth:refresh": RENEW_SIGN_IN,
}

_OUTBOUND: dict[type[Event], tuple[Told, ...]] = {
    MessageSent: (
        Outbound(
            "message:received", message_received_payload, summary="A message was sent. Its sender receives it too."
        ),
    ),
    MessageEdited: (Outbound("message:updated", message_updated_payload, summary="A message was edited."),),
    MessageDeleted: (Outbound("message:deleted", message_deleted_payload, summary="A message was deleted."),),
    MessageReacted: (
        Outbound("message:reaction", reaction_changed_payload, summary="A reaction to a message was added or removed."),
    ),
    MessagesRead: (
        Personal(
            "message:status",
            status_payloads,
            StatusPayload,
            followers_only=True,
            summary="A member received or read one of the user's own messages.",
        ),
    ),
    MessagesDelivered: (
        Personal(
            "message:status",
            status_payloads,
            StatusPayload,
            followers_only=True,
            summary="A member received or read one of the user's own messages.",
        ),
    ),
    TypingChanged: (
        Outbound("typing:start", typing_payload, summary="Another user started typing.", when=lambda e: e.is_typing),
        Outbound("typing:stop", typing_payload, summary="Another user stopped typing.", when=lambda e: not e.is_typing),
    ),
    PresenceChanged: (
        Outbound("user:online", user_payload, summary="A contact came online.", when=_has_come),
        Outbound("user:offline", user_payload, summary="A contact went offline.", when=_has_gone),
    ),
    UploadProgressed: (
        Outbound("upload:progress", upload_progress_payload, summary="The progress of the user's own upload."),
    ),
    CallInvited: (Outbound("call:invite", call_signal_payload, summary="Another user calls."),),
    CallAccepted: (Outbound("call:accept", call_signal_payload, summary="Another user accepted the call."),),
    CallRejected: (Outbound("call:reject", call_signal_payload, summary="Another user rejected the call."),),
    CallSignalled: (
        Outbound(
            "call:signal",
            call_signal_payload,
            summary="An offer, an answer or a candidate of another side of the call.",
        ),
    ),
    CallHungUp: (Outbound("call:hangup", call_signal_payload, summary="Another user left the call."),),
    CallEnded: (Outbound("call:ended", call_ended_payload, summary="The call ended, or stopped ringing."),),
}

_SILENT: frozenset[type[Event]] = frozenset(
    {
        UserCreated,
        UserRenamed,
        UserUpdated,
        UserBlocked,
        UserUnblocked,
        UserBanned,
        UserUnbanned,
        InvitationCreated,
        InvitationUsed,
        InvitationDeleted,
        LoginOpened,
        LoginRenewed,
        LoginEnded,
        ConversationCreated,
        ConversationUpdated,
        ConversationDeleted,
        ConversationPreferred,
        MemberAdded,
        MemberRemoved,
        MemberUpdated,
        MemberRestricted,
        MemberUnrestricted,
        MessagePinned,
        MessageUnpinned,
        OfferCreated,
        OfferUpdated,
        PreferencesChanged,
        CallMissed,
        RoomEntered,
        RoomLeft,
        UnreadChanged,
        NotificationsRead,
        Notified,
        ReadPositionMoved,
    }
)
"""What this vocabulary has no word for."""

WHATSAPP = Dialect(
    name="whatsapp",
    namespace="/messages",
    inbound=_INBOUND,
    outbound=_OUTBOUND,
    silent=_SILENT,
    welcome=lambda *_: None,
    refusal=refusal_with_message,
    error=error_event,
    goodbye=_goodbye,
)
