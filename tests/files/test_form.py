"""The one file of a form, however the form is cut into pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from talkwire.core.domain.errors import ChatError
from talkwire.files.form import boundary_of, file_in_form

FILE = (
    b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\nworld'
)
FIELD = b'Content-Disposition: form-data; name="caption"\r\n\r\n' + b"x" * 100


def form(*parts: bytes, end: bytes = b"--\r\n") -> bytes:
    return b"".join(b"--cut\r\n" + part + b"\r\n" for part in parts) + b"--cut" + end


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def read(body: bytes, size: int = 7) -> tuple[str, str | None, bytes]:
    found = await file_in_form("cut", pieces(body, size))
    return found.name, found.content_type, b"".join([chunk async for chunk in found.chunks])


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("parts", [(FILE,), (FIELD, FILE), (FILE, FIELD)])
async def test_the_file_is_found_among_the_fields(parts: tuple[bytes, ...], size: int) -> None:
    assert await read(form(*parts), size) == ("a.txt", "text/plain", b"hello\r\nworld")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (form(FIELD), "must have a file"),
        (form(), "must have a file"),
        (b"", "not a valid form|must have a file"),
        (b"just bytes", "not a valid form|must have a file"),
        (form(FILE, FILE), "one file only"),
        (form(FILE, end=b""), "not a valid form"),
        (form(FILE)[:-20], "not a valid form"),
        (form(*[FIELD] * 21, FILE), "not a valid form"),
        (form(b"X: " + b"y" * 10_000 + b"\r\n\r\n"), "not a valid form"),
    ],
)
async def test_anything_else_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(ChatError, match=message) as refused:
        await read(body)
    assert refused.value.code == "invalid_request"


async def test_fields_beside_the_file_are_bounded() -> None:
    with pytest.raises(ChatError) as refused:
        await read(form(FIELD + b"x" * 100_000, FILE), 10_000)
    assert refused.value.code == "payload_too_large"


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=cut", "cut"),
        ('Multipart/Form-Data; boundary="c u t"', "c u t"),
        ("multipart/form-data", None),
        ("multipart/mixed; boundary=cut", None),
        ("", None),
    ],
)
def test_the_boundary_of_a_form_is_read_from_its_content_type(content_type: str, boundary: str | None) -> None:
    assert boundary_of(content_type) == boundary
