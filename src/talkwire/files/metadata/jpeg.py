"""Copies a JPEG without its metadata: ITU-T T.81, annex B. Of the application segments it keeps JFIF's first 16 bytes,
a whole ICC profile, Adobe's colour transform, and of EXIF the orientation.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from talkwire.files.metadata.copying import Broken, CopiedPicture, Copy, Data, unpacked
from talkwire.files.metadata.orientation import exif_of, orientation_of

_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]")
"""Pattern of a marker that begins a segment or ends the picture. Neither stuffed nor filling bytes, nor restarts,
match."""

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_END, _SCAN, _ICC = 0xD9, 0xDA, b"ICC_PROFILE\0"


def copy_jpeg(data: Data, copy: Copy) -> CopiedPicture:
    """Copies a JPEG, also one that is cut off. Raises Broken if it has no scan, or a damaged table."""
    return _JpegCopier(data, copy).run()


class _JpegCopier:
    def __init__(self, data: Data, copy: Copy) -> None:
        self._data = data
        self._copy = copy
        self._profile: list[tuple[int, int]] = []
        self._has_frame = self._has_scan = self._has_exif = False

    def run(self) -> CopiedPicture:
        self._copy.keep(0, 2)
        place, in_scan, complete = 2, False, False
        while found := _MARKER.search(self._data, place):
            start, marker = found.start(), self._data[found.start() + 1]
            if in_scan:
                self._copy.keep(place, start)
            complete = marker == _END
            if complete:
                break
            place = self._segment(marker, start)
            in_scan = marker == _SCAN
        else:
            if in_scan:
                self._copy.keep(place, len(self._data))
        if not self._has_scan:
            raise Broken("the JPEG has no scan")
        self._copy.add(b"\xff\xd9")
        return CopiedPicture(complete=complete)

    def _segment(self, marker: int, start: int) -> int:
        """Copies a segment, or leaves it out, and returns where it ends; the end of the file if it is cut off."""
        length = int.from_bytes(self._data[start + 2 : start + 4], "big")
        end = start + 2 + length
        if length < 2 or end > len(self._data):
            return len(self._data)
        content = self._data[start + 4 : end]
        match marker:
            case 0xE0 if content.startswith(b"JFIF\0") and len(content) >= 14:
                self._copy.add(b"\xff\xe0\0\x10" + content[:12] + b"\0\0")
            case 0xE1 if content.startswith(b"Exif\0") and not self._has_exif:
                self._has_exif = True
                self._add_orientation(exif_of(orientation_of(content[6:])))
            case 0xE2 if content.startswith(_ICC):
                self._profile.append((start, end))
            case 0xEE if content.startswith(b"Adobe") and len(content) == 12:
                self._copy.keep(start, end)
            case _ if marker >= 0xE0 or marker in {0xC8, *range(0xDE, 0xE0)} or marker < 0xC0:
                pass  # metadata, or reserved
            case _:
                self._table(marker, content)
                self._copy.keep(start, end)
        return end

    def _table(self, marker: int, content: bytes) -> None:
        """Checks that a table has the length that its content says: a damaged length could take in metadata."""
        if not _is_whole(marker, content):
            raise Broken("a table of the JPEG is damaged")
        if marker in _FRAMES and not self._has_frame:
            self._has_frame = True
            self._add_profile()
        if marker == _SCAN:
            if not self._has_frame:
                raise Broken("a scan of the JPEG has no frame")
            self._has_scan = True

    def _add_orientation(self, exif: bytes) -> None:
        if exif:
            content = b"Exif\0\0" + exif
            self._copy.add(b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content)

    def _add_profile(self) -> None:
        """Copies the ICC profile if its parts have together the length that it says."""
        head = 4 + len(_ICC) + 2
        whole = sum(end - start - head for start, end in self._profile)
        if self._profile and unpacked(">I", self._data, self._profile[0][0] + head) == (whole,):
            for start, end in self._profile:
                self._copy.keep(start, end)


def _is_whole(marker: int, content: bytes) -> bool:
    length = len(content)
    match marker:
        case 0xDB:  # quantization tables
            return _are_entries(content, lambda place: 65 + 64 * (content[place] >> 4))
        case 0xC4:  # Huffman tables
            return _are_entries(content, lambda place: 17 + sum(content[place + 1 : place + 17]))
        case 0xCC:  # conditioning of arithmetic coding
            return length % 2 == 0 and length <= 64
        case 0xDA:
            return length >= 1 and content[0] <= 4 and length == 4 + 2 * content[0]
        case 0xDC | 0xDD:  # number of lines, restart interval
            return length == 2
        case _:
            return length >= 6 and length == 6 + 3 * content[5]


def _are_entries(content: bytes, length_at: Callable[[int], int]) -> bool:
    """Returns whether the content is a row of entries; `length_at` returns the length of the one at a place."""
    place = 0
    while place < len(content):
        place += length_at(place)
    return place == len(content)
