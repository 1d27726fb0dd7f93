"""The `talks` dialect, on `/talks`: the vocabulary of a marketplace where two people talk and make each other offers.

A socket receives the events of the conversations that it has joined; of others it is told only
that there is a message or an offer.
"""

from __future__ import annotations

from talkwire.core.commands.calls import AcceptCall, HangUpCall, InviteToCall, RejectCall, SendCallSignal
from talkwire.core.commands.messages import DeleteMessage, EditMessage
from talkwire.core.commands.offers import UpdateOffer
from talkwire.core.commands.presence import GetPresence
from talkwire.core.commands.receipts import MarkDelivered, MarkRead
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.errors import ChatError
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
from talkwire.core.domain.model import Message, Presence, User
from talkwire.dialects.dialect import CloseRoom, Dialect, Inbound, OpenRoom, Outbound, Personal, To
from talkwire.dialects.payloads.calls import (
    CallPayload,
    InvitePayload,
    call_ended_payload,
    call_inbound,
    call_signal_payload,
)
from talkwire.dialects.payloads.files import upload_progress_payload
from talkwire.dialects.payloads.messages import reaction_payloads
from talkwire.dialects.payloads.presence import presence_payload
from talkwire.dialects.payloads.sign_in import RENEW_SIGN_IN
from talkwire.dialects.replies import done, refusal_with_message
from talkwire.dialects.talks.payloads import (
    ConnectedPayload,
    ConversationIdPayload,
    DoneReply,
    EditPayload,
    EndingPayload,
    ExceptionPayload,
    MarkPayload,
    MessageIdPayload,
    MessageReply,
    NewOfferPayload,
    PresenceReply,
    ReactionsReply,
    ReactPayload,
    RoomReply,
    SendPayload,
    TypingPayload,
    UpdateOfferPayload,
    UserIdsPayload,
    delivered_payload,
    message_deleted_payload,
    message_event_payload,
    message_payload,
    new_message_payload,
    new_offer_payload,
    offer_accepted_payloads,
    offer_created_payload,
    offer_updated_payload,
    reaction_changed_payload,
    read_payload,
    to_react,
    to_send,
    user_in_room_payload,
    user_offline_payload,
    user_online_payload,
    user_typing_payload,
)


def _joined(conversation_id: str) -> RoomReply:
    return RoomReply(message="Joined the conversation", conversation_id=conversation_id)


def _left(conversation_id: str) -> RoomReply:
    return RoomReply(message="Left the conversation", conversation_id=conversation_id)


def _message_reply(message: Message) -> MessageReply:
    return MessageReply(message=message_payload(message))


def _reactions_reply(message: Message) -> ReactionsReply:
    return ReactionsReply(message="Reactions changed", reactions=reaction_payloads(message))


def _presence_reply(found: tuple[Presence, ...]) -> PresenceReply:
    return PresenceReply(presence=tuple(map(presence_payload, found)))


def _welcome(user: User, _: str, cursor: str) -> Outbound:
    payload = ConnectedPayload(f"Connected as {user.name}", user.id, cursor)
    return Outbound("connected", lambda _: payload)


def _exception(refused: ChatError, _: str) -> tuple[str, ExceptionPayload]:
    return "exception", ExceptionPayload(refused.message)


def _goodbye(reason: str, reconnect: bool) -> tuple[str, EndingPayload]:  # noqa: FBT001 (its type has it by place)
    return "session-ending", EndingPayload(reason, reconnect)


def _is_there(event: PresenceChanged) -> bool:
    """Others are told; what somebody's own devices are told has no name here."""
    return not event.own and event.presence.status != "offline"


def _is_away(event: PresenceChanged) -> bool:
    return not event.own and event.presence.status == "offline"


# --- the table ------------------------------------------------------------------------------------------------------

TALKS = Dialect(
    name="talks",
    namespace="/talks",
    inbound={
        "join-conversation": Inbound(
            ConversationIdPayload,
            lambda p: OpenRoom(p.conversation_id),
            _joined,
            summary="Follow a conversation with this socket. Its user must be a member.",
        ),
        "leave-conversation": Inbound(
            ConversationIdPayload,
            lambda p: CloseRoom(p.conversation_id),
            _left,
            summary="Stop following a conversation; the socket still receives `new-message` and `new-offer`.",
        ),
        "message": Inbound(
            SendPayload,
            lambda p: to_send(p.conversation_id, p),
            _message_reply,
            summary="Send a message. A retry with the same `clientMessageId` stores it once.",
        ),
        "typing": Inbound(
            TypingPayload,
            lambda p: SetTyping(p.conversation_id, is_typing=p.is_typing),
            done,
            summary="Start or stop typing. It ends by itself after 5 s.",
        ),
        "read": Inbound(
            MarkPayload,
            lambda p: MarkRead(p.conversation_id, p.message_id),
            lambda _: DoneReply(message="Messages marked as read"),
            DoneReply,
            summary="Mark messages as read: all, or up to a message.",
        ),
        "delivered": Inbound(
            MarkPayload,
            lambda p: MarkDelivered(p.conversation_id, p.message_id),
            lambda _: DoneReply(message="Messages marked as delivered"),
            DoneReply,
            summary="Mark messages as received: all, or up to a message.",
        ),
        "offer-update": Inbound(
            UpdateOfferPayload,
            lambda p: UpdateOffer(p.offer_id, p.status, p.sender_id, p.conversation_id),
            lambda _: DoneReply(message="Offer updated"),
            DoneReply,
            summary="Accept, reject or withdraw an offer.",
        ),
        "edit-message": Inbound(
            EditPayload,
            lambda p: EditMessage(p.message_id, p.content, p.sender_id),
            _message_reply,
            summary="Edit one's own message.",
        ),
        "delete-message": Inbound(
            MessageIdPayload,
            lambda p: DeleteMessage(p.message_id),
            lambda _: DoneReply(message="Message deleted"),
            DoneReply,
            summary="Delete a message, as its author or a moderator. A deleted message stays in its place.",
        ),
        "react": Inbound(
            ReactPayload,
            to_react,
            _reactions_reply,
            summary="Add a reaction to a message, or remove it with `remove`.",
        ),
        "presence": Inbound(
            UserIdsPayload,
            lambda p: GetPresence(p.user_ids),
            _presence_reply,
            summary="Get the presence of users; only of those who share a conversation with the caller.",
        ),
        "call-invite": call_inbound(InvitePayload, InviteToCall, "Call the other members, or one of them."),
        "call-accept": call_inbound(CallPayload, AcceptCall, "Accept a call; the user's other devices stop ringing."),
        "call-reject": call_inbound(CallPayload, RejectCall, "Reject a call."),
        "call-signal": call_inbound(
            CallPayload, SendCallSignal, "Send an offer, an answer or a candidate to the other sides of a call."
        ),
        "call-end": call_inbound(CallPayload, HangUpCall, "Leave a call. It ends when only one side is left."),
        "auth:refresh": RENEW_SIGN_IN,
    },
    outbound={
        MessageSent: (
            Outbound(
                "message", message_event_payload, summary="A message was sent. Its sender's sockets receive it too."
            ),
            Outbound(
                "new-message",
                new_message_payload,
                summary="A message was sent in a conversation that this socket has not joined.",
                to=To.OUTSIDE,
            ),
        ),
        MessageEdited: (Outbound("message-updated", message_event_payload, summary="A message was edited."),),
        MessageDeleted: (Outbound("message-deleted", message_deleted_payload, summary="A message was deleted."),),
        MessageReacted: (
            Outbound("reaction", reaction_changed_payload, summary="A reaction to a message was added or removed."),
        ),
        TypingChanged: (Outbound("typing", user_typing_payload, summary="Another user started or stopped typing."),),
        MessagesRead: (
            Outbound("read", read_payload, summary="Another member read messages, up to this one.", to=To.OTHERS),
        ),
        MessagesDelivered: (
            Outbound(
                "delivered",
                delivered_payload,
                summary="Another member received messages, up to this one.",
                to=To.OTHERS,
            ),
        ),
        RoomEntered: (
            Outbound("user-joined", user_in_room_payload, summary="Another member joined with their first socket."),
        ),
        RoomLeft: (
            Outbound("user-left", user_in_room_payload, summary="Another member's last socket left or disconnected."),
        ),
        OfferCreated: (
            Outbound(
                "offer-created",
                offer_created_payload,
                summary="An offer was made. Its author's sockets receive it too.",
            ),
            Outbound(
                "new-offer",
                new_offer_payload,
                summary="An offer was made in a conversation that this socket has not joined.",
                to=To.OUTSIDE,
            ),
        ),
        OfferUpdated: (
            Outbound(
                "offer-update",
                offer_updated_payload,
                summary="An offer was accepted, rejected, withdrawn or countered, or it expired.",
            ),
            Personal(
                "offer-accepted",
                offer_accepted_payloads,
                NewOfferPayload,
                summary="The user's own offer was accepted, in any conversation.",
            ),
        ),
        PresenceChanged: (
            Outbound(
                "user-online", user_online_payload, summary="A contact is online, with this status.", when=_is_there
            ),
            Outbound("user-offline", user_offline_payload, summary="A contact went offline.", when=_is_away),
        ),
        UploadProgressed: (
            Outbound("upload-progress", upload_progress_payload, summary="The progress of the user's own upload."),
        ),
        CallInvited: (Outbound("call-invite", call_signal_payload, summary="Another user calls."),),
        CallAccepted: (Outbound("call-accept", call_signal_payload, summary="Another user accepted the call."),),
        CallRejected: (Outbound("call-reject", call_signal_payload, summary="Another user rejected the call."),),
        CallSignalled: (
            Outbound(
                "call-signal",
                call_signal_payload,
                summary="An offer, an answer or a candidate of another side of the call.",
            ),
        ),
        CallHungUp: (Outbound("call-end", call_signal_payload, summary="Another user left the call."),),
        CallEnded: (Outbound("call-ended", call_ended_payload, summary="The call ended, or stopped ringing."),),
    },
    silent=frozenset(
        {
            CallMissed,
            ConversationCreated,
            ConversationDeleted,
            ConversationPreferred,
            ConversationUpdated,
            LoginEnded,
            InvitationCreated,
            InvitationUsed,
            InvitationDeleted,
            LoginOpened,
            LoginRenewed,
            MemberAdded,
            MemberRemoved,
            MemberRestricted,
            MemberUnrestricted,
            MemberUpdated,
            MessagePinned,
            MessageUnpinned,
            NotificationsRead,
            Notified,
            ReadPositionMoved,
            PreferencesChanged,
            UnreadChanged,
            UserBanned,
            UserBlocked,
            UserCreated,
            UserRenamed,
            UserUnbanned,
            UserUnblocked,
            UserUpdated,
        }
    ),
    welcome=_welcome,
    refusal=refusal_with_message,
    error=_exception,
    goodbye=_goodbye,
)
