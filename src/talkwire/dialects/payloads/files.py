"""Payloads of files and uploads."""

from __future__ import annotations

from talkwire.core.domain.events import UploadProgressed
from talkwire.core.domain.model import File
from talkwire.core.features.messages.files import file_url, thumbnail_url
from talkwire.dialects.payload import Payload, iso


class FilePayload(Payload, frozen=True):
    """An uploaded file. Its addresses are paths on this server."""

    id: str
    url: str
    name: str
    content_type: str
    size: int
    created_at: str
    width: int | None = None
    height: int | None = None
    thumbnail_url: str | None = None


class UploadProgressPayload(Payload, frozen=True, omit_defaults=False):
    """The progress of an upload: `received` of `size` bytes."""

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
    )


def upload_progress_payload(event: UploadProgressed) -> UploadProgressPayload:
    return UploadProgressPayload(event.upload_id, event.received, event.size)
