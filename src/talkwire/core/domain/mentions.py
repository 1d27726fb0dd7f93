"""Mentions in a message's text: `@name` or `@id` for a member, `@all` for all members.

The server parses a text once, when it is written, and stores the ids of the mentioned users. `mention_marks` finds the
places where an @ may start a mention, `spellings` lists the possible names to look up, and `resolve` picks the users.

A mention does not start inside a word (so not in an e-mail address), in a URL or between backticks. Names may contain
spaces, so the longest possible name wins.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice

import msgspec

MARKS_MAX = 50
"""How many @ characters of one text are examined."""

MENTIONS_MAX = 100
"""The maximum number of users that one text can mention."""

ALL = "all"

_NAME_MAX_LENGTH = 200
_ADDRESS_MAX_LENGTH = 2000
_NAME_MAX_WORDS = 6
_ENDS_MAX = 24

_BACKTICKS = re.compile("`+")
_MARK = re.compile(r"(?<![\w@.+/-])@(?=[^\s@])")
_WORD = re.compile(r"\S+")
_BOUNDARY = re.compile(r"(?<!\s)(?!(?<=\w)\w)(?![-.@]\w)")
"""Matches where a name may end: after a character and not inside a word; `ann-marie` and `ann.smith` are words too."""


class Mentions(msgspec.Struct, frozen=True):
    """The users that a text mentions, in the order of their first mention; `everyone` for `@all`."""

    user_ids: tuple[str, ...] = ()
    everyone: bool = False


NOBODY = Mentions()


class MentionMark(msgspec.Struct, frozen=True):
    """One @ in a text that may start a mention. `spellings` are the texts after it that may be a member's name or id,
    longest first."""

    spellings: tuple[str, ...]


def mention_marks(text: str) -> list[MentionMark]:
    """Returns a mark for each @ in the text that may mention a member, with the possible names after it. Considers at
    most `MARKS_MAX` of them."""
    if "@" not in text:
        return []
    return [MentionMark(tuple(_spellings(text, start))) for start in _starts(text)]


def spellings(marks: Collection[MentionMark]) -> frozenset[str]:
    """Returns all texts that have to be looked up among the members to resolve the marks: as written, to compare with
    ids, and casefolded, to compare with names."""
    written = {spelling for mark in marks for spelling in mark.spellings}
    return frozenset(written | {spelling.casefold() for spelling in written})


def resolve(marks: Collection[MentionMark], named: Mapping[str, Collection[str]]) -> Mentions:
    """Returns the users that a text mentions, at most `MENTIONS_MAX`. `marks` are those of `mention_marks`; `named`
    maps each casefolded name and each id among their `spellings` to the ids of the members that have it."""
    user_ids: dict[str, None] = {}
    everyone = False
    for mark in marks:
        for spelling in mark.spellings:
            folded = spelling.casefold()
            found = (*named.get(folded, ()), *named.get(spelling, ()))
            user_ids.update(dict.fromkeys(found))
            everyone = everyone or (not found and folded == ALL)
            if found or folded == ALL:
                break
    return Mentions(tuple(islice(user_ids, MENTIONS_MAX)), everyone)


def _starts(text: str) -> Iterator[int]:
    """Yields the index after each @ in the text that may start a mention. Takes time linear in the length of any
    text."""
    code = _code_spans(text)
    span = next(code, None)
    for match in islice(_MARK.finditer(text), MARKS_MAX):
        while span is not None and span[1] <= match.start():
            span = next(code, None)
        inside = span is not None and span[0] <= match.start()
        if not inside and not _is_in_address(text, match.start()):
            yield match.end()


def _code_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yields the (start, end) of each span of inline code, which is delimited by equally long runs of backticks as in
    Markdown."""
    runs = [match.span() for match in _BACKTICKS.finditer(text)]
    latest: dict[int, int] = {}
    closing: dict[int, int] = {}
    for index in range(len(runs) - 1, -1, -1):
        length = runs[index][1] - runs[index][0]
        if length in latest:
            closing[index] = latest[length]
        latest[length] = index
    index = 0
    while index < len(runs):
        if index in closing:
            yield runs[index][0], runs[closing[index]][1]
            index = closing[index]
        index += 1


def _is_in_address(text: str, place: int) -> bool:
    """Returns whether the @ at index `place` of the text lies in a URL: the characters before it, back to a space,
    contain `://` or `www.`."""
    before = text[max(0, place - _ADDRESS_MAX_LENGTH) : place]
    word = "" if before[-1:].isspace() else "".join(before.split()[-1:])
    return "://" in word or "www." in word.lower()


def _spellings(text: str, start: int) -> Iterator[str]:
    line, *_ = text[start : start + _NAME_MAX_LENGTH].splitlines()
    words = list(islice(_WORD.finditer(line), _NAME_MAX_WORDS))
    line = line[: words[-1].end()]
    cut = len(line) == _NAME_MAX_LENGTH  # the last word may continue after the cut
    ends = [match.start() for match in islice(_BOUNDARY.finditer(line), _ENDS_MAX) if match.start()]
    return (line[:end] for end in reversed(ends) if not (cut and end == len(line)))
