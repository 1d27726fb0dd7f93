"""The text that an author writes to a stream."""

from __future__ import annotations

import random
from bisect import bisect_right

_WORDS = (
    "the ",
    "order ",
    "was ",
    "sent, ",
    "café ",
    "漢字 ",
    "😀 ",
    "👩‍👩‍👧 ",
    "e\N{COMBINING ACUTE ACCENT} ",
    "**42** ",
    "\n\n",
    "“it” ",
)


def units_of(text: str) -> int:
    """Returns the length of a text in UTF-16 code units, as `at`, `length` and `stored` count it."""
    return len(text.encode("utf-16-le")) // 2


class Draft:
    """A text of random words, and the places at which its appends begin. It ends with a word that no other text has."""

    def __init__(self, seed: int, appends: int) -> None:
        chance = random.Random(seed)
        self.last_word = f"finale{seed}"
        pieces = ["Answer: ", *(chance.choice(_WORDS) for _ in range(appends - 2)), self.last_word]
        self.text = "".join(pieces)
        self._ends: list[int] = []
        for piece in pieces:
            self._ends.append(units_of(piece) + (self._ends[-1] if self._ends else 0))
        self._units = self.text.encode("utf-16-le")

    @property
    def length(self) -> int:
        return self._ends[-1]

    def piece(self, at: int) -> str:
        """Returns the text from a place to the end of its append."""
        return self.cut(at, self._ends[bisect_right(self._ends, at)])

    def before(self, at: int) -> int:
        """Returns where the append begins that ends at a place."""
        place = bisect_right(self._ends, at - 1)
        return self._ends[place - 1] if place else 0

    def cut(self, start: int, end: int) -> str:
        return self._units[start * 2 : end * 2].decode("utf-16-le")

    def begins_with(self, text: str) -> bool:
        return self.text.startswith(text)
