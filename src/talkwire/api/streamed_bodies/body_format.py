"""What a format of a streamed body does: it turns bytes that arrive into writes to the parts of a message."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from talkwire.core.commands.messages import AttachmentRef
from talkwire.core.commands.streams.writing import SetPart
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.parts.growing_parts import GrowingType
from talkwire.core.domain.parts.message_parts import MessagePart
from talkwire.core.domain.parts.streams import StreamError

TEXT_PIECE = 4096
"""Number of characters that are appended at once. Of a text that becomes too long, the pieces that fit are kept."""


class PartWrite(NamedTuple):
    """A `text` that is added to the part number `part`, or the part's new `value`. `kind` is the type of a text that
    begins a part; None if the part is there."""

    part: int
    text: str = ""
    kind: GrowingType | None = None
    value: SetPart | None = None


class StreamEnd(NamedTuple):
    """How a stream ends, as `FinishMessage` has it."""

    state: Literal["done", "failed"] = "done"
    parts: tuple[MessagePart, ...] | None = None
    attachments: tuple[AttachmentRef, ...] = ()
    error: StreamError | None = None
    more: bool | None = None


class BodyFormat(ABC):
    """Decodes one body."""

    @abstractmethod
    def feed(self, data: bytes) -> Iterator[PartWrite]:
        """Yields what some bytes write. Raises ChatError for invalid ones, after what comes before them."""

    @abstractmethod
    def end(self) -> Iterator[PartWrite]:
        """Yields what is left to write when the body has ended. Raises ChatError if the body cannot end there."""

    @abstractmethod
    def how(self) -> StreamEnd | None:
        """Returns how the stream ends; None if the body has not said so yet."""


def half_a_character() -> ChatError:
    return invalid("body", "has half of a character without its other half")


def joined(writes: Iterable[PartWrite]) -> list[PartWrite]:
    """Returns fewer writes that do the same: all texts of a part as one, and of the values of a part the last.

    Writes to different parts change places, but no part begins before an earlier one.
    """
    made: list[tuple[PartWrite, list[str]]] = []
    last: dict[int, int] = {}
    for write in writes:
        place = last.get(write.part)
        if place is None or _differ(made[place][0], write):
            last[write.part] = len(made)
            made.append((write, [write.text]))
        elif write.value is None:
            made[place][1].append(write.text)
        else:
            made[place] = write, [""]
    return [write._replace(text="".join(texts)) for write, texts in made]


def _differ(before: PartWrite, write: PartWrite) -> bool:
    """Returns whether two writes to a part are of different types, so that the second is to be refused."""
    return write.kind not in {None, before.kind} or type(before.value) is not type(write.value)


def pieces(write: PartWrite) -> Iterator[PartWrite]:
    """Yields a write in pieces of `TEXT_PIECE` characters."""
    if write.value is not None:
        yield write
    for start in range(0, len(write.text), TEXT_PIECE):
        yield write._replace(text=write.text[start : start + TEXT_PIECE])
