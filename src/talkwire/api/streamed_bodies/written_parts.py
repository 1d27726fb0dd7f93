"""The parts that a body has written so far, so that it need not number them."""

from __future__ import annotations

from collections.abc import Iterator

from talkwire.api.streamed_bodies.body_format import PartWrite, half_a_character
from talkwire.core.commands.streams.writing import SetPart
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.parts.checks import PARTS_MAX
from talkwire.core.domain.parts.growing_parts import GrowingType
from talkwire.core.domain.parts.message_parts import ToolPart


class WrittenParts:
    """Numbers the parts of a body. The methods yield the writes to the message; Talkwire refuses those that it cannot
    do, such as a text for a part that is none.

    A text may end with half of a character, the first of two UTF-16 surrogates. It waits for the other half, which must
    come next.
    """

    def __init__(self) -> None:
        self._kinds: list[str] = []
        """Kinds of the parts, by their numbers: the type of a text, the id of a tool, or an empty text for another
        part."""
        self._half = ""
        self._half_of = 0

    def text(
        self, text: str, kind: GrowingType | None = None, part: int | None = None, *, begins: bool = False
    ) -> Iterator[PartWrite]:
        """Adds a text to a part; without its number, to the last part if that is of this kind, else to a new one. With
        `begins`, always to a new one."""
        count = len(self._kinds)
        if part is None:
            part = count - 1 if not begins and count and self._kinds[-1] == (kind or "text") else count
        if not text:
            return
        if self._half and part != self._half_of:
            raise half_a_character()
        text = _paired(self._half + text)
        self._half, self._half_of = "", part
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        if part == count:
            kind = kind or "text"
            self._begin(kind)
        storable, forbidden, _ = text.partition("\x00")
        if storable:
            yield PartWrite(part, storable, kind)
        if forbidden:
            raise invalid("text", "must not contain U+0000")

    def value(self, value: SetPart, part: int | None = None) -> Iterator[PartWrite]:
        """Sets a part; without its number, the tool with the same id, or a new one."""
        self.must_be_whole()
        name = f"tool:{value.tool_call_id}" if isinstance(value, ToolPart) else ""
        if part is None:
            part = self._kinds.index(name) if name and name in self._kinds else len(self._kinds)
        if part == len(self._kinds):
            self._begin(name)
        yield PartWrite(part, value=value)

    def _begin(self, kind: str) -> None:
        if len(self._kinds) >= PARTS_MAX:
            raise invalid("part", f"must be below {PARTS_MAX}")
        self._kinds.append(kind)

    def must_be_whole(self) -> None:
        """Raises `invalid_request` if half of a character waits for its other half."""
        if self._half:
            raise half_a_character()


def _paired(text: str) -> str:
    """Returns the text with the halves of characters joined. Its last half may lack the other one."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        return text
    half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
    whole = text[:-1] if half else text
    try:
        return whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le") + half
    except UnicodeDecodeError:
        raise half_a_character() from None
