"""What a reader has of a message that is being written, and what it lacks.

A reader that comes back names the place that it has read to. It goes on from there if the parts still begin with what
it has, whichever node it asks, and else reads everything again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

from talkwire.core.domain.parts.growing_parts import GrowingParts
from talkwire.core.domain.parts.message_parts import MessagePart, ReasoningPart, TextPart

_PLACE = re.compile(r"(\d{1,6}(?:\.\d{1,6}){0,99})-([0-9a-f]{8})")


class Piece(NamedTuple):
    """What a reader lacks of the part number `place`: the `part`, of a text only what follows what the reader has.
    `is_new`: the reader has nothing of it."""

    place: int
    part: MessagePart
    is_new: bool


class _Read:
    """What a reader has of one part: the first `length` UTF-16 code units of a text, with their checksum, or a
    `value`."""

    __slots__ = ("checksum", "length", "type", "value")

    def __init__(self, part: MessagePart) -> None:
        self.type = type(part)
        self.length = 0
        self.checksum = 0
        self.value: MessagePart | None = None

    def add(self, part: MessagePart) -> None:
        if isinstance(part, TextPart | ReasoningPart):
            units = part.text.encode("utf-16-le")
            self.checksum = crc32(units, self.checksum)
            self.length += len(units) // 2
        else:
            self.value, self.length = part, 1


class StreamReading:
    """What one reader has of a message that is being written."""

    def __init__(self) -> None:
        self._read: list[_Read] = []
        self._source: GrowingParts | None = None
        self._generation = 0

    @property
    def place(self) -> str:
        """The place that the reader has read to; an empty text if it has nothing."""
        if not self._read:
            return ""
        return f"{'.'.join(str(each.length) for each in self._read)}-{_checksum(self._read):08x}"

    def resume(self, place: str, parts: GrowingParts) -> None:
        """Continues from a place, if the parts still begin with what is before it. Values are read again."""
        matched = _PLACE.fullmatch(place)
        if matched is None:
            return
        lengths = [int(length) for length in matched[1].split(".")]
        found = _read_of(parts, lengths)
        if found is not None and _checksum(found) == int(matched[2], 16):
            self._read, self._source, self._generation = found, parts, parts.generation

    def restart(self) -> None:
        """Forgets what the reader has."""
        self._read, self._source = [], None

    def take(self, parts: GrowingParts) -> Sequence[Piece] | None:
        """Returns what the reader lacks, and notes that it has it; None if something that the reader has is not there
        any more."""
        if not self._is_beginning_of(parts):
            return None
        self._source, self._generation = parts, parts.generation
        pieces = []
        for index in range(len(parts)):
            is_new = index == len(self._read)
            start = 0 if is_new else self._read[index].length
            part = parts.part_after(index, start)
            if is_new:
                self._read.append(_Read(part))
            read = self._read[index]
            if is_new or _has_news(read, part):
                read.add(part)
                pieces.append(Piece(index, part, is_new))
        return pieces

    def _is_beginning_of(self, parts: GrowingParts) -> bool:
        if parts is self._source and parts.generation == self._generation:
            return True
        found = _read_of(parts, [each.length for each in self._read])
        return found is not None and _checksum(found) == _checksum(self._read)


def _has_news(read: _Read, part: MessagePart) -> bool:
    return bool(part.text) if isinstance(part, TextPart | ReasoningPart) else part != read.value


def _read_of(parts: GrowingParts, lengths: Sequence[int]) -> list[_Read] | None:
    """Returns what a reader has who has read so much of each of the first parts; None if they are shorter."""
    if len(lengths) > len(parts) or any(length > parts.length(index) for index, length in enumerate(lengths)):
        return None
    found = []
    for index, length in enumerate(lengths):
        part = parts.part_after(index, 0)
        read = _Read(part)
        if isinstance(part, TextPart | ReasoningPart):
            units = part.text.encode("utf-16-le")[: length * 2]
            read.checksum = crc32(units)
        read.length = length
        found.append(read)
    return found


def _checksum(read: Sequence[_Read]) -> int:
    return crc32(repr([(each.type.__name__, each.length, each.checksum) for each in read]).encode())
