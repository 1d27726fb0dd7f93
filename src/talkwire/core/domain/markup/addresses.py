"""Finds where the address of a page starts and ends within a text (`docs/texts.md`, "Addresses")."""

from __future__ import annotations

import re

from talkwire.core.domain.markup.characters import SPACES, is_unspaced, is_word

ADDRESS_START = r"https?://|www\.(?=[^\W_])"
"""Regular expression for the beginning of an address, without regard to case. `follows_word` says whether an address
may start there."""

_ENDS = (
    '<>"`'
    "\u2014\u2015\u201c-\u201f\u2025\u2026"  # dashes, quotation marks, ellipses
    "\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069"  # invisible signs
    "\u104a\u104b\u17d4-\u17d6"  # punctuation of Myanmar and Khmer
    "\u3001-\u3003\u3008-\u3011\u3014-\u301f"  # CJK punctuation and brackets
    "\ufe10-\ufe6b\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff64"  # wide and small forms of punctuation
)
_TRAILING = (
    r".,:;!?'*_~|\([{"
    "\u00ab\u00bb\u2018\u2019\u2039\u203a"  # quotation marks
    "\u0589\u05c3\u060c\u061b\u061f\u06d4\u0964\u0965\u1362\u30fb\uff65"  # punctuation of other scripts
)
_OPENING = "([{"
_CLOSING = ")]}"
_PART = re.compile(f"[^{SPACES}{_ENDS}{re.escape(_OPENING + _CLOSING)}]*")


def follows_word(text: str, start: int, found: str) -> bool:
    """Returns whether the character before `start` belongs to the same word as `found`, so that no address starts
    there: a letter or digit of a script with spaces between words, or the `@` of an e-mail address."""
    if start == 0:
        return False
    before = text[start - 1]
    if before == "@":
        return found[0] in "wW"
    return is_word(before) and not is_unspaced(before)


def end_of_address(text: str, start: int, found: str) -> int:
    """Returns where the address ends that starts at `start` with `found`, a match of `ADDRESS_START`. Returns `start`
    if nothing follows its scheme.

    It ends before white space, quotation marks, angle brackets, CJK and wide punctuation, and a closing bracket that it
    does not open. Punctuation at its end belongs to the sentence.
    """
    opened = [0, 0, 0]
    at = start
    while True:
        part = _PART.match(text, at)
        at = at if part is None else part.end()
        sign = text[at : at + 1]
        if sign and sign in _OPENING:
            opened[_OPENING.index(sign)] += 1
        elif sign and sign in _CLOSING and opened[_CLOSING.index(sign)]:
            opened[_CLOSING.index(sign)] -= 1
        else:
            break
        at += 1
    end = start + len(text[start:at].rstrip(_TRAILING))
    return end if end > start + len(found) else start
