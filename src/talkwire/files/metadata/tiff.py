"""Copies a TIFF without its metadata: TIFF 6.0, and BigTIFF. The copy has the same length. Only directories, the tags
that are needed to draw the picture, and its pixels are copied; all other bytes are zero.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from talkwire.files.metadata.copying import Broken, CopiedPicture, Copy, Data, Overlay, unpacked

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Sizes of values in bytes, by their type."""

_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_KEPT = frozenset(
    (
        *(*range(254, 260), *range(262, 267), 273, 274, *range(277, 285), *range(290, 294), 296, 297, 301),
        *(*range(317, 326), 330, 332, 334, 336, *range(338, 343), 347),
        *(512, 513, 514, 515, *range(517, 522), *range(529, 533), 34675, 50674),
    )
)
"""Tags that are needed to draw a picture."""

_TEXTS = frozenset((1, 2, 6, 7))
"""Types of values that may be texts, which none of the kept tags has but those of _BEGINNINGS."""

_BEGINNINGS = {34675: (36, b"acsp"), 347: (0, b"\xff\xd8")}
"""Bytes that the value of a tag has at an index, and the index, by the tag: ICC profiles and JPEG tables."""

_COMPRESSION, _PHOTOMETRIC, _SUB_DIRECTORIES = 259, 262, 330

_PIXELS = {273: 279, 324: 325, 513: 514}
"""Tags with the lengths of pixels, by the tag with their places: strips, tiles, and old JPEG streams."""

_OLD_JPEG = 6
_DNG_VERSION = 50706
_OF_SENSORS = (32803, 34892)
_METADATA_DIRECTORIES = (34665, 34853, 40965)  # EXIF, GPS, interoperability

_NUMBERS_MAX = 2_000_000
"""Most entries of directories and places of pixels in a file: many directories could share a long list."""


class _Form(NamedTuple):
    """How a file writes its numbers: byte order, and the `struct` formats and sizes that TIFF and BigTIFF differ in."""

    order: str
    number: str
    entry: str
    offset: str

    def size(self, form: str) -> int:
        return struct.calcsize(self.order + form)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of a directory: `place` is where it is, `value` where its values are, `end` where they end."""

    tag: int
    type: int
    count: int
    place: int
    value: int
    end: int
    is_inline: bool


class _Raw(Exception):
    """The file is a raw picture of a camera, which is kept as it is."""


def copy_tiff(data: Data, copy: Copy) -> CopiedPicture:
    """Copies a TIFF. A raw picture of a camera in this format (DNG, NEF, ARW and others) is copied as it is.

    Raises Broken if a directory is damaged or cut off.
    """
    copier = _TiffCopier(data)
    try:
        copier.run()
    except _Raw:
        copy.keep(0, len(data))
        return CopiedPicture()
    copier.overlay.write(copy)
    return CopiedPicture()


class _TiffCopier:
    def __init__(self, data: Data) -> None:
        self.overlay = Overlay(data)
        self._data = data
        self._read = 0
        order = "<" if data[:1] == b"I" else ">"
        is_big = unpacked(f"{order}H", data, 2) == (43,)
        self._form = _Form(order, "Q", "HHQ", "Q") if is_big else _Form(order, "H", "HHI", "I")
        self._first_at = 8 if is_big else 4

    def run(self) -> None:
        (first,) = self._unpacked(self._form.offset, self._first_at)
        self.overlay.keep(0, self._first_at + self._form.size(self._form.offset))
        waiting, seen = [first], set[int]()
        while waiting:
            place = waiting.pop()
            if place == 0 or place in seen:
                continue
            seen.add(place)
            waiting += self._directory(place)

    def _directory(self, place: int) -> list[int]:
        """Copies a directory with the entries that are kept, and returns the places of the following ones."""
        entries, following_at = self._entries(place)
        size = self._form.size(self._form.offset)
        (following,) = self._unpacked(self._form.offset, following_at)
        values = {entry.tag: entry for entry in entries}
        if _DNG_VERSION in values or self._first(values.get(_PHOTOMETRIC)) in _OF_SENSORS:
            raise _Raw
        old_jpeg = self._first(values.get(_COMPRESSION)) == _OLD_JPEG
        kept = [entry for entry in entries if self._is_kept(entry) and (old_jpeg or entry.tag not in {513, 514})]
        kept_at = {entry.place for entry in kept}
        for entry in entries:
            if entry.tag in _METADATA_DIRECTORIES:
                self._remove_directory(self._first(entry))
            if not entry.is_inline:
                (self.overlay.keep if entry.place in kept_at else self.overlay.remove)(entry.value, entry.end)
        self._pixels({entry.tag: entry for entry in kept})
        table = struct.pack(self._form.order + self._form.number, len(kept))
        table += b"".join(self._data[entry.place : entry.place + self._entry_size] for entry in kept)
        table += self._data[following_at : following_at + size]
        self.overlay.put(place, table.ljust(following_at + size - place, b"\0"))
        sub_directories = self._numbers(values[_SUB_DIRECTORIES]) if _SUB_DIRECTORIES in values else ()
        return [following, *sub_directories]

    @property
    def _entry_size(self) -> int:
        return self._form.size(self._form.entry) + self._form.size(self._form.offset)

    def _entries(self, place: int) -> tuple[list[_Entry], int]:
        """Returns the entries of the directory at index `place`, and the index behind them."""
        (count,) = self._unpacked(self._form.number, place)
        start = place + self._form.size(self._form.number)
        if start + count * self._entry_size > len(self._data):
            raise Broken("a directory of the TIFF is cut off")
        self._count(count)
        places = range(start, start + count * self._entry_size, self._entry_size)
        return [self._entry(at) for at in places], places.stop

    def _entry(self, place: int) -> _Entry:
        tag, kind, count = self._unpacked(self._form.entry, place)
        value_at = place + self._form.size(self._form.entry)
        length = _SIZES.get(kind, 1) * count
        is_inline = length <= self._form.size(self._form.offset)
        value = value_at if is_inline else self._unpacked(self._form.offset, value_at)[0]
        return _Entry(tag, kind, count, place, value, value + length, is_inline)

    def _is_kept(self, entry: _Entry) -> bool:
        if entry.tag in _BEGINNINGS:
            index, beginning = _BEGINNINGS[entry.tag]
            place = entry.value + index
            return self._data[place : place + len(beginning)] == beginning
        return entry.tag in _KEPT and entry.type in _SIZES and entry.type not in _TEXTS

    def _pixels(self, kept: dict[int, _Entry]) -> None:
        for places, lengths in _PIXELS.items():
            if places not in kept:
                continue
            if lengths not in kept or kept[places].count != kept[lengths].count:
                raise Broken("the TIFF does not say how long its pixels are")
            for start, length in zip(self._numbers(kept[places]), self._numbers(kept[lengths]), strict=True):
                self.overlay.keep(start, start + length)

    def _remove_directory(self, place: int | None) -> None:
        """Notes where a directory of metadata and its values are. Those that cannot be found are zero in any case."""
        try:
            entries, following_at = self._entries(place or len(self._data))
        except Broken:
            return
        self.overlay.remove(place or 0, following_at)
        for entry in entries:
            if not entry.is_inline:
                self.overlay.remove(entry.value, entry.end)

    def _first(self, entry: _Entry | None) -> int | None:
        return self._numbers(entry)[0] if entry is not None and entry.count and entry.type in _NUMBERS else None

    def _numbers(self, entry: _Entry) -> tuple[int, ...]:
        if entry.type not in _NUMBERS:
            raise Broken("the TIFF has a damaged list of places")
        self._count(entry.count)
        return self._unpacked(f"{entry.count}{_NUMBERS[entry.type]}", entry.value)

    def _count(self, numbers: int) -> None:
        self._read += numbers
        if self._read > _NUMBERS_MAX:
            raise Broken("the TIFF has too many entries")

    def _unpacked(self, form: str, place: int) -> tuple[int, ...]:
        return unpacked(self._form.order + form, self._data, place)
