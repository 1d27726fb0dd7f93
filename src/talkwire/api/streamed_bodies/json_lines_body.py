"""The format `ndjson`: each line of the body is a JSON object that writes to a part, and the last one ends the stream.

docs/streams.md has the members of the lines as a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from talkwire.api.http.bodies import Body
from talkwire.api.http.json_lines import Line
from talkwire.api.streamed_bodies.body_format import BodyFormat, PartWrite, StreamEnd
from talkwire.api.streamed_bodies.lines import LineBuffer, at_line, decoded
from talkwire.api.streamed_bodies.written_parts import WrittenParts
from talkwire.core.commands.streams.writing import SetPart
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.parts.growing_parts import GrowingType
from talkwire.core.domain.parts.message_parts import MessagePart
from talkwire.core.domain.parts.streams import StreamError
from talkwire.payloads.messages import AttachmentBody, attachment_refs


class StreamedEnd(Body, frozen=True):
    """How the stream ends, as in the body of `POST messages/{id}/finish`."""

    state: Literal["done", "failed"] = "done"
    parts: tuple[MessagePart, ...] | None = None
    attachments: tuple[AttachmentBody, ...] | None = None
    error: StreamError | None = None
    more: bool | None = None


class StreamedLine(Body, frozen=True):
    """A line: a `text` to append to a part, the new value of a part (`set`), or the end (`finish`)."""

    part: Annotated[int, Meta(ge=0)] | None = None
    text: str | None = None
    type: GrowingType | None = None
    set: SetPart | None = None
    finish: StreamedEnd | None = None

    def must_be_one(self) -> None:
        """Raises `invalid_request` unless exactly one of text, set and finish is given, with what belongs to it."""
        if sum(each is not None for each in (self.text, self.set, self.finish)) != 1:
            raise invalid("text", "give exactly one of text, set and finish")
        if self.type is not None and self.text is None:
            raise invalid("type", "is only for a text")
        if self.part is not None and self.finish is not None:
            raise invalid("part", "is only for a text and set")


class JsonLinesBody(BodyFormat):
    """A stream ends with the line `finish`. Without it, the program that writes may have crashed, and the stream is
    interrupted."""

    def __init__(self) -> None:
        self._lines = LineBuffer()
        self._parts = WrittenParts()
        self._end: StreamEnd | None = None

    def feed(self, data: bytes) -> Iterator[PartWrite]:
        for line in self._lines.feed(data):
            yield from self._written(line)

    def end(self) -> Iterator[PartWrite]:
        for line in self._lines.flush():
            yield from self._written(line)
        self._parts.must_be_whole()
        if self._end is None:
            raise invalid("body", "must end with a line that has finish")

    def how(self) -> StreamEnd | None:
        return self._end

    def _written(self, line: Line) -> Iterator[PartWrite]:
        number, text = line
        if not text.strip():
            return
        given = decoded(number, text, StreamedLine)
        try:
            given.must_be_one()
            if self._end is not None:
                raise invalid("finish", "must be the last line")
            if given.text is not None:
                yield from self._parts.text(given.text, given.type, given.part)
            elif given.set is not None:
                yield from self._parts.value(given.set, given.part)
            elif given.finish is not None:
                self._finish(given.finish)
        except ChatError as error:
            raise at_line(number, error) from None

    def _finish(self, end: StreamedEnd) -> None:
        self._parts.must_be_whole()
        self._end = StreamEnd(end.state, end.parts, attachment_refs(end.attachments), end.error, end.more)
