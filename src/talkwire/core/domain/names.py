"""Names that people see: of users, conversations, offers and topics.

A name shows something, and does not change the writing direction of what stands beside it.
"""

from __future__ import annotations

import re
from unicodedata import category

from talkwire.core.domain.printable import DIRECTION_MARKS

_DIRECTION = re.compile(f"[{DIRECTION_MARKS}]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

_BLANK = frozenset("\u115f\u1160\u2065\u2800\u3164\uffa0\U00013441\U00013442\U0001d159")
"""Fillers, blanks and an ignorable code point, which are letters, symbols or unassigned for Unicode."""

_IGNORABLE = (range(0xFFF0, 0xFFF9), range(0xE0000, 0xE1000))
"""Unassigned code points that Unicode reserves for characters without an appearance."""


def direction_mark_in(text: str) -> str | None:
    """Returns the first character of a text that changes the writing direction, None if there is none."""
    found = None if text.isascii() else _DIRECTION.search(text)
    return None if found is None else found[0]


def without_direction_marks(text: str) -> str:
    """Returns a text without characters that change the writing direction, which older names may have."""
    return text if text.isascii() else _DIRECTION.sub("", text)


def is_visible(text: str) -> bool:
    """Returns whether a text has a letter, a digit or a sign that people see, and not only spaces, combining marks and
    characters without an appearance."""
    return any(map(_is_visible, text))


def _is_visible(character: str) -> bool:
    if character in _BLANK:
        return False
    kind = category(character)
    if kind == "Cn":
        return not any(ord(character) in codes for codes in _IGNORABLE)
    return kind[0] not in "MZ" and kind not in {"Cc", "Cf", "Cs"}


def display_name(text: str, limit: int) -> str | None:
    """Returns a name of another system as one line of at most `limit` characters, without control characters and
    characters that change the writing direction; None if nothing of it is visible."""
    line = " ".join(_CONTROL.sub(" ", without_direction_marks(text[: limit * 2])).split())[:limit].rstrip()
    return line if is_visible(line) else None
