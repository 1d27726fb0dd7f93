"""The table of all events of the `talks` dialect, in the namespace `/talks`, for a marketplace where two people talk
and make price offers.

A socket receives the events of the conversations that it has joined, except those in `silent`. Of its user's other
conversations it receives only an event for each new message, each new offer, and each own offer that was accepted.
Presence and calls need no joining.
"""

from __future__ import annotations

from collections.abc import Callable

from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.offers import UpdateOffer
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    MANAGEMENT_EVENTS,
    MessagesDelivered,
    MessagesRead,
    OfferCreated,
    OfferUpdated,
    PresenceChanged,
    RoomEntered,
    RoomLeft,
)
from talkwire.core.domain.model import Message, Presence, User
from talkwire.dialects import entries, sign_in
from talkwire.dialects.calls import CallNames, calls_inbound, calls_outbound, tolerant_call_entry
from talkwire.dialects.dialect import Dialect, Inbound, Outbound, PersonalOutbound, To
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
    to_send,
    user_in_room_payload,
    user_offline_payload,
    user_online_payload,
    user_typing_payload,
)
from talkwire.payloads.messages import reaction_payloads
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


def _done(message: str) -> Callable[[object], DoneReply]:
    def reply(_: object) -> DoneReply:
        return DoneReply(message=message)

    return reply


def _is_online_contact(event: PresenceChanged) -> bool:
    """Returns whether a presence event says that another user is online. A user's own devices receive no presence of
    the user in this dialect."""
    return not event.own and event.presence.status != "offline"


# --- the table ------------------------------------------------------------------------------------------------------

_CALLS = CallNames("call-invite", "call-accept", "call-reject", "call-signal", "call-end", "call-ended")

TALKS = Dialect(
    name="talks",
    namespace="/talks",
    inbound={
        "join-conversation": entries.JOIN(ConversationIdPayload, _joined),
        "leave-conversation": entries.LEAVE(
            ConversationIdPayload,
            _left,
            summary="Stop receiving a conversation's events on this socket, except `new-message`, `new-offer` and "
            "`offer-accepted`.",
        ),
        "message": Inbound(
            SendPayload,
            lambda p: to_send(p.conversation_id, p),
            _message_reply,
            summary="Send a message. A retry with the same `clientMessageId` returns the stored message.",
            commands=(SendMessage,),
        ),
        "typing": entries.TYPING(TypingPayload, done),
        "read": entries.READ(MarkPayload, _done("Messages marked as read")),
        "delivered": entries.DELIVERED(MarkPayload, _done("Messages marked as delivered")),
        "offer-update": Inbound(
            UpdateOfferPayload,
            lambda p: UpdateOffer(p.offer_id, p.status, p.sender_id, p.conversation_id),
            _done("Offer updated"),
            summary="Accept, reject or withdraw a price offer.",
            commands=(UpdateOffer,),
        ),
        "edit-message": entries.EDIT(EditPayload, _message_reply),
        "delete-message": entries.DELETE(
            MessageIdPayload,
            _done("Message deleted"),
            summary="Delete a message, as its author or a moderator. An empty placeholder remains in its place.",
        ),
        "react": entries.REACT(ReactPayload, _reactions_reply),
        "presence": entries.PRESENCE(UserIdsPayload, _presence_reply),
        **calls_inbound(_CALLS, tolerant_call_entry),
        **sign_in.TOLERANT_INBOUND,
    },
    outbound={
        **entries.messages_outbound(
            sent=("message", message_event_payload),
            edited=("message-updated", message_event_payload),
            deleted="message-deleted",
            reacted="reaction",
            elsewhere=(
                Outbound(
                    "new-message",
                    new_message_payload,
                    summary="A message was sent in a conversation that this socket has not joined.",
                    to=To.NON_FOLLOWERS,
                ),
            ),
        ),
        **entries.typing_outbound("typing", user_typing_payload),
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
            entries.went_offline("user-offline", user_offline_payload),
        ),
        **entries.uploads_outbound("upload-progress"),
        **calls_outbound(_CALLS),
    },
    silent=MANAGEMENT_EVENTS,
    welcome=_welcome,
    refusal=refusal_with_message,
    error=_exception,
    goodbye=entries.goodbye("session-ending", EndingPayload),
)
