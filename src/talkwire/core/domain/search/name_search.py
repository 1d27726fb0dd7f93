"""Search for users and conversations by the beginnings of the words in their names.

A text finds a name if the casefolded name starts with it, or if a later word of the name does: `lind` and `maria l`
find Anna Maria Lindgren. What was found is listed by the part of the name that starts with the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar
from unicodedata import category

T = TypeVar("T")

LATER_WORDS_MAX = 8
"""How many words after the first one of a name can be searched for."""


class NameKey(NamedTuple):
    """The sort key (name, id) of an entry in a list that is ordered by casefolded names. The next page of the list
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


def later_parts(folded_name: str) -> list[str]:
    """Returns the parts of a casefolded name that begin with its second or a later word and reach to the name's end, at
    most `LATER_WORDS_MAX`: for `anna maria lind`, `maria lind` and `lind`. Words are separated by white space,
    punctuation and symbols."""
    if folded_name.isalnum():
        return []
    starts = [at for at in range(1, len(folded_name)) if folded_name[at].isalnum() and _separates(folded_name[at - 1])]
    return [folded_name[at:] for at in starts[:LATER_WORDS_MAX]]


def _separates(character: str) -> bool:
    # Combining marks are a part of the word.
    return not character.isalnum() and category(character)[0] != "M"


def found_part(folded_name: str, folded_text: str) -> str | None:
    """Returns the part of a name that starts with the searched text: the whole name, or the alphabetically first of its
    later parts (`later_parts`) that does. Returns None if no part does. Both arguments are casefolded."""
    if folded_name.startswith(folded_text):
        return folded_name
    return min((part for part in later_parts(folded_name) if part.startswith(folded_text)), default=None)
