"""The format `text`: each event is a piece of the text, for programs such as curl."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from talkwire.api.message_streams.stream_format import Frame, StreamFormat
from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.message_parts import BETWEEN_TEXTS, ReasoningPart, TextPart


class PlainText(StreamFormat):
    """The texts, joined by blank lines. `event: rewind` says that all of it comes again, and `event: end` is the last,
    with the message's state as its data."""

    is_continued: ClassVar[bool] = True
    _has_text = False

    def open_text(self, part: TextPart | ReasoningPart, id_: str) -> Iterable[Frame]:
        del id_
        if isinstance(part, TextPart):
            if self._has_text:
                yield Frame(BETWEEN_TEXTS)
            self._has_text = True

    def text(self, part: TextPart | ReasoningPart, id_: str) -> Iterable[Frame]:
        del id_
        if isinstance(part, TextPart):
            yield Frame(part.text)

    def forget(self) -> Iterable[Frame]:
        self._has_text = False
        yield Frame("", "rewind")

    def end(self, message: Message) -> Iterable[Frame]:
        yield Frame(message.state or "done", "end")
