"""Copies a PNG without its metadata: the chunks of PNG, third edition, section 5.3. It keeps the EXIF orientation."""

from __future__ import annotations

import re
import struct
import zlib

from talkwire.files.metadata.copying import Broken, CopiedPicture, Copy, Data, unpacked
from talkwire.files.metadata.orientation import exif_of, orientation_of

_METADATA = re.compile(rb"eXIf|tEXt|[zi]TXt|tIME|zxIf|caBX|Exif\0|<x:xmpmeta")
_KEPT = frozenset(b"IHDR PLTE IDAT IEND tRNS acTL fcTL fdAT gAMA cHRM sRGB iCCP cICP sBIT bKGD pHYs".split(b" "))
_EXIF_MAX = 1 << 20


def copy_png(data: Data, copy: Copy) -> CopiedPicture:
    """Copies a PNG, also one that is cut off. Raises Broken if it has no header or pixels, or if a chunk is damaged."""
    copy.keep(0, 8)
    kind, frames, place, has_pixels = b"", 1, 8, False
    while kind != b"IEND" and place + 8 <= len(data):
        length, kind = unpacked(">I4s", data, place)
        end = place + 12 + length
        if (place == 8) != (kind == b"IHDR"):
            raise Broken("the PNG does not begin with its header")
        if end > len(data):
            if kind == b"IDAT" and not _METADATA.search(data, place + 8):
                copy.keep(place, len(data))
                has_pixels = True
            kind = b""
            break
        has_pixels |= kind == b"IDAT"
        if kind == b"acTL":
            (frames,) = unpacked(">I", data, place + 8)
        _copy_chunk(data, copy, kind, place, end)
        place = end
    if not has_pixels:
        raise Broken("the PNG has no pixels")
    return CopiedPicture(max(frames, 1), complete=kind == b"IEND")


def _copy_chunk(data: Data, copy: Copy, kind: bytes, place: int, end: int) -> None:
    if kind in _KEPT:
        with memoryview(data) as view:
            # A damaged length could take in metadata.
            if zlib.crc32(view[place + 4 : end - 4]) != unpacked(">I", data, end - 4)[0]:
                raise Broken("a chunk of the PNG is damaged")
        copy.keep(place, end)
    elif kind == b"eXIf" and end - place <= _EXIF_MAX:
        content = exif_of(orientation_of(data[place + 8 : end - 4]))
        if content:
            body = kind + content
            copy.add(struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body)))
