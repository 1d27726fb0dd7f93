"""Copies a GIF without its metadata: the blocks of GIF89a, sections 17 to 27. It keeps extensions that say how frames
are shown and repeated, and leaves out comments, texts, XMP and all others.
"""

from __future__ import annotations

import re

from talkwire.files.metadata.copying import Broken, CopiedPicture, Copy, Data, unpacked

_HIDDEN = re.compile(rb"!\xfe[\x01-\xff][\t\n\r -~]{6}|XMP DataXMP|!\xff\x0b[ -~]{8}")
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_NO_ZERO = re.compile(rb"[^\0]")

_EXTENSION_MAX = 32
"""Largest extension that is kept, in bytes."""

_CONTROL, _APPLICATION = 0xF9, 0xFF


def copy_gif(data: Data, copy: Copy) -> CopiedPicture:
    """Copies a GIF, also one that is cut off, or that has zeros between its blocks or instead of its end.

    Raises Broken if it has no frame, a block of an unknown kind, or a frame that takes in a comment.
    """
    (flags,) = unpacked("B", data, 10)
    place = 13 + _color_table(flags)
    copy.keep(0, place)
    frames, complete = 0, False
    while not complete and (found := _NO_ZERO.search(data, place)):
        start = found.start()
        match data[start]:
            case 0x3B:
                complete = True
            case 0x2C:
                place = _copy_frame(data, copy, start)
                frames += place > start
            case 0x21:
                place, _, _ = _walk(data, start + 2, len(data))
                is_whole = place <= len(data)
                if is_whole and place - start <= _EXTENSION_MAX and _is_of_the_picture(data, start):
                    copy.keep(start, place)
            case _:
                raise Broken("the GIF has an unknown block")
        if place == start:
            break  # a frame without pixels, at the end of a GIF that is cut off
    if not frames:
        raise Broken("the GIF has no frame")
    copy.add(b";")
    return CopiedPicture(frames, complete)


def _copy_frame(data: Data, copy: Copy, start: int) -> int:
    """Copies the frame at index `start`, and returns where it ends; `start` if it is cut off before its pixels.

    A damaged length in a frame makes it take in what follows, so a comment within a frame makes it Broken, and is the
    end of a frame that is cut off.
    """
    if start + 10 > len(data):
        return start
    pixels = start + 11 + _color_table(data[start + 9])
    end, last, is_regular = _walk(data, pixels, len(data))
    if end <= len(data):
        if _HIDDEN.search(data, last if is_regular else pixels, end):
            raise Broken("a frame of the GIF takes in a comment")
        copy.keep(start, end)
        return end
    hidden = _HIDDEN.search(data, pixels)
    limit = hidden.start() if hidden else len(data)
    if limit <= pixels + 1:
        return start
    _, last, _ = _walk(data, pixels, limit)
    copy.keep(start, last)
    rest = data[last + 1 : limit]
    copy.add((bytes((len(rest),)) + rest if rest else b"") + b"\0")
    return len(data)


def _color_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _walk(data: Data, place: int, limit: int) -> tuple[int, int, bool]:
    """Returns where a row of blocks at index `place` ends, or more than `limit` if it is cut off there; where its last
    block begins; and whether all blocks but the last have the same length, as encoders make them.
    """
    first = last = place
    is_regular = True
    while place < limit:
        length = data[place]
        if not length:
            return place + 1, last, is_regular
        is_regular &= data[last] == data[first]
        last = place
        place += 1 + length
    return limit + 1, last, is_regular


def _is_of_the_picture(data: Data, place: int) -> bool:
    """Returns whether the GIF extension block at index `place` controls how frames are shown or repeated. Other
    extension blocks, such as comments, are metadata.
    """
    label = data[place + 1]
    return label == _CONTROL or (label == _APPLICATION and data[place + 3 : place + 14] in _LOOPS)
