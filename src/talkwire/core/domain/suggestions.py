"""Suggestions in error messages: the known name that is most similar to a misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_COMPARED = 64
"""How many characters of a name are compared, which bounds the work."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns a text to append to an error message, which names the most similar of the known names; empty if none is
    similar."""
    close = difflib.get_close_matches(name[:_COMPARED], list(known), 1)
    return f"; did you mean {close[0]}?" if close else ""
