"""Payloads of messages with their attachments, link previews, reactions, replies and threads."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from talkwire.core.commands.messages import AttachmentRef, GivenGenerated, MessageVersion, Model
from talkwire.core.commands.streams.rating import MessageRating
from talkwire.core.domain.events import MessageDeleted, MessageRated, MessageReacted
from talkwire.core.domain.model import AttachedKind, Attachment, LinkPreview, Message, Reaction, SavedMessage
from talkwire.core.domain.parts.message_parts import MessagePart, simplified
from talkwire.core.domain.parts.streams import StreamError, StreamState
from talkwire.core.features.messages.sending import check_attachment_count
from talkwire.payloads.cards.card import CardPayload, card_payload
from talkwire.payloads.payload import Payload, iso, iso_or_none


class PersonPayload(Payload, frozen=True):
    id: str
    name: str
    avatar: str | None = None


class PlacePayload(Payload, frozen=True):
    """A location on the map, which a message contains. `latitude` and `longitude` are in degrees."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class AttachmentPayload(Payload, frozen=True):
    """A file or a location attached to a message. An uploaded file has an `id`; a file at an external address has only
    `url` and `name`. The `url` of a `place` shows a map. `kind` is the message type that the sender's client set, if
    any. The thumbnail of an `animated` picture does not move. A voice message has its `durationMs` and a `waveform`:
    values of loudness from 0 to 100 at equal distances in time. The sender's client measured both, and the `width` and
    the `height` of a film; the server measured those of a picture."""

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
    animated: bool = False
    duration_ms: int | None = None
    waveform: tuple[int, ...] = ()


class PreviewImagePayload(Payload, frozen=True):
    """The picture of a link preview: a small copy on this server, of a picture of `width` times `height` pixels."""

    url: str
    width: int
    height: int


class LinkPreviewPayload(Payload, frozen=True):
    """A preview of a link in a message: the title, text and picture that the linked page gives of itself. The server
    reads them from the page, so they do not come from the sender."""

    url: str
    title: str
    description: str | None = None
    site_name: str | None = None
    image: PreviewImagePayload | None = None


class QuotePayload(Payload, frozen=True):
    """The earlier message that a message replies to: its id, its sender, and the start of its current text."""

    id: str
    sender_id: str
    content: str


class OriginPayload(Payload, frozen=True):
    """A reference to the original of a forwarded message: its id and its sender."""

    id: str
    sender_id: str


class ReactionPayload(Payload, frozen=True):
    """An emoji, and the users who reacted to a message with it. `userIds` are the first of all `count` users."""

    emoji: str
    count: int
    user_ids: tuple[str, ...]


class ReactionChangedPayload(Payload, frozen=True):
    """A reaction that was added to a message or removed from it, and all current reactions to the message."""

    message_id: str
    conversation_id: str
    user_id: str
    emoji: str
    action: Literal["added", "removed"]
    reactions: tuple[ReactionPayload, ...]


class RatingPayload(Payload, frozen=True):
    """The caller's rating of a message of an agent, with its comment, and how many users have rated it up and down.
    `up` and `down` are for the message's author, the agent's owner, the conversation's owner and admins, and the
    application's backend."""

    mine: int
    comment: str | None = None
    up: int | None = None
    down: int | None = None


class MessageRatedPayload(Payload, frozen=True):
    """A rating of a message of an agent: `1`, `-1`, or `0` if the user has taken it back. `up` and `down` are missing
    for the user who has rated the message."""

    message_id: str
    conversation_id: str
    user_id: str
    rating: int
    comment: str | None = None
    up: int | None = None
    down: int | None = None


class DeletedMessagePayload(Payload, frozen=True):
    message_id: str
    conversation_id: str
    deleted_at: str
    deleted_by: str


class ThreadSummaryPayload(Payload, frozen=True, omit_defaults=False):
    """A summary of a thread's replies, which is shown with its first message: how many replies there are, when the
    newest was sent, and who has replied, the newest first: at most five senders of the newest 50 replies."""

    reply_count: int
    last_reply_at: str
    participants: tuple[PersonPayload, ...]


MessageType = Literal["text", "file", "system"]


class GeneratedPayload(Payload, frozen=True):
    """States that an agent wrote the message: `by` is the agent's user id, `model` the name of the model, if the agent
    gave one. A forwarded copy has that of the original."""

    by: str
    model: str | None = None


class MessagePayload(Payload, frozen=True):
    """A message. Members that are empty, null or false are omitted. A deleted message has no `content`. An `imported`
    message was sent earlier on another system: it is never unread and causes no notifications. A message of the type
    `system` is a notice of the application, such as "Your order was shipped"; clients show it without its sender.
    `notesOf` is in notes of a conversation's teams: the conversation that they are about. A message with `parts` has a
    `content` that follows from them, for clients and places that do not show parts. `state` is in messages that were or
    are being written while others read them: `streaming`, or how that ended, and `error` says why it has failed. A
    message with a `card` asks its readers to decide; its `content` is the card as a text."""

    id: str
    conversation_id: str
    seq: int
    sender_id: str
    sender: PersonPayload
    type: MessageType
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
    thread: ThreadSummaryPayload | None = None
    pinned: bool = False
    edited_at: str | None = None
    deleted_at: str | None = None
    imported: bool = False
    previews: tuple[LinkPreviewPayload, ...] = ()
    generated: GeneratedPayload | None = None
    on_behalf_of: str | None = None
    notes_of: str | None = None
    parts: tuple[MessagePart, ...] = ()
    state: StreamState | None = None
    error: StreamError | None = None
    card: CardPayload | None = None


class SavedMessagePayload(Payload, frozen=True):
    """A message that the caller has saved for later, and when."""

    saved_at: str
    message: MessagePayload


class VersionPayload(Payload, frozen=True):
    """A version of an edited message's text and parts, which was shown from `createdAt` on. The first version has the
    number 1."""

    version: int
    content: str
    created_at: str
    parts: tuple[MessagePart, ...] = ()


class AttachmentBody(Payload, frozen=True):
    """A file to attach to a new message: an uploaded file by its `id`, or an external file by its `url` and a `name`. A
    voice message is an uploaded file with `durationMs` and a `waveform`: at most 100 values of loudness from 0 to 100.
    A film may have the `width` and the `height` of its frames in pixels, up to 65535.

    What the upload of a file answered can be given as it is: its other members are ignored."""

    id: str | None = None
    url: str | None = None
    name: str | None = None
    duration_ms: int | None = None
    waveform: tuple[int, ...] | None = None
    width: int | None = None
    height: int | None = None
    content_type: Any = None
    size: Any = None
    created_at: Any = None
    thumbnail_url: Any = None
    animated: Any = None


class GeneratedBody(Payload, frozen=True):
    """How an agent wrote a new message: the name of the `model`. The server adds the agent's id."""

    model: Model | None = None


class TolerantAttachmentBody(AttachmentBody, frozen=True, forbid_unknown_fields=False):
    """The same for dialects whose payloads may have unknown members."""


_RECENT_MAX = 512
"""Most messages whose payloads are cached."""

_RECENT_MAX_LENGTH = 1000

_recent: dict[int, tuple[Message, MessagePayload]] = {}
"""Payloads of plain messages that were made last, by message id. A new message is sent to its author and to the others,
and to make its payload takes as long as to encode it."""


def message_payload(message: Message) -> MessagePayload:
    recent = _recent.get(message.id)
    if recent is not None and recent[0] is message:
        return recent[1]
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
        or message.system
        or message.previews
        or message.generated
        or message.on_behalf_of
        or message.notes_of
        or message.parts
        or message.state
        or message.card
    ):
        return _full_payload(message)
    # A fast path: most messages have only a text, and a page of messages is encoded for every request.
    payload = MessagePayload(
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
    if len(message.content) <= _RECENT_MAX_LENGTH and message.metadata is None:
        if len(_recent) >= _RECENT_MAX:
            _recent.clear()
        _recent[message.id] = message, payload
    return payload


def short_payload(message: Message) -> MessagePayload:
    """Returns the payload of a message without its parts, for lists that show only how a message begins."""
    return message_payload(replace(message, parts=()) if message.parts else message)


def _full_payload(message: Message) -> MessagePayload:
    quote, origin, generated = message.reply_to, message.forwarded_from, message.generated
    return MessagePayload(
        id=str(message.id),
        conversation_id=message.conversation_id,
        seq=message.seq,
        sender_id=message.sender_id,
        sender=PersonPayload(message.sender_id, message.sender_name, message.sender_avatar),
        type=_type_of(message),
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
        thread=thread_payload(message),
        pinned=message.pinned_ms is not None,
        edited_at=iso_or_none(message.edited_ms),
        deleted_at=iso_or_none(message.deleted_ms),
        imported=message.imported,
        previews=tuple(map(_preview_payload, message.previews)),
        generated=None if generated is None else GeneratedPayload(generated.by, generated.model),
        on_behalf_of=message.on_behalf_of,
        notes_of=message.notes_of,
        parts=message.parts if message.state != "streaming" else simplified(message.parts),
        state=message.state,
        error=message.error,
        card=None if message.card is None else card_payload(message.card),
    )


def _type_of(message: Message) -> MessageType:
    if message.system:
        return "system"
    return "file" if message.attachments and not message.content.strip() else "text"


def thread_payload(root: Message) -> ThreadSummaryPayload | None:
    """Returns the summary of a thread for its first message; None if the message has no replies in a thread."""
    thread = root.thread
    if thread is None or not root.reply_count:
        return None
    people = tuple(PersonPayload(each.user_id, each.name, each.avatar) for each in thread.participants)
    return ThreadSummaryPayload(root.reply_count, iso(thread.last_reply_ms), people)


def _preview_payload(preview: LinkPreview) -> LinkPreviewPayload:
    image = preview.image
    return LinkPreviewPayload(
        url=preview.url,
        title=preview.title,
        description=preview.description,
        site_name=preview.site_name,
        image=None
        if image is None or image.thumbnail_url is None
        else PreviewImagePayload(image.thumbnail_url, image.width or 0, image.height or 0),
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
        animated=attachment.animated,
        duration_ms=attachment.duration_ms,
        waveform=attachment.waveform,
    )


def reaction_payloads(message: Message) -> tuple[ReactionPayload, ...]:
    return tuple(map(_reaction_payload, message.reactions))


def _reaction_payload(reaction: Reaction) -> ReactionPayload:
    return ReactionPayload(reaction.emoji, reaction.count, reaction.user_ids)


def reaction_changed_payload(event: MessageReacted) -> ReactionChangedPayload:
    message = event.message
    return ReactionChangedPayload(
        message_id=str(message.id),
        conversation_id=message.conversation_id,
        user_id=event.user_id,
        emoji=event.emoji,
        action="added" if event.added else "removed",
        reactions=reaction_payloads(message),
    )


def rating_payload(rating: MessageRating) -> RatingPayload:
    return RatingPayload(rating.mine, rating.comment, rating.up, rating.down)


def message_rated_payload(event: MessageRated) -> MessageRatedPayload:
    message = event.message
    return MessageRatedPayload(
        message_id=str(message.id),
        conversation_id=message.conversation_id,
        user_id=event.user_id,
        rating=event.rating,
        comment=event.comment if message.deleted_ms is None else None,
        up=event.up,
        down=event.down,
    )


def message_deleted_payload(event: MessageDeleted) -> DeletedMessagePayload:
    message = event.message
    return DeletedMessagePayload(
        message_id=str(message.id),
        conversation_id=message.conversation_id,
        deleted_at=iso(message.deleted_ms or event.at_ms),
        deleted_by=message.deleted_by or message.sender_id,
    )


def version_payload(version: MessageVersion) -> VersionPayload:
    return VersionPayload(version.number, version.content, iso(version.written_ms), version.parts)


def saved_message_payload(saved: SavedMessage) -> SavedMessagePayload:
    return SavedMessagePayload(iso(saved.saved_ms), message_payload(saved.message))


def given_generated(body: GeneratedBody | None) -> GivenGenerated | None:
    """Returns what a request states about how an agent wrote a message, in the form that commands have it."""
    return None if body is None else GivenGenerated(body.model)


def given_parts(parts: tuple[MessagePart, ...] | None) -> tuple[MessagePart, ...]:
    """Returns the parts of a request in the form that commands have them; none for None."""
    return parts or ()


def attachment_refs(attachments: tuple[AttachmentBody, ...] | None) -> tuple[AttachmentRef, ...]:
    """Returns the attachments of a request in the form that commands have them; none for None. For a file with an `id`,
    `url` and `name` are ignored. Raises `invalid_request` for too many attachments."""
    if not attachments:
        return ()
    check_attachment_count(len(attachments))
    return tuple(
        AttachmentRef(url=each.url, name=each.name)
        if each.id is None
        else AttachmentRef(
            id=each.id,
            duration_ms=each.duration_ms,
            waveform=each.waveform or (),
            width=each.width,
            height=each.height,
        )
        for each in attachments
    )
