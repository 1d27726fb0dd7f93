"""Detects a file's type by its bytes. The type that a client declares is used only where it can do no harm.

Browsers show pictures, sound and video in a page, so a file gets such a type only if its bytes prove it. Browsers run
HTML, SVG and scripts, so no file ever gets one of these types, and no browser ever runs an uploaded file.
"""

from __future__ import annotations

import re

import puremagic

SNIFFED_BYTES = 4096
"""Number of bytes at a file's beginning that are examined."""

UNKNOWN_TYPE = "application/octet-stream"

_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})

_SOUND_AND_FILM = {
    "audio/aac": "audio/aac",
    "audio/flac": "audio/flac",
    "audio/midi": "audio/midi",
    "audio/mp4": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/mpeg": "audio/mpeg",
    "audio/ogg": "audio/ogg",
    "audio/wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/x-aiff": "audio/aiff",
    "application/ogg": "audio/ogg",
    "application/x-matroska": "video/x-matroska",
    "video/avi": "video/x-msvideo",
    "video/x-msvideo": "video/x-msvideo",
    "video/mp4": "video/mp4",
    "video/mpeg": "video/mpeg",
    "video/ogg": "video/ogg",
    "video/quicktime": "video/quicktime",
    "video/webm": "video/webm",
    "video/x-matroska": "video/x-matroska",
}
"""The project's names for types that may be played, by the library's names."""

_EITHER = ({"audio/mp4", "video/mp4"}, {"audio/ogg", "video/ogg"}, {"audio/webm", "video/webm"})
"""Sets of containers for sound, video or both, which look alike in their first bytes: the client may say which it
is."""

_WEAK = 0.3
"""The library's confidence in a match of two bytes: a text may begin with them."""

_ACTIVE = re.compile(r".*/(x?html|xslt?|css|wasm|.*script)|.*[/+]xml|multipart/.*|message/.*")
"""Pattern of types that browsers run, show as a page, or unpack."""

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_SHOWN = ("image/", "audio/", "video/")


def is_inline(content_type: str) -> bool:
    """Returns whether a browser may show a file of this type in a page instead of saving it: sound, video, and pictures
    that were made safe.
    """
    return content_type in _PICTURES or content_type.startswith(("audio/", "video/"))


def content_type_of(head: bytes, declared: str | None) -> str:
    """Returns the media type of a file that is not a picture. Sound and video are recognized by the file's first bytes,
    `head`. Any other file gets the type that the client declared, or UNKNOWN_TYPE (`application/octet-stream`) if that
    is missing, invalid, a type of pictures, sound or video, or one that browsers run or show as a page.
    """
    claimed = _normal(declared)
    for name, confidence in _found(head):
        played = _SOUND_AND_FILM.get(name)
        if played is None:
            continue
        if confidence <= _WEAK and (claimed is None or not claimed.startswith(("audio/", "video/"))):
            continue
        both = next((pair for pair in _EITHER if played in pair), set())
        return claimed if claimed in both else played
    return UNKNOWN_TYPE if claimed is None or claimed.startswith(_SHOWN) or _ACTIVE.fullmatch(claimed) else claimed


def _found(head: bytes) -> list[tuple[str, float]]:
    """Returns the media types that the first bytes of a file may have, as (type, confidence from 0 to 1), the most
    probable first; empty if none is known."""
    try:
        return [(found.mime_type, found.confidence) for found in puremagic.magic_string(head) if found.mime_type]
    except (puremagic.PureError, ValueError):
        return []


def _normal(declared: str | None) -> str | None:
    """Returns a media type in lower case and without parameters; None if it is missing or invalid."""
    word = (declared or "").partition(";")[0].strip().lower()
    return word if _TYPE.fullmatch(word) else None
