"""The table of all events of the `talks` dialect, in the namespace `/talks`, for a marketplace where two people talk
and make price offers.

A socket receives the events of the conversations that it has joined, except those in `silent`. Of its user's other
conversations it receives only an event for each new message, each new offer, and each own offer that was accepted.
Presence and calls need no joining.
"""

from __future__ import annotations

from talkwire.core.commands.messages import DeleteMessage, EditMessage, React, SendMessage, Unreact
from talkwire.core.commands.offers import UpdateOffer
from talkwire.core.commands.presence import GetPresence
from talkwire.core.commands.receipts import MarkDelivered, MarkRead
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    MANAGEMENT_EVENTS,
    MessageDeleted,
    MessageReacted,
    MessagesDelivered,
    MessagesRead,
    OfferCreated,
    OfferUpdated,
    PresenceChanged,
    RoomEntered,
    RoomLeft,
    TypingChanged,
    UploadProgressed,
)
from talkwire.core.domain.model import Message, Presence, User
from talkwire.dialects import sign_in
from talkwire.dialects.calls import CallNames, calls_inbound, calls_outbound, tolerant_call_entry
from talkwire.dialects.dialect import Dialect, Inbound, Outbound, PersonalOutbound, To
from talkwire.dialects.streams import whole_messages
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
    message_event_payload,
    message_payload,
    new_message_payload,
    new_offer_payload,
    offer_accepted_payloads,
    offer_created_payload,
    offer_updated_payload,
    read_payload,
    to_react,
    to_send,
    user_in_room_payload,
    user_offline_payload,
    user_online_payload,
    user_typing_payload,
)
from talkwire.operations.socket_commands import JoinRoom, LeaveRoom
from talkwire.payloads.files import upload_progress_payload
from talkwire.payloads.messages import message_deleted_payload, reaction_changed_payload, reaction_payloads
from talkwire.payloads.presence import presence_payload
from talkwire.payloads.replies import done, refusal_with_message


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


def _goodbye(reason: str, reconnect: bool) -> tuple[str, EndingPayload]:  # noqa: FBT001
    return "session-ending", EndingPayload(reason, reconnect)


def _is_online_contact(event: PresenceChanged) -> bool:
    """Returns whether a presence event says that another user is online. A user's own devices receive no presence of
    the user in this dialect."""
    return not event.own and event.presence.status != "offline"


def _is_offline_contact(event: PresenceChanged) -> bool:
    return not event.own and event.presence.status == "offline"


# --- the table ------------------------------------------------------------------------------------------------------

_CALLS = CallNames("call-invite", "call-accept", "call-reject", "call-signal", "call-end", "call-ended")

TALKS = Dialect(
    name="talks",
    namespace="/talks",
    inbound={
        "join-conversation": Inbound(
            ConversationIdPayload,
            lambda p: JoinRoom(p.conversation_id),
            _joined,
            summary="Start receiving a conversation's events on this socket. The user must be a member.",
            commands=(JoinRoom,),
        ),
        "leave-conversation": Inbound(
            ConversationIdPayload,
            lambda p: LeaveRoom(p.conversation_id),
            _left,
            summary="Stop receiving a conversation's events on this socket, except `new-message`, `new-offer` and "
            "`offer-accepted`.",
            commands=(LeaveRoom,),
        ),
        "message": Inbound(
            SendPayload,
            lambda p: to_send(p.conversation_id, p),
            _message_reply,
            summary="Send a message. A retry with the same `clientMessageId` returns the stored message.",
            commands=(SendMessage,),
        ),
        "typing": Inbound(
            TypingPayload,
            lambda p: SetTyping(p.conversation_id, is_typing=p.is_typing),
            done,
            summary="Announce that the user started or stopped typing. Typing ends automatically after 5 s.",
            commands=(SetTyping,),
        ),
        "read": Inbound(
            MarkPayload,
            lambda p: MarkRead(p.conversation_id, p.message_id),
            lambda _: DoneReply(message="Messages marked as read"),
            DoneReply,
            summary="Mark messages as read: all, or all up to a message.",
            commands=(MarkRead,),
        ),
        "delivered": Inbound(
            MarkPayload,
            lambda p: MarkDelivered(p.conversation_id, p.message_id),
            lambda _: DoneReply(message="Messages marked as delivered"),
            DoneReply,
            summary="Mark messages as delivered: all, or all up to a message.",
            commands=(MarkDelivered,),
        ),
        "offer-update": Inbound(
            UpdateOfferPayload,
            lambda p: UpdateOffer(p.offer_id, p.status, p.sender_id, p.conversation_id),
            lambda _: DoneReply(message="Offer updated"),
            DoneReply,
            summary="Accept, reject or withdraw a price offer.",
            commands=(UpdateOffer,),
        ),
        "edit-message": Inbound(
            EditPayload,
            lambda p: EditMessage(p.message_id, p.content, p.sender_id),
            _message_reply,
            summary="Edit a message, as its author.",
            commands=(EditMessage,),
        ),
        "delete-message": Inbound(
            MessageIdPayload,
            lambda p: DeleteMessage(p.message_id),
            lambda _: DoneReply(message="Message deleted"),
            DoneReply,
            summary="Delete a message, as its author or a moderator. An empty placeholder remains in its place.",
            commands=(DeleteMessage,),
        ),
        "react": Inbound(
            ReactPayload,
            to_react,
            _reactions_reply,
            summary="Add a reaction to a message, or remove one with `remove`.",
            commands=(Unreact, React),
        ),
        "presence": Inbound(
            UserIdsPayload,
            lambda p: GetPresence(p.user_ids),
            _presence_reply,
            summary="Get the presence (online, away or offline) of users who share a conversation with the caller.",
            commands=(GetPresence,),
        ),
        **calls_inbound(_CALLS, tolerant_call_entry),
        **sign_in.TOLERANT_INBOUND,
    },
    outbound={
        **whole_messages(
            sent=(
                Outbound(
                    "message",
                    message_event_payload,
                    summary="A message was sent. The sender's sockets receive this event too.",
                ),
                Outbound(
                    "new-message",
                    new_message_payload,
                    summary="A message was sent in a conversation that this socket has not joined.",
                    to=To.NON_FOLLOWERS,
                ),
            ),
            edited=(Outbound("message-updated", message_event_payload, summary="A message was edited."),),
            others={
                MessageDeleted: (
                    Outbound("message-deleted", message_deleted_payload, summary="A message was deleted."),
                ),
                MessageReacted: (
                    Outbound(
                        "reaction", reaction_changed_payload, summary="A reaction to a message was added or removed."
                    ),
                ),
            },
        ),
        TypingChanged: (Outbound("typing", user_typing_payload, summary="Another user started or stopped typing."),),
        MessagesRead: (
            Outbound("read", read_payload, summary="Another member read all messages up to `messageId`.", to=To.OTHERS),
        ),
        MessagesDelivered: (
            Outbound(
                "delivered",
                delivered_payload,
                summary="Another member's devices received all messages up to `messageId`.",
                to=To.OTHERS,
            ),
        ),
        RoomEntered: (
            Outbound(
                "user-joined",
                user_in_room_payload,
                summary="Another member opened the conversation: their first socket joined it.",
            ),
        ),
        RoomLeft: (
            Outbound(
                "user-left",
                user_in_room_payload,
                summary="Another member closed the conversation: their last socket left it.",
            ),
        ),
        OfferCreated: (
            Outbound(
                "offer-created",
                offer_created_payload,
                summary="A price offer was made. The author's sockets receive this event too.",
            ),
            Outbound(
                "new-offer",
                new_offer_payload,
                summary="A price offer was made in a conversation that this socket has not joined.",
                to=To.NON_FOLLOWERS,
            ),
        ),
        OfferUpdated: (
            Outbound(
                "offer-update",
                offer_updated_payload,
                summary="A price offer was accepted, rejected, withdrawn, countered or deleted, or it expired.",
            ),
            PersonalOutbound(
                "offer-accepted",
                offer_accepted_payloads,
                NewOfferPayload,
                summary="A price offer of this user was accepted, in any conversation.",
            ),
        ),
        PresenceChanged: (
            Outbound(
                "user-online",
                user_online_payload,
                summary="A contact came online, or changed between online, away and do not disturb.",
                when=_is_online_contact,
            ),
            Outbound("user-offline", user_offline_payload, summary="A contact went offline.", when=_is_offline_contact),
        ),
        UploadProgressed: (
            Outbound(
                "upload-progress", upload_progress_payload, summary="More bytes of an upload of this user arrived."
            ),
        ),
        **calls_outbound(_CALLS),
    },
    silent=MANAGEMENT_EVENTS,
    welcome=_welcome,
    refusal=refusal_with_message,
    error=_exception,
    goodbye=_goodbye,
)
