"""The parts of a message while it is written: texts that grow, parts that are replaced, and what readers have not
received yet.

Lengths and places in texts count UTF-16 code units, as JavaScript does. Texts are kept in UTF-16, so that a place in a
text is found at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.parts.checks import PART_MAX_BYTES, PARTS_MAX, PARTS_MAX_BYTES, checked_size
from talkwire.core.domain.parts.message_parts import BETWEEN_TEXTS, MessagePart, ReasoningPart, TextPart
from talkwire.core.domain.texts import TEXT_MAX_BYTES, check_text

GrowingType = Literal["text", "reasoning"]

_encode = msgspec.json.Encoder(order="deterministic").encode

_UNIT = 2
"""Size of a UTF-16 code unit, in bytes."""


class PartChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What readers of a message that is being written do with one part: add `text` at `at`, or put `value` there.

    `kind` says what a text is that begins a part. With `replace`, the text is the whole part. With `drop`, later parts
    are gone, and without text and value this part too.
    """

    part: int
    at: int = 0
    text: str | None = None
    value: MessagePart | None = None
    kind: GrowingType | None = None
    replace: bool = False
    drop: bool = False


class _Text:
    """A part that grows. Readers have its first `sent` bytes, unless `is_replaced`."""

    __slots__ = ("is_replaced", "kind", "sent", "size", "units")

    def __init__(self, kind: GrowingType, text: str = "") -> None:
        self.kind = kind
        self.units = bytearray(_encoded(text))
        self.size = len(text.encode())
        """Length in UTF-8, which is limited, in bytes."""
        self.sent = 0
        self.is_replaced = True

    @property
    def length(self) -> int:
        return len(self.units) // _UNIT

    def text(self, start: int = 0) -> str:
        return self.units[start:].decode("utf-16-le")

    def add(self, text: str) -> None:
        self.units += _encoded(text)
        self.size += len(text.encode())

    def value(self) -> MessagePart:
        return TextPart(self.text()) if self.kind == "text" else ReasoningPart(self.text())


class _Whole:
    """A part that is set as a whole. Readers have the newest value if `is_sent`."""

    __slots__ = ("is_sent", "part", "size")

    def __init__(self, part: MessagePart, size: int) -> None:
        self.part = part
        self.size = size
        self.is_sent = False

    @property
    def length(self) -> int:
        return 1

    def value(self) -> MessagePart:
        return self.part


class GrowingParts:
    """The parts of a message that is being written."""

    def __init__(self, parts: Sequence[MessagePart] = (), *, has_readers: bool = False) -> None:
        """With `has_readers`, readers may have other parts, from an attempt that did not store everything."""
        self._parts: list[_Text | _Whole] = [_growing(part) for part in parts]
        self._dropped_from: int | None = len(self._parts) if has_readers else None
        """Number of parts that readers still have, after later ones were removed."""
        self._may_be_read = has_readers or bool(parts)
        """Whether readers may have something, also if there are no parts now."""
        self.generation = 0
        """Number that changes whenever something that was there is removed or replaced. In the same generation, texts
        only grow."""

    def __len__(self) -> int:
        return len(self._parts)

    def lengths(self) -> list[int]:
        """Returns the length of each part: of a text in UTF-16 code units, of others 1."""
        return [part.length for part in self._parts]

    def length(self, index: int) -> int:
        return self._parts[index].length

    def values(self) -> tuple[MessagePart, ...]:
        return tuple(part.value() for part in self._parts)

    # --- writing ------------------------------------------------------------------------------------------------------

    def append(self, index: int, text: str, kind: GrowingType | None, at: int | None) -> bool:
        """Adds `text` to a part, or begins the next part with it. Returns whether that changed anything.

        `at` is the part's length so far. What is there already from `at` on is not added again. Raises `GapError` if
        other text is there or the text ends before `at`, and ChatError for an invalid part, text or size.
        """
        check_text("text", text)
        if not text:
            raise invalid("text", "must not be empty")
        if index == len(self._parts):
            if at:
                raise GapError(0)
            self._begin(index, _Text(kind or "text", text))
            return True
        part = self._existing(index)
        if not isinstance(part, _Text):
            raise invalid("part", "is no text: set it as a whole")
        if kind not in {None, part.kind}:
            raise invalid("type", f"must be {part.kind}, as the part is")
        added = text if at is None else _rest(part, text, at)
        if not added:
            return False
        self._must_fit(part, len(added.encode()))
        part.add(added)
        return True

    def set(self, index: int, value: MessagePart) -> bool:
        """Puts `value` in the place of a part that is no text, or after the last part. Returns whether that changed
        anything."""
        if isinstance(value, TextPart | ReasoningPart):
            raise invalid("set.type", "must not be a text: append it")
        size = checked_size("set", value)
        if index == len(self._parts):
            self._begin(index, _Whole(value, size))
            return True
        part = self._existing(index)
        if not isinstance(part, _Whole) or type(part.part) is not type(value):
            raise invalid("set.type", "must be that of the part")
        if _encode(part.part) == _encode(value):  # for Python, 1 and True are equal
            return False
        self._must_fit(part, size - part.size)
        part.part, part.size, part.is_sent = value, size, False
        return True

    def rewind(self, index: int, at: int | None) -> None:
        """Removes the parts after this one, and what follows `at` in it; without `at` the part too. Raises ChatError
        for a part that is not there, and a place that is not in it."""
        part = self._existing(index)
        if at is None:
            self._drop(index)
            return
        if not isinstance(part, _Text):
            raise invalid("at", "is only for texts: leave it out")
        if at > part.length or _splits_pair(part, at):
            raise GapError(part.length)
        self._drop(index + 1)
        kept = part.units[: at * _UNIT].decode("utf-16-le")
        part.size = len(kept.encode())
        del part.units[at * _UNIT :]
        part.is_replaced = True
        self.generation += 1

    def apply(self, change: PartChange) -> None:
        """Does what another node's parts have gone through. Raises `GapError` if the change does not follow on what is
        here. What is here already is not sent to readers again."""
        index = change.part
        self._may_be_read = True
        if change.text is not None or change.value is not None:
            self._apply(change)
            index += 1
        if change.drop:
            self._drop(index)

    def _apply(self, change: PartChange) -> None:
        index, text = change.part, change.text
        if index > len(self._parts) or (index == len(self._parts) and change.at and not change.replace):
            raise GapError(0)
        part = self._parts[index] if index < len(self._parts) else None
        if text is None:
            assert change.value is not None, "the change has a text or a value"
            value = _growing(change.value)
            if part is not None and not isinstance(part, _Whole):
                self.generation += 1
            self._parts[index : index + 1] = [value]
        elif part is None or change.replace:
            self._replace_text(index, part, _Text(change.kind or "text", text))
        elif not isinstance(part, _Text) or part.length != change.at:
            raise GapError(part.length)
        else:
            part.add(text)

    def _replace_text(self, index: int, part: _Text | _Whole | None, new: _Text) -> None:
        if isinstance(part, _Text) and part.kind == new.kind and new.units.startswith(part.units):
            part.add(new.text(len(part.units)))
        else:
            if part is not None:
                self.generation += 1
            self._parts[index : index + 1] = [new]

    def _begin(self, index: int, part: _Text | _Whole) -> None:
        if index >= PARTS_MAX:
            raise invalid("part", f"must be below {PARTS_MAX}")
        self._must_fit(part, part.size)
        self._parts.append(part)
        self._may_be_read = True

    def _must_fit(self, part: _Text | _Whole, more: int) -> None:
        """Raises `payload_too_large` unless a part that is new or there may have `more` bytes."""
        size = part.size if part in self._parts else 0
        if size + more > PART_MAX_BYTES:
            raise ChatError("payload_too_large", f"part: at most {PART_MAX_BYTES} bytes")
        if sum(each.size for each in self._parts) + more > PARTS_MAX_BYTES:
            raise ChatError("payload_too_large", f"parts: at most {PARTS_MAX_BYTES} bytes together")
        if isinstance(part, _Text) and part.kind == "text":
            others = [each for each in self._parts if isinstance(each, _Text) and each.kind == "text" and each != part]
            if size + more + sum(each.size + len(BETWEEN_TEXTS) for each in others) > TEXT_MAX_BYTES:
                raise ChatError("payload_too_large", f"parts: at most {TEXT_MAX_BYTES} bytes of text together")

    def _existing(self, index: int) -> _Text | _Whole:
        if not 0 <= index < len(self._parts):
            raise PartsError(len(self._parts))
        return self._parts[index]

    def _drop(self, index: int) -> None:
        if index == len(self._parts):
            return
        del self._parts[index:]
        self.generation += 1
        self._dropped_from = index if self._dropped_from is None else min(index, self._dropped_from)

    # --- reading ------------------------------------------------------------------------------------------------------

    def part_after(self, index: int, start: int) -> MessagePart:
        """Returns a part; of a text, what follows the first `start` UTF-16 code units."""
        part = self._parts[index]
        if isinstance(part, _Whole):
            return part.part
        text = part.text(start * _UNIT)
        return TextPart(text) if part.kind == "text" else ReasoningPart(text)

    def take_changes(self) -> list[PartChange]:
        """Returns what has changed since the last call, for readers who have everything from before."""
        dropped, self._dropped_from = self._dropped_from, None
        changes = [PartChange(0, drop=True)] if dropped == 0 else []
        for index, part in enumerate(self._parts):
            changes += _changed(part, index, drop=dropped is not None and index == dropped - 1)
        return changes

    def whole(self) -> list[PartChange]:
        """Returns changes that give a reader everything, whatever they have; none if nobody can have anything."""
        last = len(self._parts) - 1
        return [
            PartChange(index, text=part.text(), kind=part.kind, replace=True, drop=index == last)
            if isinstance(part, _Text)
            else PartChange(index, value=part.part, replace=True, drop=index == last)
            for index, part in enumerate(self._parts)
        ] or ([PartChange(0, drop=True)] if self._may_be_read else [])


class GapError(Exception):
    """The text does not continue the part, which has `length` UTF-16 code units."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length


class PartsError(Exception):
    """The message has no such part: it has `count` parts."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


def _changed(part: _Text | _Whole, index: int, *, drop: bool) -> Iterator[PartChange]:
    """Yields what readers lack of a part. With `drop`, readers also have later parts that are gone."""
    if isinstance(part, _Whole):
        if drop or not part.is_sent:
            yield PartChange(index, value=part.part, drop=drop)
        part.is_sent = True
        return
    start, is_replaced = (0, True) if part.is_replaced else (part.sent, False)
    if drop or is_replaced or start < len(part.units):
        kind = part.kind if start == 0 else None
        yield PartChange(index, start // _UNIT, part.text(start), kind=kind, replace=is_replaced, drop=drop)
    part.sent, part.is_replaced = len(part.units), False


def _growing(part: MessagePart) -> _Text | _Whole:
    if isinstance(part, TextPart | ReasoningPart):
        return _Text("text" if isinstance(part, TextPart) else "reasoning", part.text)
    return _Whole(part, checked_size("parts", part))


def _rest(part: _Text, text: str, at: int) -> str:
    """Returns what of a text for the place `at` the part does not have yet. Raises `GapError` if it does not fit."""
    start = at * _UNIT
    if start == len(part.units):
        return text
    units = _encoded(text)
    known = part.units[start : start + len(units)]
    if start > len(part.units) or units[: len(known)] != known:
        raise GapError(part.length)
    return units[len(known) :].decode("utf-16-le")


def _splits_pair(part: _Text, at: int) -> bool:
    """Returns whether a place lies between the two halves of a character outside the basic plane."""
    following = part.units[at * _UNIT + 1 : at * _UNIT + 2]
    return bool(following) and 0xDC <= following[0] <= 0xDF


def _encoded(text: str) -> bytes:
    return text.encode("utf-16-le")
