"""The parts of a message as its author writes them, and how much of them the server has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from talkwire_client.errors import TalkwireError
from talkwire_client.payloads import (
    DataPart,
    Message,
    PlanPart,
    ReasoningPart,
    SourcePart,
    TextPart,
    ToolPart,
)

WholePart = ToolPart | SourcePart | PlanPart | DataPart
"""A part that is replaced as a whole."""

MessagePart = TextPart | ReasoningPart | WholePart

GrowingType = Literal["text", "reasoning"]

PART_MAX_BYTES = 64 * 1024
"""Largest part that the server accepts, in bytes. A text of more UTF-16 code units has more bytes."""

PIECE_MAX = 8 * 1024
"""Most text that is sent at once, in UTF-16 code units."""

UNIT = 2
"""Size of a UTF-16 code unit, in bytes."""


@dataclass(slots=True)
class _Written:
    """A part, and how much of it the server has received and stored: of a text in UTF-16 code units, of others 1 or
    0.
    """

    type: str
    units: bytearray
    """The text of a text, in UTF-16."""
    whole: WholePart | None = None
    sent: int = 0
    stored: int = 0
    is_checked: bool = False
    """Whether the server had all of a text when the next part began."""

    @property
    def length(self) -> int:
        return len(self.units) // UNIT if self.whole is None else 1

    def part(self) -> MessagePart:
        if self.whole is not None:
            return self.whole
        return cast("MessagePart", {"type": self.type, "text": self.units.decode("utf-16-le")})


@dataclass(frozen=True, slots=True)
class Piece:
    """What is to be sent next: the body of an append, and the part that is to be replaced as it was then."""

    body: dict[str, Any]
    whole: WholePart | None = None
    is_check: bool = False
    """Whether it is there already, unless the server has crashed since."""

    @property
    def index(self) -> int:
        index: int = self.body["part"]
        return index


class WrittenParts:
    """The parts that an author has written."""

    def __init__(self) -> None:
        self._written: list[_Written] = []
        self._keys: dict[str, int] = {}
        """Indexes of the parts that are no text, by the names that the author has given them."""
        self._half = b""
        """The first half of an emoji at the end of the last text, which waits for the second one."""

    def parts(self) -> list[MessagePart]:
        return [each.part() for each in self._written]

    def without_blanks(self) -> list[MessagePart]:
        """Returns the parts without texts and reasoning that are blank, which no message has."""
        return [part for part in self.parts() if str(part.get("text", "x")).strip()]

    @property
    def waiting(self) -> int:
        """How much has not been received by the server."""
        return sum(each.length - each.sent for each in self._written)

    @property
    def is_stored(self) -> bool:
        return all(each.stored == each.length for each in self._written)

    def has(self, index: int, at: int) -> bool:
        """Returns whether a part is there, and is at least `at` long."""
        return 0 <= index < len(self._written) and at <= self._written[index].length

    # --- writing ------------------------------------------------------------------------------------------------------

    def add(self, type_: GrowingType, text: str) -> None:
        """Adds a text to the last part, or begins another one if that has another type."""
        if not text:
            return
        if not self._written or self._written[-1].type != type_:
            self._begin(_Written(type_, bytearray()))
        last = self._written[-1]
        units = self._half + text.encode("utf-16-le", "surrogatepass")
        kept = len(units) - UNIT if _is_first_half(units) else len(units)
        if len(last.units) + kept > PART_MAX_BYTES * UNIT:
            raise TalkwireError("payload_too_large", f"A part has at most {PART_MAX_BYTES} bytes.")
        self._half = units[kept:]
        last.units += _well_formed(units[:kept])

    def set(self, key: str | int, part: WholePart) -> None:
        """Adds a part that is no text, or replaces the one with this key or index."""
        index = key if isinstance(key, int) else self._keys.get(key)
        if index is not None and 0 <= index < len(self._written):
            before = self._written[index]
            before.type, before.whole, before.sent, before.stored = part["type"], part, 0, 0
            return
        if isinstance(key, int) and key != len(self._written):
            raise TalkwireError("invalid_request", f"The message has no part {key}.")
        self._begin(_Written(part["type"], bytearray(), part))
        if isinstance(key, str):
            self._keys[key] = len(self._written) - 1

    def end_text(self) -> None:
        """Ends the text that grows: half of an emoji at its end becomes U+FFFD."""
        if self._half:
            self._written[-1].units += "\ufffd".encode("utf-16-le")
        self._half = b""

    def rewind(self, index: int, at: int | None) -> None:
        """Keeps the parts before one, and of it the first `at` units; without `at`, not that one either."""
        self._half = b""
        del self._written[index if at is None else index + 1 :]
        self._keys = {key: place for key, place in self._keys.items() if place < len(self._written)}
        if at is not None and self._written[index].whole is None:
            last = self._written[index]
            del last.units[at * UNIT :]
            last.sent, last.stored = min(last.sent, at), min(last.stored, at)

    def drop_waiting(self) -> None:
        """Forgets what the server has not received."""
        self._half = b""
        for each in self._written:
            del each.units[each.sent * UNIT :]
        first = next((index for index, each in enumerate(self._written) if not each.sent), len(self._written))
        del self._written[first:]

    # --- sending ------------------------------------------------------------------------------------------------------

    def next(self) -> Piece | None:
        """Returns what is to be sent next; None if the server has everything."""
        for index, each in enumerate(self._written):
            if each.sent < each.length:
                # A new part would be accepted although the end of the one before was lost in a crash.
                check = _check(index - 1, self._written[index - 1]) if index and not each.sent else None
                return check or _piece(index, each)
        return None

    def accepted(self, piece: Piece, length: int, stored: int) -> None:
        """Notes that the server has received a piece."""
        written = self._written[piece.index]
        if written.whole is piece.whole:  # It may have been replaced meanwhile.
            written.sent, written.stored = min(length, written.length), stored
            written.is_checked = piece.is_check

    def has_only(self, index: int, length: int) -> bool:
        """Notes that the server has only so much of a text. Returns False if that is more than was written."""
        if index >= len(self._written) or length > self._written[index].length:
            return False
        # The others may be shorter too. What is there is not added again.
        for each in self._written:
            each.sent, each.is_checked = each.stored, False
        self._written[index].sent = length
        return True

    def has_only_parts(self, count: int) -> bool:
        """Notes that the server has only so many parts, and of them perhaps only what is stored. Returns False if the
        others cannot be sent again.
        """
        for index, each in enumerate(self._written):
            each.sent = each.stored = each.stored if index < count else 0
            each.is_checked = False
        lacking = self._written[count:]
        return bool(lacking) and all(each.length for each in lacking)

    def opened(self, message: Message, progress: Sequence[Mapping[str, Any]]) -> bool:
        """Notes which parts the server has when the stream is opened. Takes them over if nothing was written yet.
        Returns False if they are others than those that were written.
        """
        if not self._written:
            text = message.get("content", "")
            found: list[Any] = list(message.get("parts") or ([{"type": "text", "text": text}] if text else []))
            self._written = [_taken_over(part) for part in found]
        for each in self._written:
            each.sent = each.stored = 0
            each.is_checked = False
        for index, part in enumerate(progress):
            written = self._written[index] if index < len(self._written) else None
            if written is None or written.type != part["type"] or part["length"] > written.length:
                return False
            if written.whole is None:  # One that is no text may be an earlier one.
                written.sent, written.stored = part["length"], part["stored"]
        return True

    def _begin(self, written: _Written) -> None:
        self.end_text()
        self._written.append(written)


def _taken_over(part: Any) -> _Written:  # noqa: ANN401 (JSON)
    if part["type"] in {"text", "reasoning"}:
        return _Written(part["type"], bytearray(part["text"].encode("utf-16-le")))
    return _Written(part["type"], bytearray(), part)


def _piece(index: int, written: _Written) -> Piece:
    """Returns the next piece of a part. A piece of a text does not end with half of an emoji."""
    if written.whole is not None:
        return Piece({"part": index, "set": written.whole}, written.whole)
    at = written.sent
    units = written.units[at * UNIT : (at + PIECE_MAX) * UNIT]
    if _is_first_half(units):
        del units[-UNIT:]
    body = {"part": index, "at": at, "text": units.decode("utf-16-le")}
    return Piece(body if at else {**body, "type": written.type})


def _check(index: int, written: _Written) -> Piece | None:
    """Returns the last character of a text, to send it once more; None if it is known to be there."""
    if written.is_checked or written.stored == written.length or written.whole is not None:
        return None
    units = 2 if 0xDC <= written.units[-1] <= 0xDF else 1
    text = written.units[-units * UNIT :].decode("utf-16-le")
    return Piece({"part": index, "at": written.length - units, "text": text}, is_check=True)


def _is_first_half(units: bytes | bytearray) -> bool:
    """Returns whether a text in UTF-16 ends with the first half of a character outside the basic plane."""
    return 0xD8 <= units[-1] <= 0xDB


def _well_formed(units: bytes) -> bytes:
    """Returns a text in UTF-16 with U+FFFD in place of each half of an emoji without the other half."""
    return units.decode("utf-16-le", "replace").encode("utf-16-le")
