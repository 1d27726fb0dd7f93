"""Payloads of messages."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from talkwire.core.commands.messages import AttachmentRef, MessageVersion
from talkwire.core.domain.model import AttachedKind, Attachment, Message, Reaction
from talkwire.core.features.messages.sending import check_attachment_count
from talkwire.dialects.payload import Payload, iso


class PersonPayload(Payload, frozen=True):
    id: str
    name: str
    avatar: str | None = None


class PlacePayload(Payload, frozen=True):
    """A location on the map. `latitude` and `longitude` are in degrees."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class AttachmentPayload(Payload, frozen=True):
    """An attached file. An uploaded file has an `id`; a file at an external address has only `url` and `name`. The
    `url` of a `place` shows a map. `kind` is the message type that the sender's client set, if any."""

    url: str
    name: str
    id: str | None = None
    content_type: str | None = None
    size: int | None = None
    width: int | None = None
    height: int | None = None
    thumbnail_url: str | None = None
    kind: AttachedKind | None = None
    place: PlacePayload | None = None


class QuotePayload(Payload, frozen=True):
    """The message that another message replies to, with the start of its current text."""

    id: str
    sender_id: str
    content: str


class OriginPayload(Payload, frozen=True):
    """The message that a forwarded message is a copy of."""

    id: str
    sender_id: str


class ReactionPayload(Payload, frozen=True):
    """An emoji and the users who reacted with it. `userIds` are the first of all `count` users."""

    emoji: str
    count: int
    user_ids: tuple[str, ...]


class MessagePayload(Payload, frozen=True):
    """A message. Members that are empty, null or false are omitted. A deleted message has no `content`. An `imported`
    message was sent earlier on another system: it is never unread and causes no notifications."""

    id: str
    conversation_id: str
    seq: int
    sender_id: str
    sender: PersonPayload
    type: Literal["text", "file"]
    created_at: str
    content: str | UnsetType = UNSET
    client_message_id: str | None = None
    metadata: dict[str, object] | None = None
    attachments: tuple[AttachmentPayload, ...] = ()
    mentions: tuple[str, ...] = ()
    mentions_all: bool = False
    reply_to: QuotePayload | None = None
    thread_id: str | None = None
    forwarded_from: OriginPayload | None = None
    reactions: tuple[ReactionPayload, ...] = ()
    reply_count: int = 0
    pinned: bool = False
    edited_at: str | None = None
    deleted_at: str | None = None
    imported: bool = False


class VersionPayload(Payload, frozen=True):
    """A version of a message's text, valid from `createdAt` on. The first version is 1."""

    version: int
    content: str
    created_at: str


class AttachmentBody(Payload, frozen=True):
    """A file to attach: an uploaded file by its `id`, or an external file by its `url` and a `name`."""

    id: str | None = None
    url: str | None = None
    name: str | None = None


def message_payload(message: Message) -> MessagePayload:
    if (
        message.attachments
        or message.mentions
        or message.mentions_all
        or message.reply_to
        or message.thread_id
        or message.forwarded_from
        or message.reactions
        or message.reply_count
        or message.pinned_ms
        or message.edited_ms
        or message.deleted_ms
        or message.imported
    ):
        return _full_payload(message)
    # A fast path: most messages have only a text, and a page of messages is encoded for every request.
    return MessagePayload(
        id=str(message.id),
        conversation_id=message.conversation_id,
        seq=message.seq,
        sender_id=message.sender_id,
        sender=PersonPayload(message.sender_id, message.sender_name, message.sender_avatar),
        type="text",
        created_at=iso(message.created_ms),
        content=message.content,
        client_message_id=message.client_message_id,
        metadata=message.metadata,
    )


def _full_payload(message: Message) -> MessagePayload:
    quote, origin = message.reply_to, message.forwarded_from
    return MessagePayload(
        id=str(message.id),
        conversation_id=message.conversation_id,
        seq=message.seq,
        sender_id=message.sender_id,
        sender=PersonPayload(message.sender_id, message.sender_name, message.sender_avatar),
        type="file" if message.attachments and not message.content.strip() else "text",
        created_at=iso(message.created_ms),
        content=message.content if message.deleted_ms is None else UNSET,
        client_message_id=message.client_message_id,
        metadata=message.metadata,
        attachments=tuple(map(attachment_payload, message.attachments)),
        mentions=message.mentions,
        mentions_all=message.mentions_all,
        reply_to=None if quote is None else QuotePayload(str(quote.id), quote.sender_id, quote.content),
        thread_id=None if message.thread_id is None else str(message.thread_id),
        forwarded_from=None if origin is None else OriginPayload(str(origin.id), origin.sender_id),
        reactions=reaction_payloads(message),
        reply_count=message.reply_count,
        pinned=message.pinned_ms is not None,
        edited_at=None if message.edited_ms is None else iso(message.edited_ms),
        deleted_at=None if message.deleted_ms is None else iso(message.deleted_ms),
        imported=message.imported,
    )


def attachment_payload(attachment: Attachment) -> AttachmentPayload:
    place = attachment.place
    return AttachmentPayload(
        url=attachment.url,
        name=attachment.name,
        id=attachment.id,
        content_type=attachment.content_type,
        size=attachment.size,
        width=attachment.width,
        height=attachment.height,
        thumbnail_url=attachment.thumbnail_url,
        kind=attachment.kind,
        place=None if place is None else PlacePayload(place.latitude, place.longitude, place.name, place.address),
    )


def reaction_payloads(message: Message) -> tuple[ReactionPayload, ...]:
    return tuple(map(_reaction_payload, message.reactions))


def _reaction_payload(reaction: Reaction) -> ReactionPayload:
    return ReactionPayload(reaction.emoji, reaction.count, reaction.user_ids)


def version_payload(version: MessageVersion) -> VersionPayload:
    return VersionPayload(version.number, version.content, iso(version.written_ms))


def attachment_refs(attachments: tuple[AttachmentBody, ...] | None) -> tuple[AttachmentRef, ...]:
    """Returns the attachments for a command. For a file with an `id`, other members are ignored."""
    check_attachment_count(len(attachments or ()))
    return tuple(
        AttachmentRef(url=each.url, name=each.name) if each.id is None else AttachmentRef(id=each.id)
        for each in attachments or ()
    )
