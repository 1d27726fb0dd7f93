"""What the copiers of all formats share: reading numbers, and writing parts of the source to the copy."""

from __future__ import annotations

import struct
from mmap import mmap
from typing import Any, BinaryIO, NamedTuple

Data = bytes | mmap

_ZEROS = bytes(1 << 20)


class Broken(Exception):
    """The file begins like a picture of a known format, but does not follow that format."""


class CopiedPicture(NamedTuple):
    """What a copy has: its number of frames, and whether the picture is complete, not cut off."""

    frames: int = 1
    complete: bool = True


def unpacked(form: str, data: Data, place: int) -> tuple[Any, ...]:
    """Returns the values of a `struct` format at index `place`. Raises Broken behind the end of the data."""
    try:
        return struct.unpack_from(form, data, place)
    except (struct.error, OverflowError):
        raise Broken("the file is truncated") from None


class Copy:
    """The copy of a picture that is being written to `out`, from front to back. Call `finish` when done."""

    def __init__(self, data: Data, out: BinaryIO) -> None:
        self._data = data
        self._out = out
        self._start = self._end = 0

    def keep(self, start: int, end: int) -> None:
        """Copies the source's bytes from index `start` to `end`."""
        if start != self._end:
            self.finish()
            self._start = start
        self._end = end

    def add(self, new: bytes) -> None:
        self.finish()
        self._out.write(new)

    def add_zeros(self, count: int) -> None:
        self.finish()
        while count > 0:
            count -= self._out.write(_ZEROS[:count])

    def finish(self) -> int:
        """Writes what is not written yet, and returns the length of the copy."""
        if self._end > self._start:
            with memoryview(self._data) as whole:
                self._out.write(whole[self._start : self._end])
        self._start = self._end
        return self._out.tell()

    def replace(self, place: int, new: bytes) -> None:
        """Overwrites bytes of the copy, at the copy's index `place`."""
        end = self.finish()
        self._out.seek(place)
        self._out.write(new)
        self._out.seek(end)


class Overlay:
    """A copy of the same length, in which every byte is zero that no call names: for formats with offsets.

    `keep` names bytes of the picture, `put` gives bytes to write, and `remove` names metadata. A file in which these
    overlap is Broken: its offsets are damaged, so metadata could be taken for the picture.
    """

    def __init__(self, data: Data) -> None:
        self._length = len(data)
        self._ranges: list[tuple[int, int, str, bytes]] = []

    def keep(self, start: int, end: int) -> None:
        self._add(start, end, "kept", b"")

    def put(self, start: int, new: bytes) -> None:
        self._add(start, start + len(new), "put", new)

    def remove(self, start: int, end: int) -> None:
        self._add(start, end, "removed", b"")

    def write(self, copy: Copy) -> None:
        """Writes the copy. Raises Broken if ranges of different kinds overlap."""
        self._ranges.sort()
        ends = {"kept": 0, "put": 0, "removed": 0}
        place = 0
        for start, end, kind, new in self._ranges:
            if any(start < ends[other] for other in ends if other != kind or kind == "put"):
                raise Broken("parts of the file overlap")
            ends[kind] = max(ends[kind], end)
            if kind == "removed" or end <= place:
                continue
            copy.add_zeros(start - place)
            if kind == "put":
                copy.add(new)
            else:
                copy.keep(max(start, place), end)
            place = end
        copy.add_zeros(self._length - place)

    def _add(self, start: int, end: int, kind: str, new: bytes) -> None:
        end = min(end, self._length)
        if start < end:
            self._ranges.append((start, end, kind, new[: end - start]))
