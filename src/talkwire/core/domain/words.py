"""The words of a text, the same for every database: what is indexed, what is asked for and what a hit is checked by.

A word is a run of letters and digits, without regard to case, accents and width (Unicode's NFKD and full case folding).
Scripts that put no space between words are cut into overlapping pairs of characters; a pictogram is a word of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal
from unicodedata import category, combining, decimal, normalize

WORD_MAX_LENGTH = 64
"""Characters by which long words are told apart; what follows is not looked at."""

_ASCII_WORD = re.compile("[a-z0-9]+")
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\u1100-\u11ff\uac00-\ud7ff"  # Hangul
    "\u3005-\u3007\u3041-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]+)"  # kana and Han
)
MARKS_MAX = 30
"""Combining marks of one letter; what follows is not looked at. No language needs more than a few."""

# No combining mark is a letter or a digit.
_MAYBE_MARKS = re.compile(r"[^\w\s\x00-\x7f]{8,}")
_INDIC = range(0x0900, 0x1AB0)
_KANA_VOICING = 8
_VIRAMA = 9
_ZERO_WIDTH_SPACE = "\u200b"
_TATWEEL = "\u0640"
_LETTERS = {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th"}  # noqa: RUF001
"""What people write for letters that have no accent to take off."""


class _Characters(dict[int, str]):
    """What becomes of each character of a folded text, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = category(character)
        if kind in {"Cn", "Co", "Cs"}:
            return " "  # not remembered: there are a million of them
        folded = self[code] = _fold_character(character, kind)
        return folded


def _fold_character(character: str, kind: str) -> str:
    """Letters and digits stay, pictograms stand alone, marks go, and all else separates."""
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
    """Whether a mark tells words apart as letters do: Indic vowels and viramas, and voiced kana."""
    order = combining(mark)
    return order == _KANA_VOICING or (order in {0, _VIRAMA} and ord(mark) in _INDIC)


_characters = _Characters()


class _Marks(dict[str, tuple[int, int]]):
    """How many marks each character's decomposition begins with, and how many it ends with: -1 when it has nothing but
    marks."""

    def __missing__(self, character: str) -> tuple[int, int]:
        orders = [combining(part) for part in normalize("NFKD", character)]
        bases = [place for place, order in enumerate(orders) if not order]
        found = (bases[0], len(orders) - 1 - bases[-1]) if bases else (len(orders), -1)
        self[character] = found
        return found


_marks = _Marks()


def _normal(form: Literal["NFC", "NFKD"], text: str) -> str:
    """A normalisation form of a text, in linear time: to sort a run of marks takes quadratic time, so runs are cut."""
    return normalize(form, _MAYBE_MARKS.sub(_cut_marks, text))


def _cut_marks(found: re.Match[str]) -> str:
    """A run of characters without marks in a row beyond `MARKS_MAX`: Unicode's stream-safe text (UAX 15, D4), but that
    what is too much is left out."""
    count = 0
    kept: list[str] = []
    for character in found[0]:
        leading, trailing = _marks[character]
        if count + leading <= MARKS_MAX:
            kept.append(character)
            count = count + leading if trailing < 0 else trailing
    return "".join(kept)


def fold(text: str) -> str:
    """A text in small letters without accents, its words separated by spaces."""
    if text.isascii():
        return " ".join(_ASCII_WORD.findall(text.lower()))
    decomposed = _normal("NFKD", _normal("NFKD", text).casefold())
    return " ".join(_normal("NFC", decomposed.translate(_characters)).split())


def words_of(text: str) -> list[str]:
    """The words of a text in their order."""
    folded = fold(text)
    if folded.isascii():
        return [word[:WORD_MAX_LENGTH] for word in folded.split()]
    return [word[:WORD_MAX_LENGTH] for run in folded.split() for word in _words_of_run(run)]


def is_unspaced(word: str) -> bool:
    """Whether a word is of a script that puts no spaces between words."""
    return _UNSPACED.match(word) is not None


def _words_of_run(run: str) -> Iterator[str]:
    """A run between spaces: `東京大学` becomes 東京, 京大, 大学 and 学, so that each character begins a word."""
    if run.isascii():
        yield run
        return
    for place, part in enumerate(_UNSPACED.split(run)):
        if place % 2:
            yield from (part[start : start + 2] for start in range(len(part)))
        elif part:
            yield part
