"""What a format of `GET messages/{id}/stream` does: it turns what a reader lacks into server-sent events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.message_parts import MessagePart, ReasoningPart, TextPart
from talkwire.core.domain.parts.reading import Piece


class Frame(NamedTuple):
    """One server-sent event. Without a `name` it is of the type `message`."""

    data: str
    name: str = ""


class StreamFormat(ABC):
    """Encodes one message for one reader. The methods yield frames in the order in which they are sent."""

    headers: ClassVar[Mapping[str, str]] = MappingProxyType({})
    can_restart: ClassVar[bool] = True
    """Whether the pieces can come again in the same response."""
    is_continued: ClassVar[bool] = False
    """Whether clients add the pieces of a response to those of an earlier one."""

    def __init__(self, message: Message) -> None:
        self.message_id = str(message.id)
        self.conversation_id = message.conversation_id
        self._open: tuple[int, type[MessagePart], str] | None = None
        """Text that grows: its index, its type and its id for the reader."""
        self._opened: dict[int, int] = {}

    def begin(self) -> Iterable[Frame]:
        """What comes before the first piece."""
        return ()

    def piece(self, piece: Piece) -> Iterable[Frame]:
        """A piece of the message. A text is closed when another part comes, and opened again if it grows after that."""
        index, part, is_new = piece
        if not isinstance(part, TextPart | ReasoningPart):
            yield from self.close()
            yield from self.value(index, part, is_new=is_new)
            return
        if self._open is None or self._open[0] != index:
            yield from self.close()
            times = self._opened[index] = self._opened.get(index, 0) + 1
            id_ = str(index) if times == 1 else f"{index}-{times}"
            self._open = (index, type(part), id_)
            yield from self.open_text(part, id_)
        if part.text:
            yield from self.text(part, self._open[2])

    def close(self) -> Iterable[Frame]:
        """Closes the text that grows."""
        if self._open is not None:
            _, type_, id_ = self._open
            self._open = None
            yield from self.close_text(type_, id_)

    @abstractmethod
    def open_text(self, part: TextPart | ReasoningPart, id_: str) -> Iterable[Frame]: ...

    @abstractmethod
    def text(self, part: TextPart | ReasoningPart, id_: str) -> Iterable[Frame]: ...

    def close_text(self, type_: type[MessagePart], id_: str) -> Iterable[Frame]:
        """The text does not grow for now."""
        del type_, id_
        return ()

    def value(self, index: int, part: MessagePart, *, is_new: bool) -> Iterable[Frame]:
        """A part that is no text, or its new value."""
        del index, part, is_new
        return ()

    def restart(self) -> Iterable[Frame]:
        """The reader is to forget all pieces: they come again from the beginning."""
        self._open = None
        self._opened.clear()
        return self.forget()

    @abstractmethod
    def forget(self) -> Iterable[Frame]: ...

    @abstractmethod
    def end(self, message: Message) -> Iterable[Frame]:
        """What comes after the last piece. `message` is the message then."""
