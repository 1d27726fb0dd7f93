"""Splits a paragraph into text, code and addresses, as the web client does (`web/src/chat/markdown/inlines.ts`).

Emphasis is left as it is written: it contains the same code and addresses as without its signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from talkwire.core.domain.markup.addresses import ADDRESS_START, end_of_address, follows_word
from talkwire.core.domain.markup.characters import SPACES


class Text(msgspec.Struct, frozen=True):
    """A part of a text that is neither code nor an address."""

    text: str


class Code(msgspec.Struct, frozen=True):
    """A part of a text that is drawn as code, without its backticks or fences."""

    text: str


class Address(msgspec.Struct, frozen=True):
    """Where a link in a text leads. `is_bracketed`: it is written as `<https://…>`. `has_scheme`: not as `www.…`."""

    href: str
    is_bracketed: bool = False
    has_scheme: bool = True


Piece = Text | Code | Address

_NEXT = re.compile(rf"[\\`<]|!?\[|{ADDRESS_START}", re.IGNORECASE)
_IN_LABEL = re.compile(r"[\\`]")
_TICKS = re.compile("`+")
_LABELLED = re.compile(
    r"!?\[((?:[^\[\]\n]++|\[[^\[\]\n]*+\])*+)\]\( ?"
    rf"((?:https?://|mailto:)[^{SPACES}<>()]*+(?:\([^{SPACES}<>()]*+\)[^{SPACES}<>()]*+)*+)"
    r"""(?: +(?:"[^"\n]*"|'[^'\n]*'))? ?\)""",
    re.IGNORECASE,
)
_BRACKETED = re.compile(rf"<((?:https?://|mailto:)[^{SPACES}<>]+)>", re.IGNORECASE)


def pieces_of_paragraph(text: str) -> Iterator[Piece]:
    """Yields the text, the code and the addresses of a paragraph, in order."""
    return _Reading(text, _NEXT).pieces()


class _Reading:
    """Reads one paragraph; `signs` matches what may be more than text."""

    def __init__(self, text: str, signs: re.Pattern[str]) -> None:
        self._text = text
        self._signs = signs
        self._closings = _closings_of(text)
        self._read = 0

    def pieces(self) -> Iterator[Piece]:
        at = 0
        while (found := self._signs.search(self._text, at)) is not None:
            sign, start, at = found[0], found.start(), found.end()
            if sign == "\\":
                at = self._after_escape(at)
                continue
            pieces, end = self._code(start) if sign == "`" else self._link(start, sign)
            if pieces:
                yield from self._text_before(start)
                yield from pieces
                self._read = end
            at = max(at, end)
        yield from self._text_before(len(self._text))

    def _text_before(self, end: int) -> Iterator[Piece]:
        if end > self._read:
            yield Text(self._text[self._read : end])

    def _after_escape(self, at: int) -> int:
        """Returns where reading continues after a backslash that ends at `at`."""
        sign = self._text[at : at + 1]
        if sign == "`":
            return _end_of_run(self._text, at)
        is_link = _label_at(self._text, at) is not None or _BRACKETED.match(self._text, at) is not None
        return at + 1 if is_link else at

    def _code(self, start: int) -> tuple[tuple[Piece, ...], int]:
        """Returns the code that starts with the backticks at `start`, and where it ends; none if they are text."""
        end = _end_of_run(self._text, start)
        closing = self._closings.get(start)
        if closing is None:
            return (), end
        return (Code(_without_padding(self._text[end:closing])),), closing + end - start

    def _link(self, start: int, sign: str) -> tuple[tuple[Piece, ...], int]:
        """Returns the pieces of the link at `start`, and where it ends; none if there is no link."""
        if sign.endswith("["):
            found = _label_at(self._text, start)
            return (
                ((), start) if found is None else ((*_pieces_of_label(found[1], sign), Address(found[2])), found.end())
            )
        if sign == "<":
            found = _BRACKETED.match(self._text, start)
            return ((), start) if found is None else ((Address(found[1], is_bracketed=True),), found.end())
        end = start if follows_word(self._text, start, sign) else end_of_address(self._text, start, sign)
        if end == start:
            return (), start
        has_scheme = "://" in sign
        href = self._text[start:end] if has_scheme else f"http://{self._text[start:end]}"
        return (Address(href, has_scheme=has_scheme),), end


def _label_at(text: str, start: int) -> re.Match[str] | None:
    """Returns the match of a labelled link or picture at `start`. A link without words could not be seen."""
    found = _LABELLED.match(text, start)
    return None if found is None or not (found[1].strip(SPACES) or found[0].startswith("!")) else found


def _pieces_of_label(label: str, sign: str) -> Iterator[Piece]:
    """Yields the text and the code in the words of a link, which contain no other link. A picture's words are text."""
    return iter((Text(label),)) if sign == "![" else _Reading(label, _IN_LABEL).pieces()


def _closings_of(text: str) -> dict[int, int]:
    """Returns where the next equally long run of backticks starts, by the start of each run."""
    closings: dict[int, int] = {}
    last: dict[int, int] = {}
    for found in _TICKS.finditer(text):
        start, end = found.span()
        if end - start in last:
            closings[last[end - start]] = start
        last[end - start] = start
    return closings


def _end_of_run(text: str, start: int) -> int:
    found = _TICKS.match(text, start)
    return start if found is None else found.end()


def _without_padding(code: str) -> str:
    """Returns code without the spaces that only separate it from its backticks."""
    is_padded = len(code) > 2 and code[0] == code[-1] == " " and code.strip(SPACES)
    return code[1:-1] if is_padded else code
