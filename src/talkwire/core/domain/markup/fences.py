"""Finds the blocks of code between fences, as the web client does (`web/src/chat/markdown/fence_closings.ts`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from talkwire.core.domain.markup.characters import SPACES

_FENCE = re.compile(r"( {0,3})(`{3,}(?=[^`]*\Z)|~{3,})([^\n\r\u2028\u2029]*)\Z")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]+\Z")
_INDENT = re.compile(r" {0,3}\Z")


class Fences:
    """The lines of a text that may close a block of code. They are read once, however many blocks are never closed."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._closings: dict[tuple[str, bool], tuple[list[int], list[int]]] = {}

    def code_at(self, at: int) -> tuple[str, int] | None:
        """Returns the code of the block that starts at the line `at`, and the line after it; None if none starts.

        A fence that is not closed is text. The closing one may also end the last line of the code.
        """
        found = _FENCE.match(self._lines[at])
        if found is None:
            return None
        indent, fence, info = found.groups()
        alone = self._find(fence, at + 1, is_alone=True)
        end = self._find(fence, at + 1, is_alone=False) if alone is None else alone
        if end is None:
            return None
        code = [dedented(line, len(indent)) for line in self._lines[at + 1 : end]]
        if alone is None:
            code.append(self._lines[end].rstrip(SPACES)[: -len(fence)])
        name = info.strip(SPACES)
        if name and _LANGUAGE.match(name) is None:
            code.insert(0, info)
        return "\n".join(code), end + 1

    def _find(self, fence: str, start: int, *, is_alone: bool) -> int | None:
        """Returns the first line from `start` on that closes a fence: one that consists of its signs (`is_alone`), or
        one that only ends in them."""
        key = (fence[0], is_alone)
        if key not in self._closings:
            counts = [_count_at_end(line, *key) for line in self._lines]
            self._closings[key] = counts, _largest_from(counts)
        counts, largest = self._closings[key]
        if start >= len(largest) or largest[start] < len(fence):
            return None
        return next(line for line in range(start, len(counts)) if counts[line] >= len(fence))


def dedented(line: str, columns: int) -> str:
    """Returns a line without so many columns of its indentation."""
    width = at = 0
    while width < columns and line[at : at + 1] in {" ", "\t"}:
        width += 4 if line[at] == "\t" else 1
        at += 1
    return line[at:]


def _count_at_end(line: str, sign: str, is_alone: bool) -> int:  # noqa: FBT001 (the key of a cache)
    if sign not in line:
        return 0
    code = line.rstrip(SPACES)
    before = code.rstrip(sign)
    return 0 if is_alone and _INDENT.match(before) is None else len(code) - len(before)


def _largest_from(counts: Iterable[int]) -> list[int]:
    """Returns the largest of the numbers from each on."""
    largest: list[int] = []
    for count in reversed([*counts]):
        largest.append(max(count, largest[-1] if largest else 0))
    return largest[::-1]
