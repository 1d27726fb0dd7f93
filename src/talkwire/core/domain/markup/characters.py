r"""Kinds of characters on which the rules of texts depend, as classes for regular expressions.

They are those of `web/src/chat/markdown/characters.ts`. White space is what JavaScript's `\s` matches, so that both
read the same.
"""

from __future__ import annotations

import re
from unicodedata import category

SPACES = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\u1100-\u11ff\ua960-\ua97f\uaa60-\uaa7f\uac00-\ud7ff"  # Hangul, more of Myanmar
    "\u3005-\u3007\u3041-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uffdc\U00020000-\U000323af"  # kana, Han
)
"""Characters of scripts without spaces between words. A word may start or end beside them anywhere."""

_UNSPACED = re.compile(f"[{UNSPACED}]")


def is_unspaced(character: str) -> bool:
    return _UNSPACED.match(character) is not None


def is_mark(character: str) -> bool:
    """Returns whether a character continues the one before it: a combining mark, or a vowel or final consonant of a
    decomposed Hangul syllable."""
    return category(character)[0] == "M" or "\u1160" <= character <= "\u11ff"


def is_word(character: str) -> bool:
    """Returns whether a character is part of a word: a letter, a digit or a combining mark."""
    return character.isalnum() or is_mark(character)
