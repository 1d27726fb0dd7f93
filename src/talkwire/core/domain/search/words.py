"""Splits texts into words, identically for every database: for indexing, for queries and for checking matches.

A word is a run of letters and digits, without regard to case, accents and width (Unicode's NFKD and full case folding),
and to the letters that Arabic, Persian and Urdu keyboards write differently.
Text in scripts without spaces between words is split into overlapping pairs of characters. An emoji or other symbol is
a word of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal
from unicodedata import category, combining, decimal, normalize

INDEXED_WORD_MAX_LENGTH = 64
"""Most characters of a word that are indexed. Longer words are cut."""

_ASCII_WORD = re.compile("[a-z0-9]+")
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\u1100-\u11ff\uac00-\ud7ff"  # Hangul
    "\u3005-\u3007\u3041-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]+)"  # kana and Han
)

COMBINING_MARKS_MAX = 30
"""Most combining marks on one letter; further ones are dropped. No language needs more than a few."""

# No combining mark is a letter or a digit.
_MAYBE_MARKS = re.compile(r"[^\w\s\x00-\x7f]{8,}")
_INDIC = range(0x0900, 0x1AB0)
_KANA_VOICING = 8
_VIRAMA = 9
_ZERO_WIDTH_SPACE = "\u200b"
_TATWEEL = "\u0640"
_LETTERS = {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th"}  # noqa: RUF001
# Arabic letters that keyboards of different languages write differently, or that are written for each other.
_LETTERS |= dict.fromkeys("\u0671\u0672\u0673", "\u0627")  # forms of alef
_LETTERS |= dict.fromkeys("\u0649\u06cc", "\u064a")  # alef maksura and the yeh of Persian and Urdu keyboards
_LETTERS |= dict.fromkeys("\u06a9\u06aa", "\u0643")  # their kaf, and its long form
_LETTERS |= dict.fromkeys("\u0629\u06be\u06c1\u06c3\u06d5", "\u0647")  # forms of heh, and teh marbuta
"""The spelling of letters that do not decompose into a base letter and an accent."""


class _Characters(dict[int, str]):
    """A cache from characters of a case-folded text to their replacements in searches, each computed on first use."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = category(character)
        if kind in {"Cn", "Co", "Cs"}:
            return " "  # not cached: there are a million such code points
        folded = self[code] = _fold_character(character, kind)
        return folded


def _fold_character(character: str, kind: str) -> str:
    """Returns the replacement of a character in searches: letters and digits stay, symbols become separate words,
    accents are removed, and everything else becomes a separator."""
    if character in _LETTERS:
        return _LETTERS[character]
    if character == _TATWEEL or (kind == "Cf" and character != _ZERO_WIDTH_SPACE):
        return ""
    if kind == "Mn":
        return character if _is_vowel_sign(character) else ""
    if kind == "So":
        return f" {character} "
    if kind == "Nd":
        return str(decimal(character))
    return character if kind == "Mc" or character.isalnum() else " "


def _is_vowel_sign(mark: str) -> bool:
    """Returns whether a combining mark distinguishes words as a letter does: Indic vowels and viramas, and voiced
    kana."""
    order = combining(mark)
    return order == _KANA_VOICING or (order in {0, _VIRAMA} and ord(mark) in _INDIC)


_characters = _Characters()


class _Marks(dict[str, tuple[int, int]]):
    """A cache from a character to the number of combining marks at the start and at the end of its decomposition.

    The second number is -1 for a character that consists of marks only.
    """

    def __missing__(self, character: str) -> tuple[int, int]:
        orders = [combining(part) for part in normalize("NFKD", character)]
        bases = [place for place, order in enumerate(orders) if not order]
        found = (bases[0], len(orders) - 1 - bases[-1]) if bases else (len(orders), -1)
        self[character] = found
        return found


_marks = _Marks()


def _normal(form: Literal["NFC", "NFKD"], text: str) -> str:
    """Returns the text in a Unicode normalisation form, in time that is linear in its length.

    Normalising a run of combining marks takes quadratic time, so long runs are cut first.
    """
    return normalize(form, _MAYBE_MARKS.sub(_cut_marks, text))


def _cut_marks(found: re.Match[str]) -> str:
    """Returns the matched run of characters with at most `COMBINING_MARKS_MAX` combining marks in a row; further marks
    are removed.

    This is Unicode's stream-safe text (UAX 15, D4), except that the latter keeps further marks.
    """
    count = 0
    kept: list[str] = []
    for character in found[0]:
        leading, trailing = _marks[character]
        if count + leading <= COMBINING_MARKS_MAX:
            kept.append(character)
            count = count + leading if trailing < 0 else trailing
    return "".join(kept)


def fold(text: str) -> str:
    """Returns the words of the text in the form in which words are compared: lower case, without accents, separated by
    single spaces. Punctuation is removed."""
    if text.isascii():
        return " ".join(_ASCII_WORD.findall(text.lower()))
    decomposed = _normal("NFKD", _normal("NFKD", text).casefold())
    return " ".join(_normal("NFC", decomposed.translate(_characters)).split())


def searched_text(content: str, attached_names: str) -> str:
    """Returns the text in which search terms are looked for: a message's content, and the names of its attachments."""
    return f"{content}\n{attached_names}" if attached_names else content


def words_of(text: str) -> list[str]:
    """Returns the words of a text in order, in the form in which they are indexed and compared: folded (`fold`), cut to
    `INDEXED_WORD_MAX_LENGTH`, and as pairs of characters in scripts without spaces."""
    folded = fold(text)
    if folded.isascii():
        return [word[:INDEXED_WORD_MAX_LENGTH] for word in folded.split()]
    return [word[:INDEXED_WORD_MAX_LENGTH] for run in folded.split() for word in _words_of_run(run)]


def is_unspaced(word: str) -> bool:
    """Returns whether a word starts with a character of a script that puts no spaces between words."""
    return _UNSPACED.match(word) is not None


def _words_of_run(run: str) -> Iterator[str]:
    """Yields the words of a folded text without spaces: runs of characters of unspaced scripts as overlapping pairs,
    and the text between such runs as it is.

    `東京大学` becomes 東京, 京大, 大学 and 学, so that each character starts a word.
    """
    if run.isascii():
        yield run
        return
    for place, part in enumerate(_UNSPACED.split(run)):
        if place % 2:
            yield from (part[start : start + 2] for start in range(len(part)))
        elif part:
            yield part
