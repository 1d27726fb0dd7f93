"""The one file in a form (`multipart/form-data`, RFC 7578), as it comes in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from talkwire.core.domain.errors import ChatError, invalid

FORM_TYPE = "multipart/form-data"
FIELDS_MAX = 20
FRAME_MAX_BYTES = 64 * 1024
"""What a form may have beside the file's own bytes."""


@dataclass(frozen=True, slots=True)
class FormFile:
    """`name` and `content_type` are the client's words; `chunks` have to be read to the end, which is the form's."""

    name: str
    content_type: str | None
    chunks: AsyncIterator[bytes]


def boundary_of(content_type: str) -> str | None:
    """What separates the fields of a form; None for a body that is none."""
    kind, options = parse_options_header(content_type)
    return options.get("boundary") or None if kind.lower() == FORM_TYPE else None


async def file_in_form(boundary: str, body: AsyncIterator[bytes]) -> FormFile:
    """The form's file, once its header has come. Other fields are passed over.

    Raises `invalid_request`, also from `chunks`: for what is no form, and unless there is exactly one file.
    """
    parts = _parts(boundary, body)
    segment = await anext(parts, None)
    if not isinstance(segment, MultipartSegment):
        raise invalid("file", "the form has no file")
    return FormFile(segment.filename or "", segment.content_type, _chunks(parts))


async def _chunks(parts: AsyncIterator[MultipartSegment | bytes]) -> AsyncIterator[bytes]:
    async for part in parts:
        if isinstance(part, MultipartSegment):
            raise invalid("file", "the form has several files; send one at a time")
        yield part


async def _parts(boundary: str, body: AsyncIterator[bytes]) -> AsyncGenerator[MultipartSegment | bytes]:
    """Each file's header and then its bytes."""
    beside = 0
    inside = False
    try:
        with PushMultipartParser(boundary, max_segment_count=FIELDS_MAX) as parser:
            async for chunk in body:
                for part in parser.parse(chunk):
                    if isinstance(part, MultipartSegment):
                        inside = part.filename is not None
                        if inside:
                            yield part
                    elif part is not None and inside:
                        yield bytes(part)
                    elif part is not None:
                        beside += len(part)
                if beside > FRAME_MAX_BYTES:
                    raise ChatError("payload_too_large", "The form's other fields are too long.")
                if parser.closed:
                    break
    except MultipartError as error:
        raise invalid("", f"the body is no form: {error}") from None
