"""Reads the one file of an HTML form upload (`multipart/form-data`, RFC 7578) while the request's body arrives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from talkwire.core.domain.errors import ChatError, invalid

FORM_TYPE = "multipart/form-data"

FORM_FIELDS_MAX = 20
"""Most fields of an uploaded form."""

FRAME_MAX_BYTES = 64 * 1024
"""Most bytes of a form's other fields than the file."""


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file in an uploaded form. `name` and `content_type` are unverified client input; `chunks` yields its bytes.

    Read `chunks` to the end: it raises `invalid_request` if the form has a second file.
    """

    name: str
    content_type: str | None
    chunks: AsyncIterator[bytes]


def boundary_of(content_type: str) -> str | None:
    """Returns the boundary between a form's fields, from the value of a header `Content-Type`; None if the type is not
    `multipart/form-data` or has no boundary.
    """
    kind, options = parse_options_header(content_type)
    return options.get("boundary") or None if kind.lower() == FORM_TYPE else None


async def file_in_form(boundary: str, body: AsyncIterator[bytes]) -> FormFile:
    """Reads a form until its file's header has arrived, and returns the file. Skips fields before it.

    Raises `invalid_request` for an invalid form or one without a file, and `payload_too_large` if the other fields are
    longer than FRAME_MAX_BYTES (64 KiB); iterating `chunks` raises the same errors, and `invalid_request` for a second
    file.
    """
    parts = _parts(boundary, body)
    segment = await anext(parts, None)
    if not isinstance(segment, MultipartSegment):
        raise invalid("file", "the form must have a file")
    return FormFile(segment.filename or "", segment.content_type, _chunks(parts))


async def _chunks(parts: AsyncIterator[MultipartSegment | bytes]) -> AsyncIterator[bytes]:
    async for part in parts:
        if isinstance(part, MultipartSegment):
            raise invalid("file", "the form must have one file only")
        yield part


async def _parts(boundary: str, body: AsyncIterator[bytes]) -> AsyncGenerator[MultipartSegment | bytes]:
    """Yields the header of each file in a form and then the file's bytes, while the body arrives. Skips other fields.
    Raises `invalid_request` for an invalid form, and `payload_too_large` if other fields exceed FRAME_MAX_BYTES.
    """
    beside = 0
    inside = False
    try:
        with PushMultipartParser(boundary, max_segment_count=FORM_FIELDS_MAX) as parser:
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
        raise invalid("", f"the body is not a valid form: {error}") from None
