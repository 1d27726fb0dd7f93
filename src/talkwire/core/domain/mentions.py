"""Mentions in a message's text: `@name` or `@id` for a member, `@all` for all members.

The server parses a text once, when it is written, and stores the ids of the mentioned users. `mention_marks` finds the
places where an @ may start a mention, `spellings` lists the possible names to look up, and `resolve` picks the users.

A mention does not start inside a word (so not in an e-mail address), in the address of a page or in code. Names may
contain spaces, so the longest possible name wins. `docs/texts.md` is the specification, also of the web client.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from unicodedata import normalize

import msgspec

from talkwire.core.domain.markup.blocks import pieces_of
from talkwire.core.domain.markup.characters import SPACES, UNSPACED, is_mark, is_unspaced, is_word
from talkwire.core.domain.markup.inlines import Text

AT_SIGNS_MAX = 50
"""Most @ characters of one text that are examined."""

MENTIONS_MAX = 100
"""Most users that one text mentions."""

ALL = "all"

_REMEMBERED_MAX_LENGTH = 500
"""Longest text whose marks are cached, in characters."""

_NAME_MAX_LENGTH = 200
_NAME_MAX_WORDS = 6

_ENDS_MAX = 24
"""Most ends of words after an @ that are examined, and most other ends in scripts without spaces between words."""

_MARK = re.compile(rf"[@\uff20](?=[^@\uff20{SPACES}])")
_NEVER_BEFORE = "@\uff20.+/-"
_LINE = re.compile(f"[^\n\r\u2028\u2029]{{0,{_NAME_MAX_LENGTH}}}")
_WORD = re.compile(f"[^{SPACES}]+")
_SPACED = rf"(?![{UNSPACED}])[^\W_]"

_BOUNDARY = re.compile(rf"(?<![{SPACES}])(?!(?<={_SPACED}){_SPACED})(?!(?<![{UNSPACED}])[-._@\uff20]{_SPACED})")
"""Pattern of a place where a name may end, apart from combining marks: after a character and not inside a word;
`ann-marie`, `ann.smith` and `ann_smith` are words too. Beside a letter of a script without spaces between words, a name
may end anywhere."""


class Mentions(msgspec.Struct, frozen=True):
    """The users that a text mentions, in the order of their first mention; `everyone` for `@all`."""

    user_ids: tuple[str, ...] = ()
    everyone: bool = False


NO_MENTIONS = Mentions()


class MentionMark(msgspec.Struct, frozen=True):
    """One @ in a text that may start a mention. `spellings` are the texts after it that may be a member's name or id,
    longest first."""

    spellings: tuple[str, ...]


def may_mention(text: str) -> bool:
    """Returns whether a text contains an @, narrow or wide, and so may mention somebody."""
    return "@" in text or "\uff20" in text


def mention_marks(text: str) -> tuple[MentionMark, ...]:
    """Returns a mark for each @ in the text that may mention a member, with the possible names after it. Considers at
    most `AT_SIGNS_MAX` of them."""
    if not may_mention(text):
        return ()
    return _remembered_marks(text) if len(text) <= _REMEMBERED_MAX_LENGTH else _marks(text)


def _marks(text: str) -> tuple[MentionMark, ...]:
    return tuple(MentionMark(tuple(_spellings(*start))) for start in islice(_starts(text), AT_SIGNS_MAX))


_remembered_marks = lru_cache(maxsize=256)(_marks)
"""Function `_marks` with a cache: a message's text is read twice, for the users to load, and when the message is
stored."""


def spellings(marks: Collection[MentionMark]) -> frozenset[str]:
    """Returns all texts that have to be looked up among the members to resolve the marks (`_keys`)."""
    return frozenset(key for mark in marks for spelling in mark.spellings for key in _keys(spelling))


def resolve(marks: Collection[MentionMark], named: Mapping[str, Collection[str]]) -> Mentions:
    """Returns the users that a text mentions, at most `MENTIONS_MAX`. `marks` are those of `mention_marks`; `named`
    maps each casefolded name and each id among their `spellings` to the ids of the members that have it."""
    user_ids: dict[str, None] = {}
    everyone = False
    for mark in marks:
        for spelling in mark.spellings:
            found = [user_id for key in _keys(spelling) for user_id in named.get(key, ())]
            user_ids.update(dict.fromkeys(found))
            is_everyone = not found and spelling.casefold() == ALL
            everyone = everyone or is_everyone
            if found or is_everyone:
                break
    return Mentions(tuple(islice(user_ids, MENTIONS_MAX)), everyone)


def _keys(spelling: str) -> tuple[str, ...]:
    """Returns the texts to look up for a spelling: casefolded, to compare with names, in both normal forms in which
    names may be stored, and as written, to compare with ids."""
    return normalize("NFC", spelling).casefold(), normalize("NFD", spelling).casefold(), spelling


def _starts(text: str) -> Iterator[tuple[str, int]]:
    """Yields each part of the text in which an @ may start a mention, and the index after that @."""
    for piece in pieces_of(text, "@", "\uff20"):
        if isinstance(piece, Text):
            for match in _MARK.finditer(piece.text):
                if _may_start(piece.text[max(0, match.start() - 2) : match.start()]):
                    yield piece.text, match.end()


def _may_start(before: str) -> bool:
    """Returns whether a mention may start after two characters. An `_` before it may start emphasis."""
    if not before:
        return True
    last = before.removesuffix("_")[-1:] or " "
    return is_unspaced(last) or not (is_word(last) or before[-1] in _NEVER_BEFORE)


def _spellings(text: str, start: int) -> Iterator[str]:
    """Returns the texts from `start` on that may be a name, longest first."""
    found = _LINE.match(text, start)
    line = "" if found is None else found[0]
    words = list(islice(_WORD.finditer(line), _NAME_MAX_WORDS))
    line = line[: words[-1].end()]
    is_cut = len(line) == _NAME_MAX_LENGTH  # the last word may continue after the cut
    ends = [match.start() for match in _BOUNDARY.finditer(line) if match.start()]
    of_words = [end for end in ends if not line[end - 1 : end + 1].isalnum() or end == len(line)]
    within = [end for end in ends if end not in of_words]
    chosen = sorted({*of_words[:_ENDS_MAX], *within[:_ENDS_MAX]}, reverse=True)
    return (line[:end] for end in chosen if _may_end(line, end) and not (is_cut and end == len(line)))


def _may_end(line: str, end: int) -> bool:
    """Returns whether no combining mark joins the characters beside `end`."""
    before, after = line[end - 1], line[end : end + 1]
    if not after or is_mark(after):
        return not after
    return not is_mark(before) or is_unspaced(before) or is_unspaced(after) or not is_word(after)
