"""Parses a search query into phrases, and describes where to search."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from talkwire.core.domain.errors import invalid
from talkwire.core.domain.search.words import is_unspaced, words_of
from talkwire.core.domain.texts import check_text

SEARCH_TEXT_MAX_LENGTH = 1000
"""Longest text of a search, in characters."""

SEARCH_WORDS_MAX = 64
"""Most words of a search."""

PREFIX_MIN_LENGTH = 2
"""Shortest last word of a search that matches as a prefix, in characters."""


class SearchPhrase(msgspec.Struct, frozen=True):
    """Words that must follow each other in a matching text. With `open_ended`, the last word matches any word that
    begins with it."""

    words: tuple[str, ...]
    open_ended: bool = False

    def is_in(self, words: Sequence[str]) -> bool:
        *whole, last = self.words
        length = len(whole)
        return any(
            (word.startswith(last) if self.open_ended else word == last)
            and (place >= length and words[place - length : place] == whole)
            for place, word in enumerate(words)
        )


class SearchTerms(msgspec.Struct, frozen=True):
    """The parsed query of a search. A text matches if it contains all of the phrases."""

    phrases: tuple[SearchPhrase, ...]

    @property
    def whole_words(self) -> frozenset[str]:
        """The words of the query that a matching text must contain as complete words."""
        return frozenset(
            word for phrase in self.phrases for word in (phrase.words[:-1] if phrase.open_ended else phrase.words)
        )

    @property
    def beginnings(self) -> frozenset[str]:
        """The words of the query that may be incomplete: each is a prefix of some word of a matching text."""
        return frozenset(phrase.words[-1] for phrase in self.phrases if phrase.open_ended)

    def are_in(self, text: str) -> bool:
        words = words_of(text)
        return all(phrase.is_in(words) for phrase in self.phrases)


class SearchScope(msgspec.Struct, frozen=True):
    """The messages, or the offers (proposed prices), that a search covers. None sets no limit.

    `member_id`: only those that this user may see as a member of their conversations. `conversation_id`: only those of
    this conversation. `sender_id`: only those of this sender. `after_ms`, `before_ms`: only those sent at or after
    `after_ms` and before `before_ms`, in milliseconds since 1970.
    """

    member_id: str | None
    conversation_id: str | None = None
    sender_id: str | None = None
    before_ms: int | None = None
    after_ms: int | None = None


def terms_of(path: str, text: str) -> SearchTerms:
    """Parses a query into words, of which the last may be incomplete, and "phrases in quotes".

    Raises `invalid_request` for a query without a word, with more than `SEARCH_WORDS_MAX` words or with more than
    `SEARCH_TEXT_MAX_LENGTH` characters. `path` is the query's field in the request, to name in the error.
    """
    check_text(path, text)
    if len(text) > SEARCH_TEXT_MAX_LENGTH:
        raise invalid(path, f"must have at most {SEARCH_TEXT_MAX_LENGTH} characters")
    phrases: list[SearchPhrase] = []
    for place, part in enumerate(text.split('"')):
        if place % 2:
            phrases += _phrases([part], unfinished=False)
        else:
            phrases += _phrases(part.split(), unfinished=place == text.count('"'))
    if not phrases:
        raise invalid(path, "must contain a word")
    if sum(len(phrase.words) for phrase in phrases) > SEARCH_WORDS_MAX:
        raise invalid(path, f"must have at most {SEARCH_WORDS_MAX} words")
    return SearchTerms(tuple(dict.fromkeys(phrases)))


def _phrases(texts: Sequence[str], *, unfinished: bool) -> list[SearchPhrase]:
    """Returns a phrase for each text that contains words: `a@b.example` becomes one phrase of three words. With
    `unfinished`, the last word of the last phrase may be incomplete."""
    found = [words for text in texts if (words := words_of(text))]
    return [_phrase(words, unfinished=unfinished and place == len(found)) for place, words in enumerate(found, 1)]


def _phrase(words: Sequence[str], *, unfinished: bool) -> SearchPhrase:
    """Returns the words as a phrase of a search query. With `unfinished`, its last word may be incomplete.

    Texts in scripts without spaces are indexed as pairs of characters, and a single last character only at the end of a
    text. So a single last character is dropped from the phrase, and the pair before it matches as a prefix.
    """
    *before, last = words
    if is_unspaced(last):
        if len(last) == 1 and before and is_unspaced(before[-1]):
            return SearchPhrase(tuple(before), open_ended=True)
        return SearchPhrase(tuple(words), open_ended=True)
    return SearchPhrase(tuple(words), open_ended=unfinished and len(last) >= PREFIX_MIN_LENGTH)
