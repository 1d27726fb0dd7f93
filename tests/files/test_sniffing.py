"""The type that a file gets, whatever its sender declares."""

from __future__ import annotations

import pytest

from talkwire.files.sniffing import UNKNOWN_TYPE, content_type_of, is_inline
from tests.files.pictures import HTML, SVG

MP4 = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + b"\0" * 100
M4A = b"\0\0\0\x20ftypM4A \0\0\2\0M4A mp42isom" + b"\0" * 100
WEBM = bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104428581021853806701ffffffffffffff")
OGG = b"OggS\0\2" + b"\0" * 20 + b"\1\x1eOpusHead"
WAV = b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 30
MP3 = b"\xff\xfb\x90\x00" + b"\0" * 413
MP3_WITH_TAG = b"ID3\x04\0\0\0\0\0\0" + b"\0" * 100
FLAC = b"fLaC" + b"\0" * 40


@pytest.mark.parametrize(
    ("head", "declared", "expected"),
    [
        (MP4, None, "video/mp4"),
        (MP4, "text/html", "video/mp4"),
        (MP4, "audio/mp4", "audio/mp4"),
        (M4A, None, "audio/mp4"),
        (WEBM, None, "video/webm"),
        (WEBM, "audio/webm;codecs=opus", "audio/webm"),
        (WEBM, "audio/mpeg", "video/webm"),
        (OGG, None, "audio/ogg"),
        (OGG, "video/ogg", "video/ogg"),
        (WAV, "application/octet-stream", "audio/wav"),
        (MP3_WITH_TAG, None, "audio/mpeg"),
        (FLAC, None, "audio/flac"),
    ],
)
def test_sound_and_film_are_known_by_their_bytes(head: bytes, declared: str | None, expected: str) -> None:
    assert content_type_of(head, declared) == expected
    assert is_inline(expected)


def test_two_bytes_are_audio_only_if_the_client_declares_it() -> None:
    assert content_type_of(MP3, "audio/mpeg") == "audio/mpeg"
    assert content_type_of(MP3, "application/x-firmware") == "application/x-firmware"


@pytest.mark.parametrize("head", [HTML, SVG, b"hello", b"", b"\xff\xfeh\0i\0"])
@pytest.mark.parametrize(
    "declared",
    [
        "text/html",
        "TEXT/HTML; charset=utf-8",
        "application/xhtml+xml",
        "text/xsl",
        "image/svg+xml",
        "image/png",
        "video/mp4",
        "audio/mpeg",
        "text/xml",
        "application/xml",
        "text/javascript",
        "application/ecmascript",
        "text/css",
        "application/wasm",
        "multipart/x-mixed-replace",
        "message/rfc822",
        "nonsense",
        "text/plain\r\nX-Header: 1",
        "",
        None,
    ],
)
def test_declared_types_that_a_browser_would_run_are_not_believed(head: bytes, declared: str | None) -> None:
    assert content_type_of(head, declared) == UNKNOWN_TYPE
    assert not is_inline(UNKNOWN_TYPE)


@pytest.mark.parametrize(
    "declared",
    [
        "text/plain",
        "application/pdf",
        "application/zip",
        "text/csv",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ],
)
def test_harmless_declared_types_are_believed_and_never_displayed_inline(declared: str) -> None:
    assert content_type_of(HTML, declared) == declared
    assert not is_inline(declared)


@pytest.mark.parametrize("content_type", ["image/svg+xml", "image/tiff", "image/heif", "text/html", UNKNOWN_TYPE])
def test_only_pictures_that_were_made_safe_are_shown_in_place(content_type: str) -> None:
    assert not is_inline(content_type)
