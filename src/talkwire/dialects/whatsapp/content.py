"""The kinds of messages that the `whatsapp` dialect has, and their contents."""

from __future__ import annotations

from mimetypes import guess_type
from typing import Annotated, Any, Literal, cast, get_args

import msgspec
from msgspec.structs import replace

from talkwire.core.commands.messages import AttachmentRef
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.model import AttachedKind, Attachment, Message, Place
from talkwire.core.domain.places import PLACE_NAME_MAX_LENGTH, check_place
from talkwire.core.domain.texts import check_name
from talkwire.core.features.messages.files import file_id_in
from talkwire.core.features.messages.sending import check_url
from talkwire.dialects.payload import Payload

MessageType = Literal["text", "image", "video", "audio", "document", "location"]

TYPES: tuple[str, ...] = get_args(MessageType)

_MEDIA = frozenset({"image", "video", "audio", "document"})
_PLACED = frozenset({"location"})

_MEMBERS = {
    "url": _MEDIA,
    "name": _MEDIA | _PLACED,
    "latitude": _PLACED,
    "longitude": _PLACED,
    "address": _PLACED,
}
"""The types that have each member of a content. Every type has `text` and `caption`."""

# The decoder would refuse an unknown type without naming the known ones.
TypeName = Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(TYPES)})]
Degrees = Annotated[float, msgspec.Meta(description="In degrees, as WGS 84 has them")]


class ContentBody(Payload, frozen=True, forbid_unknown_fields=True):
    """What a message says. `text` and `caption` are two names of the same, which any type may have.

    `image`, `video`, `audio`, `document`: `url` (http or https, or that of an uploaded file) with a `name`; no `url` is
    needed where a file is attached. `location`: `latitude`, `longitude`, `name` and `address`.
    """

    text: str | None = None
    caption: str | None = None
    url: str | None = None
    name: str | None = None
    latitude: Degrees | None = None
    longitude: Degrees | None = None
    address: Annotated[str, msgspec.Meta(max_length=PLACE_NAME_MAX_LENGTH)] | None = None


class TextBody(Payload, frozen=True, forbid_unknown_fields=True):
    """`text` and `caption` are two names of the same."""

    text: str | None = None
    caption: str | None = None


class ContentPayload(Payload, frozen=True):
    """`text` is what the author wrote, empty in a deleted message; `caption` is the same beside a file or a place.
    `url` and `name` are those of the first attachment; `latitude`, `longitude`, `name` and `address` those of a
    location."""

    text: str
    caption: str | None = None
    url: str | None = None
    name: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    address: str | None = None


# --- what clients send ----------------------------------------------------------------------------------------------


def text_of(content: str | TextBody | ContentBody) -> str:
    """Returns what the author wrote. Raises `invalid_request` for a text and another caption."""
    if isinstance(content, str):
        return content
    if content.text and content.caption and content.text != content.caption:
        raise invalid("content.caption", "is another name for content.text: give one of them")
    return content.text or content.caption or ""


def attached(
    type_: str | None, content: str | ContentBody, refs: tuple[AttachmentRef, ...]
) -> tuple[AttachmentRef, ...]:
    """Returns what a message of this type attaches: what its content points to, before the attachments that the client
    names. Raises `invalid_request` for a type or a content that the dialect does not have."""
    if type_ is not None and type_ not in TYPES:
        raise invalid("type", f"must be one of {', '.join(TYPES)}")
    body = ContentBody(content) if isinstance(content, str) else content
    _check_members(type_ or "text", body)
    if type_ == "location":
        return (AttachmentRef(place=_place(body)), *refs)
    if type_ in _MEDIA:
        return _with_kind(cast("AttachedKind", type_), _media(body, refs))
    # Beside a text, an explicit type keeps the message a text for its readers.
    return _with_kind("text", refs) if type_ == "text" and text_of(body).strip() else refs


def _check_members(type_: str, content: ContentBody) -> None:
    for member, types in _MEMBERS.items():
        if getattr(content, member) is not None and type_ not in types:
            having = ", ".join(each for each in TYPES if each in types)
            raise invalid(f"content.{member}", f"belongs to messages of type {having}; this one has type {type_}")


def _place(content: ContentBody) -> Place:
    for member in ("latitude", "longitude"):
        if getattr(content, member) is None:
            raise invalid(f"content.{member}", "is required for a location")
    place = Place(content.latitude or 0.0, content.longitude or 0.0, content.name, content.address)
    check_place("content", place)
    return place


def _media(content: ContentBody, refs: tuple[AttachmentRef, ...]) -> tuple[AttachmentRef, ...]:
    if content.name is not None:
        check_name("content.name", content.name)
    if content.url is None:
        if not refs:
            raise invalid("content.url", "is required, or an uploaded file in attachments")
        if content.name is not None:
            raise invalid("content.name", "names what is at content.url; what is in attachments has a name of its own")
        return refs
    file_id = file_id_in(content.url)
    if file_id is not None:
        return (AttachmentRef(id=file_id), *(ref for ref in refs if ref.id != file_id))
    check_url("content.url", content.url)
    return (AttachmentRef(url=content.url, name=content.name), *refs)


def _with_kind(kind: AttachedKind, refs: tuple[AttachmentRef, ...]) -> tuple[AttachmentRef, ...]:
    return (replace(refs[0], kind=kind), *refs[1:]) if refs else ()


# --- what clients are sent ------------------------------------------------------------------------------------------


def type_of(message: Message) -> MessageType:
    """Returns what the sender's client called a message, or what follows from its first attachment."""
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
