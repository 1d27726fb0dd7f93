"""Converts between the chat's messages and the message types of the `whatsapp` dialect, such as `image` and `location`,
with their contents."""

from __future__ import annotations

from mimetypes import guess_type
from typing import Annotated, Any, Literal, cast, get_args

import msgspec
from msgspec.structs import replace

from talkwire.core.commands.messages import AttachmentRef
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.model import AttachedKind, Attachment, Message, Place, file_id_in
from talkwire.core.domain.places import PLACE_NAME_MAX_LENGTH, check_place
from talkwire.core.domain.texts import NAME_MAX_LENGTH, check_short_text, check_url
from talkwire.payloads.payload import Payload

MessageType = Literal["text", "image", "video", "audio", "document", "location"]

TYPES: tuple[str, ...] = get_args(MessageType)
"""Types of messages in the `whatsapp` dialect."""

_MEDIA = frozenset({"image", "video", "audio", "document"})
_PLACED = frozenset({"location"})

_MEMBERS = {
    "url": _MEDIA,
    "name": _MEDIA | _PLACED,
    "latitude": _PLACED,
    "longitude": _PLACED,
    "address": _PLACED,
}
"""Types of messages that allow a member of a content, by the member. All types allow `text` and `caption`."""

# A Literal type would make the decoder refuse an unknown type without listing the known ones.
TypeName = Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(TYPES)})]
Degrees = Annotated[float, msgspec.Meta(description="Degrees in WGS 84")]


class ContentBody(Payload, frozen=True):
    """The content of a message to send. `text` and `caption` are two names for the same text, which every type allows.

    For the types `image`, `video`, `audio` and `document`: `url` (http, https, or that of an uploaded file) and an
    optional `name`; `url` is not needed if a file is attached. For `location`: `latitude`, `longitude`, `name` and
    `address`.
    """

    text: str | None = None
    caption: str | None = None
    url: str | None = None
    name: str | None = None
    latitude: Degrees | None = None
    longitude: Degrees | None = None
    address: Annotated[str, msgspec.Meta(max_length=PLACE_NAME_MAX_LENGTH)] | None = None


class TextBody(Payload, frozen=True):
    """The new text of a message to edit. `text` and `caption` are two names for it."""

    text: str | None = None
    caption: str | None = None


class ContentPayload(Payload, frozen=True):
    """The content of a message that clients receive. `text` is the author's text, empty in a deleted message; `caption`
    repeats the text for a file or a location. `url` and `name` are those of the first attachment. `latitude`,
    `longitude`, `name` and `address` are those of a location."""

    text: str
    caption: str | None = None
    url: str | None = None
    name: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    address: str | None = None


# --- contents from the client ---------------------------------------------------------------------------------------


def text_of(content: str | TextBody | ContentBody) -> str:
    """Returns the text in the content of a message from a client. Raises `invalid_request` if `text` and `caption`
    differ."""
    if isinstance(content, str):
        return content
    if content.text and content.caption and content.text != content.caption:
        raise invalid(
            "content.caption", "must not differ from content.text, which it is another name for: give only one"
        )
    return content.text or content.caption or ""


def attached(
    type_: str | None, content: str | ContentBody, refs: tuple[AttachmentRef, ...]
) -> tuple[AttachmentRef, ...]:
    """Returns the attachments of a message: first the file or the location in its content, then the other attachments
    `refs`. `type_` is the type that the client set, such as `image`; None if it set none. Raises `invalid_request` for
    an unknown type or a content that does not fit the type."""
    if type_ is not None and type_ not in TYPES:
        raise invalid("type", f"must be one of {', '.join(TYPES)}")
    body = ContentBody(content) if isinstance(content, str) else content
    _check_members(type_ or "text", body)
    if type_ == "location":
        return (AttachmentRef(place=_place(body)), *refs)
    if type_ in _MEDIA:
        return _with_kind(cast("AttachedKind", type_), _media(body, refs))
    # The explicit type is stored with the attachment, so that readers see a text and not, for example, an image.
    return _with_kind("text", refs) if type_ == "text" and text_of(body).strip() else refs


def _check_members(type_: str, content: ContentBody) -> None:
    for member, types in _MEMBERS.items():
        if getattr(content, member) is not None and type_ not in types:
            having = ", ".join(each for each in TYPES if each in types)
            raise invalid(f"content.{member}", f"is only allowed for the types {having}; this message has type {type_}")


def _place(content: ContentBody) -> Place:
    for member in ("latitude", "longitude"):
        if getattr(content, member) is None:
            raise invalid(f"content.{member}", "is required for a location")
    place = Place(content.latitude or 0.0, content.longitude or 0.0, content.name, content.address)
    check_place("content", place)
    return place


def _media(content: ContentBody, refs: tuple[AttachmentRef, ...]) -> tuple[AttachmentRef, ...]:
    if content.name is not None:
        check_short_text("content.name", content.name, NAME_MAX_LENGTH)
    if content.url is None:
        if not refs:
            raise invalid("content.url", "is required unless attachments has an uploaded file")
        if content.name is not None:
            raise invalid("content.name", "is only allowed with content.url: files in attachments have their own names")
        return refs
    file_id = file_id_in(content.url)
    if file_id is not None:
        return (AttachmentRef(id=file_id), *(ref for ref in refs if ref.id != file_id))
    check_url("content.url", content.url)
    return (AttachmentRef(url=content.url, name=content.name), *refs)


def _with_kind(kind: AttachedKind, refs: tuple[AttachmentRef, ...]) -> tuple[AttachmentRef, ...]:
    return (replace(refs[0], kind=kind), *refs[1:]) if refs else ()


# --- contents from the server ---------------------------------------------------------------------------------------


def type_of(message: Message) -> MessageType:
    """Returns the type of a message, such as `image`: the type that the sender's client set, or else the type of the
    first attachment; `text` without attachments."""
    if not message.attachments:
        return "text"
    first = message.attachments[0]
    if first.place is not None:
        return "location"
    return first.kind or _kind_of(first)


def _kind_of(attachment: Attachment) -> AttachedKind:
    content_type = attachment.content_type or guess_type(attachment.name)[0] or ""
    kind = content_type.partition("/")[0]
    return cast("AttachedKind", kind) if kind in _MEDIA else "document"


def content_payload(message: Message, type_: MessageType) -> ContentPayload:
    text = message.content
    if type_ == "text":
        return ContentPayload(text)
    first = message.attachments[0]
    members: dict[str, Any] = {"url": first.url, "name": first.name}
    if first.place is not None:
        members = msgspec.structs.asdict(first.place)
    return ContentPayload(text, text or None, **members)
