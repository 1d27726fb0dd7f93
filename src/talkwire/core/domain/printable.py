"""Makes a text of another server printable.

It imports little, because a process that is started for each page uses it (`talkwire.previews.page_worker`).
"""

from __future__ import annotations

import re

_BLANK = re.compile(r"\s+")

DIRECTION_MARKS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Characters that change the writing direction, as a part of a class of characters in a regular expression."""

_UNPRINTABLE = re.compile(rf"[\x00-\x1f\x7f-\x9f{DIRECTION_MARKS}\ud800-\udfff]")
"""Control characters, and characters that change the writing direction."""


def printable(text: str) -> str:
    """Returns a text of another server as one line, without control characters and characters that change the writing
    direction."""
    return _UNPRINTABLE.sub("", _BLANK.sub(" ", text)).strip()
