"""Copies a WebP without its metadata: the chunks of RFC 9649, sections 2.3 and 2.7. It keeps the EXIF orientation."""

from __future__ import annotations

import re
import struct

from talkwire.files.metadata.copying import Broken, CopiedPicture, Copy, Data, unpacked
from talkwire.files.metadata.orientation import exif_of, orientation_of

_METADATA_CHUNK = re.compile(rb"(?:EXIF|XMP )(?=(.{4}))", re.DOTALL)
_PIXELS = frozenset((b"VP8 ", b"VP8L", b"ANMF"))
_KEPT = _PIXELS | {b"ALPH", b"ANIM", b"ICCP"}
_HAS_EXIF, _HAS_XMP = 0x08, 0x04
_EXIF_MAX = 1 << 20


def copy_webp(data: Data, copy: Copy) -> CopiedPicture:
    """Copies a WebP, also one that is cut off. Raises Broken if it has no pixels, or if a chunk is damaged."""
    (size,) = unpacked("<I", data, 4)
    copy.keep(0, 12)
    exif, flags, flags_at, frames, has_pixels, complete = b"", 0, 0, 0, False, True
    place, last = 12, min(8 + size, len(data))
    while place + 8 <= last:
        kind, length = unpacked("<4sI", data, place)
        end = place + 8 + length
        complete = end <= len(data)
        if kind == b"VP8X" and length == 10 and complete:
            flags = data[place + 8] & ~(_HAS_EXIF | _HAS_XMP)
            flags_at = copy.finish() + 8
            copy.add(data[place : place + 8] + bytes((flags,)) + data[place + 9 : end])
        elif kind in _KEPT:
            if _holds_metadata(data, place + 8, min(end, len(data)), last):
                raise Broken("a chunk of the WebP takes in its metadata")
            copy.keep(place, min(end, len(data)))
            copy.add(bytes(length % 2))
        elif kind == b"EXIF" and length <= _EXIF_MAX:
            exif = exif or exif_of(orientation_of(data[place + 8 : end].removeprefix(b"Exif\0\0")))
        has_pixels |= kind in _PIXELS
        frames += kind == b"ANMF"
        place = end + length % 2
    if not has_pixels:
        raise Broken("the WebP has no pixels")
    if exif and flags_at:
        copy.add(b"EXIF" + struct.pack("<I", len(exif)) + exif)
        copy.replace(flags_at, bytes((flags | _HAS_EXIF,)))
    copy.replace(4, struct.pack("<I", copy.finish() - 8))
    return CopiedPicture(max(frames, 1), complete=complete)


def _holds_metadata(data: Data, start: int, end: int, last: int) -> bool:
    """Returns whether a metadata chunk begins within another chunk, whose length is damaged then."""
    return any(
        found.end() + 4 + int.from_bytes(found[1], "little") <= last
        for found in _METADATA_CHUNK.finditer(data, start, end)
    )
