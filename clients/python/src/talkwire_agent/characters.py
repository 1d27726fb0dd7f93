"""Texts with only those characters that the server stores."""

from __future__ import annotations

REPLACED = "\N{REPLACEMENT CHARACTER}"


def without_nulls(text: str) -> str:
    """Returns a text with U+FFFD in place of each null character."""
    return text.replace("\0", REPLACED)


def storable(text: str) -> str:
    """Returns a text with U+FFFD in place of each null character and each half of an emoji without the other half.

    Two halves become one character. Models write them apart where a server cuts their text between them.
    """
    return without_nulls(text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
