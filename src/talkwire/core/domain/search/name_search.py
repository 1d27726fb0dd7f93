"""Search for users and conversations by the beginnings of the words in their names.

A text finds a name if the name starts with it, or if a later word of the name does: `lind` and `maria l` find Anna
Maria Lindgren. Both are compared in the form of `search_name`. What was found is listed by the part of the name that
starts with the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from talkwire.core.domain.search.words import fold
from talkwire.core.domain.texts import NAME_MAX_LENGTH

T = TypeVar("T")

LATER_WORDS_MAX = 8
"""Most words after the first one of a name that can be searched for."""


class NameKey(NamedTuple):
    """The sort key (name, id) of an entry in a list that is ordered by names (`search_name`). The next page of the list
    continues after it.

    In a search, `name` is the part of the name that starts with the searched text.
    """

    name: str
    id: str


class NamePage(NamedTuple, Generic[T]):
    """One page of a list that is ordered by names. `next` is the key after which the next page starts, None at the end.
    A page may have fewer entries than its limit and still have a next one."""

    items: Sequence[T]
    next: NameKey | None


def search_name(text: str) -> str:
    """Returns a name, or a text that is searched among names, in the form in which both are compared: folded as texts
    of messages are (`fold`), or only without case if nothing is left of it, as of `(*)`.

    The result has at most `NAME_MAX_LENGTH` characters, so that an index can hold it: some characters fold to many.
    """
    folded = fold(text) or text.casefold().strip()
    return folded[:NAME_MAX_LENGTH].rstrip()


def later_parts(folded_name: str) -> list[str]:
    """Returns the parts of a folded name (`search_name`) that begin with its second or a later word and reach to the
    name's end, at most `LATER_WORDS_MAX`: for `anna maria lind`, `maria lind` and `lind`."""
    words = folded_name.split(" ")
    return [" ".join(words[place:]) for place in range(1, min(len(words), LATER_WORDS_MAX + 1))]


def found_part(folded_name: str, folded_text: str) -> str | None:
    """Returns the part of a name that starts with the searched text: the whole name, or the alphabetically first of its
    later parts (`later_parts`) that does. Returns None if no part does. Both arguments are folded (`search_name`)."""
    if folded_name.startswith(folded_text):
        return folded_name
    return min((part for part in later_parts(folded_name) if part.startswith(folded_text)), default=None)
