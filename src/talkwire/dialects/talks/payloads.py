"""Payloads of the `talks` dialect (the vocabulary for clients of a marketplace), in both directions, over sockets and
REST."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from talkwire.core.commands.messages import AttachmentRef, SendMessage
from talkwire.core.commands.offers import OfferDecision
from talkwire.core.domain.events import (
    MessageEvent,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    OfferCreated,
    OfferUpdated,
    PresenceChanged,
    RoomEntered,
    RoomLeft,
    StreamStateChanged,
    TypingChanged,
)
from talkwire.core.domain.model import Message, OfferStatus, ShownStatus, file_id_in
from talkwire.core.features.messages.sending import check_attachment_count
from talkwire.payloads.messages import ReactionPayload, reaction_payloads
from talkwire.payloads.offers import OfferPayload, offer_payload
from talkwire.payloads.payload import Payload, TolerantPayload, iso, iso_or_none
from talkwire.payloads.presence import PresencePayload
from talkwire.payloads.replies import Reply

# --- payloads from the client ---------------------------------------------------------------------------------------


class ConversationIdPayload(TolerantPayload, frozen=True):
    conversation_id: str


class SendBody(TolerantPayload, frozen=True):
    """A message to send. `attachments` are addresses (URLs) of uploaded or external files; with them, `content` may be
    empty. Only callers with the role `service` set `senderId`, to the user who sends the message."""

    content: str = ""
    attachments: tuple[str, ...] | None = None
    client_message_id: str | None = None
    sender_id: str | None = None


class SendPayload(SendBody, frozen=True, kw_only=True):
    conversation_id: str


class TypingPayload(TolerantPayload, frozen=True):
    conversation_id: str
    is_typing: bool


class MarkPayload(TolerantPayload, frozen=True):
    """The messages to mark as read or delivered: all up to `messageId`, or all messages of the conversation if it is
    omitted."""

    conversation_id: str
    message_id: str | None = None


class UpdateOfferPayload(TolerantPayload, frozen=True):
    """The new status to set for an offer. Its author withdraws it; any other member accepts or rejects it. Only callers
    with the role `service` set `senderId`, to the user who decides."""

    conversation_id: str
    offer_id: str
    status: OfferDecision
    sender_id: str | None = None


class EditPayload(TolerantPayload, frozen=True):
    """The new text of a message. Only callers with the role `service` set `senderId`, to the author of the message."""

    message_id: str
    content: str
    sender_id: str | None = None


class MessageIdPayload(TolerantPayload, frozen=True):
    message_id: str


class ReactPayload(TolerantPayload, frozen=True):
    """A reaction to add to a message, or to remove with `remove`. Only callers with the role `service` set `senderId`,
    to the user who reacts."""

    message_id: str
    emoji: str
    remove: bool = False
    sender_id: str | None = None


class UserIdsPayload(TolerantPayload, frozen=True):
    user_ids: tuple[str, ...]


def to_send(conversation_id: str, given: SendBody) -> SendMessage:
    return SendMessage(
        conversation_id=conversation_id,
        content=given.content,
        client_message_id=given.client_message_id,
        sender_id=given.sender_id,
        attachments=_attachment_refs(given.attachments or ()),
    )


def _attachment_refs(addresses: tuple[str, ...]) -> tuple[AttachmentRef, ...]:
    check_attachment_count(len(addresses))
    return tuple(map(_attachment_ref, addresses))


def _attachment_ref(url: str) -> AttachmentRef:
    """Returns the attachment for a file's URL. If the URL is that of an uploaded file, the attachment has the file's
    id, so that everyone who may see the message may download the file."""
    file_id = file_id_in(url)
    return AttachmentRef(url=url) if file_id is None else AttachmentRef(id=file_id)


# --- payloads from the server ---------------------------------------------------------------------------------------


class UserPayload(Payload, frozen=True):
    id: str
    username: str
    avatar: str | None


class MessagePayload(Payload, frozen=True):
    """A message. `content` is empty if there are only attachments, and in a deleted message, which has `deletedAt`."""

    id: str
    conversation_id: str
    user_id: str
    user: UserPayload
    content: str
    attachments: tuple[str, ...]
    created_at: str
    client_message_id: str | None = None
    reactions: tuple[ReactionPayload, ...] = ()
    edited_at: str | None = None
    deleted_at: str | None = None


class MessageNotePayload(Payload, frozen=True):
    """A message inside an event's payload. It has no conversation id, since the payload has that beside the message."""

    id: str
    content: str
    user: UserPayload
    created_at: str
    attachments: tuple[str, ...] = ()


class NewMessagePayload(Payload, frozen=True):
    conversation_id: str
    message: MessageNotePayload


class UserTypingPayload(Payload, frozen=True):
    user_id: str
    username: str
    conversation_id: str
    is_typing: bool


class ReadPayload(Payload, frozen=True):
    """A read receipt: the member `userId` has read all messages of the conversation up to `messageId`."""

    user_id: str
    conversation_id: str
    message_id: str
    read_at: str


class DeliveredPayload(Payload, frozen=True):
    """A delivery receipt: the devices of the member `userId` have received all messages of the conversation up to
    `messageId`."""

    user_id: str
    conversation_id: str
    message_id: str
    delivered_at: str


class UserInRoomPayload(Payload, frozen=True):
    user_id: str
    username: str
    conversation_id: str


class NewOfferPayload(Payload, frozen=True):
    offer_id: str
    conversation_id: str
    offer: OfferPayload


class OfferCreatedPayload(NewOfferPayload, frozen=True, kw_only=True):
    created_at: str


class OfferUpdatedPayload(NewOfferPayload, frozen=True, kw_only=True):
    status: OfferStatus
    updated_at: str


class UserOnlinePayload(Payload, frozen=True):
    """A user who is online. `status` is `online`, `away` or `dnd` (do not disturb)."""

    user_id: str
    status: ShownStatus


class UserOfflinePayload(Payload, frozen=True):
    """A user who went offline. `lastSeenAt` is null if the user was never online."""

    user_id: str
    last_seen_at: str | None


class ConnectedPayload(Payload, frozen=True):
    """The payload of the first event that a socket receives. `cursor` is the current position in the log of events,
    from which `GET /api/v1/sync` continues."""

    message: str
    user_id: str
    cursor: str


class EndingPayload(Payload, frozen=True):
    reason: str
    reconnect: bool


def message_payload(message: Message) -> MessagePayload:
    return MessagePayload(
        id=str(message.id),
        conversation_id=message.conversation_id,
        user_id=message.sender_id,
        user=_sender(message),
        content=message.content,
        attachments=_urls(message),
        created_at=iso(message.created_ms),
        client_message_id=message.client_message_id,
        reactions=reaction_payloads(message),
        edited_at=iso_or_none(message.edited_ms),
        deleted_at=iso_or_none(message.deleted_ms),
    )


def _sender(message: Message) -> UserPayload:
    return UserPayload(message.sender_id, message.sender_name, message.sender_avatar)


def _urls(message: Message) -> tuple[str, ...]:
    return tuple(attachment.url for attachment in message.attachments)


def message_event_payload(event: MessageEvent) -> MessagePayload:
    return message_payload(event.message)


def new_message_payload(event: MessageSent | StreamStateChanged) -> NewMessagePayload:
    message = event.message
    note = MessageNotePayload(
        str(message.id), message.content, _sender(message), iso(message.created_ms), _urls(message)
    )
    return NewMessagePayload(message.conversation_id, note)


def user_typing_payload(event: TypingChanged) -> UserTypingPayload:
    return UserTypingPayload(event.user_id, event.user_name, event.conversation_id, event.is_typing)


def read_payload(event: MessagesRead) -> ReadPayload:
    return ReadPayload(event.user_id, event.conversation_id, str(event.message_id), iso(event.at_ms))


def delivered_payload(event: MessagesDelivered) -> DeliveredPayload:
    return DeliveredPayload(event.user_id, event.conversation_id, str(event.message_id), iso(event.at_ms))


def user_in_room_payload(event: RoomEntered | RoomLeft) -> UserInRoomPayload:
    return UserInRoomPayload(event.user_id, event.user_name, event.conversation_id)


def new_offer_payload(event: OfferCreated | OfferUpdated) -> NewOfferPayload:
    return NewOfferPayload(str(event.offer.id), event.offer.conversation_id, offer_payload(event.offer))


def offer_created_payload(event: OfferCreated) -> OfferCreatedPayload:
    offer = event.offer
    return OfferCreatedPayload(
        str(offer.id), offer.conversation_id, offer_payload(offer), created_at=iso(offer.created_ms)
    )


def offer_updated_payload(event: OfferUpdated) -> OfferUpdatedPayload:
    offer = event.offer
    return OfferUpdatedPayload(
        str(offer.id),
        offer.conversation_id,
        offer_payload(offer),
        status=offer.status,
        updated_at=iso(offer.updated_ms),
    )


def offer_accepted_payloads(event: OfferUpdated) -> Iterable[tuple[str, NewOfferPayload]]:
    """Returns the author's user id and the event's payload for an offer that was accepted, as the only pair; empty for
    any other change of an offer."""
    offer = event.offer
    is_acceptance = offer.status == "accepted" and offer.deleted_ms is None
    return [(offer.author_id, new_offer_payload(event))] if is_acceptance else []


def user_online_payload(event: PresenceChanged) -> UserOnlinePayload:
    return UserOnlinePayload(event.presence.user_id, event.presence.status)


def user_offline_payload(event: PresenceChanged) -> UserOfflinePayload:
    seen_ms = event.presence.last_seen_ms
    return UserOfflinePayload(event.presence.user_id, iso_or_none(seen_ms))


# --- acknowledgements and events about the socket itself ------------------------------------------------------------


class DoneReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """An acknowledgement of success. `message` says in words what was done."""

    message: str


class RoomReply(DoneReply, frozen=True, kw_only=True, rename="camel"):
    conversation_id: str


class MessageReply(Reply, frozen=True, kw_only=True, rename="camel"):
    message: MessagePayload


class ReactionsReply(DoneReply, frozen=True, kw_only=True, rename="camel"):
    """An acknowledgement of an added or removed reaction, with all current reactions to the message."""

    reactions: tuple[ReactionPayload, ...]


class PresenceReply(Reply, frozen=True, kw_only=True, rename="camel"):
    presence: tuple[PresencePayload, ...]


class ExceptionPayload(Payload, frozen=True, omit_defaults=False):
    """The payload of an error event, in the format of NestJS exceptions."""

    message: str
    status: Literal["error"] = "error"
