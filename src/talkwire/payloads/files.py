"""Payloads of files and uploads."""

from __future__ import annotations

from talkwire.core.commands.files import FileInMessage
from talkwire.core.commands.links import LinkInMessage
from talkwire.core.domain.events import UploadProgressed
from talkwire.core.domain.model import File
from talkwire.core.features.messages.files import file_url, thumbnail_url
from talkwire.payloads.messages import AttachmentPayload, PersonPayload, attachment_payload
from talkwire.payloads.payload import Payload, iso


class FilePayload(Payload, frozen=True):
    """An uploaded file. Its `url` and `thumbnailUrl` are paths on this server. The thumbnail of an `animated` picture
    does not move."""

    id: str
    url: str
    name: str
    content_type: str
    size: int
    created_at: str
    width: int | None = None
    height: int | None = None
    thumbnail_url: str | None = None
    animated: bool = False


class SentFilePayload(Payload, frozen=True):
    """A file that was sent to a conversation, and the message that contains it. For a forwarded message, the sender is
    the user who forwarded it."""

    file: AttachmentPayload
    message_id: str
    seq: int
    sender: PersonPayload
    created_at: str
    thread_id: str | None = None


class SentLinkPayload(Payload, frozen=True):
    """A link that was sent to a conversation, and the message that contains it. `title` is the title of the linked page
    if the message has a preview of the link."""

    url: str
    message_id: str
    seq: int
    sender: PersonPayload
    created_at: str
    title: str | None = None
    thread_id: str | None = None


class UploadProgressPayload(Payload, frozen=True, omit_defaults=False):
    """The progress of an upload: `received` of `size` bytes have arrived."""

    upload_id: str
    received: int
    size: int


def file_payload(file: File) -> FilePayload:
    return FilePayload(
        id=file.id,
        url=file_url(file),
        name=file.name,
        content_type=file.content_type,
        size=file.size,
        created_at=iso(file.created_ms),
        width=file.width,
        height=file.height,
        thumbnail_url=thumbnail_url(file),
        animated=file.animated,
    )


def sent_file_payload(found: FileInMessage) -> SentFilePayload:
    message = found.message
    return SentFilePayload(
        file=attachment_payload(found.attachment),
        message_id=str(message.id),
        seq=message.seq,
        sender=PersonPayload(message.sender_id, message.sender_name, message.sender_avatar),
        created_at=iso(message.created_ms),
        thread_id=None if message.thread_id is None else str(message.thread_id),
    )


def sent_link_payload(found: LinkInMessage) -> SentLinkPayload:
    message = found.message
    return SentLinkPayload(
        url=found.url,
        title=found.title,
        message_id=str(message.id),
        seq=message.seq,
        sender=PersonPayload(message.sender_id, message.sender_name, message.sender_avatar),
        created_at=iso(message.created_ms),
        thread_id=None if message.thread_id is None else str(message.thread_id),
    )


def upload_progress_payload(event: UploadProgressed) -> UploadProgressPayload:
    return UploadProgressPayload(event.upload_id, event.received, event.size)
