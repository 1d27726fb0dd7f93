"""The format `text`: the body is the text of the message, in UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from talkwire.api.streamed_bodies.body_format import BodyFormat, PartWrite, StreamEnd, half_a_character
from talkwire.api.streamed_bodies.written_parts import WrittenParts
from talkwire.core.domain.errors import invalid


class TextBody(BodyFormat):
    """Half of a character waits for its other half. The end of the body is that of the stream."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._parts = WrittenParts()
        self._has_ended = False

    def feed(self, data: bytes) -> Iterator[PartWrite]:
        try:
            text = self._decoder.decode(data)
        except UnicodeDecodeError as error:
            yield from self._parts.text(error.object[: error.start].decode())
            raise invalid("body", "must be UTF-8") from None
        yield from self._parts.text(text)

    def end(self) -> Iterator[PartWrite]:
        if self._decoder.getstate()[0]:
            raise half_a_character()
        self._has_ended = True
        return iter(())

    def how(self) -> StreamEnd | None:
        return StreamEnd() if self._has_ended else None
