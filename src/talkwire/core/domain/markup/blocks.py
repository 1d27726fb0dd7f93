"""Splits a text into code blocks and paragraphs, as the web client does (`web/src/chat/markdown/blocks.ts`).

A paragraph is here any text within which inline code may reach: also a heading, a cell of a table, and the text of an
item of a list or of a quote, up to a blank line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from talkwire.core.domain.markup.characters import SPACES
from talkwire.core.domain.markup.fences import Fences, dedented
from talkwire.core.domain.markup.inlines import Code, Piece, pieces_of_paragraph

_DEPTH_MAX = 6
"""Most quotes and lists in each other; deeper ones are text."""

_INDENT = 2
"""Least number of columns behind an item's sign at which a line within the item starts."""

_LINE = "[^\n\r\u2028\u2029]*"
_BREAK = re.compile("\r?\n")
_MAY_HAVE_BLOCKS = re.compile(r"[`|]|~~~")
_MAY_START_BLOCK = re.compile(r"[ \t]*[-*#>`~0-9]")
_QUOTE = re.compile(r">(?: |\Z)")
_FIRST_OF_QUOTE = re.compile(rf"> +[^{SPACES}]")
_HEADING = re.compile(rf"#{{1,6}} +([^{SPACES}]{_LINE})\Z")
_ITEM = re.compile(rf"([ \t]*)([-*]|(?:0|[1-9][0-9]{{0,8}})[.)])([ \t]+)([^{SPACES}]{_LINE})\Z")
_TASK = re.compile(rf"\[[ xX]\] +(?=[^{SPACES}])")
_RULE = re.compile(rf"[-*_{SPACES}]+\Z")
_INDENTATION = re.compile(r"[ \t]*")
_BLANK_LINES = re.compile(rf"\n(?:(?:(?!\n)[{SPACES}])*\n)+")
_ALIGNMENT = re.compile(r":?-+:?\Z")
_SEPARATOR = re.compile(r"(?<!\\)\|")


def pieces_of(text: str, *signs: str) -> Iterator[Piece]:
    """Yields the text, the code and the addresses of a message's text, in order; of paragraphs only those that contain
    one of the `signs`, if there are any."""
    for part in parts_of(text):
        if isinstance(part, Code):
            yield part
        elif not signs or any(sign in part for sign in signs):
            yield from pieces_of_paragraph(part)


def parts_of(text: str) -> Iterator[str | Code]:
    """Yields the paragraphs and the code blocks of a message's text, in order."""
    if _MAY_HAVE_BLOCKS.search(text) is None:
        return iter((text,))  # Only code and cells depend on blocks.
    return _parts(_BREAK.split(text), 0)


def _parts(lines: Sequence[str], depth: int) -> Iterator[str | Code]:
    """Yields the paragraphs and the code blocks of some lines, in order."""
    fences = Fences(lines)
    start = at = 0
    while at < len(lines):
        found = _block_at(lines, at, depth, fences)
        if found is None:
            at += 1
            continue
        yield from _paragraphs(lines[start:at])
        parts, at = found
        yield from parts
        start = at
    yield from _paragraphs(lines[start:])


def _paragraphs(lines: Sequence[str]) -> list[str]:
    return _BLANK_LINES.split("\n".join(lines)) if lines else []


def _block_at(lines: Sequence[str], at: int, depth: int, fences: Fences) -> tuple[Iterator[str | Code], int] | None:
    """Returns the parts of the block that starts at the line `at`, and the line after it; None for other text."""
    line = lines[at]
    if _MAY_START_BLOCK.match(line) is None:
        return _table_at(lines, at) if "|" in line else None
    code = fences.code_at(at)
    if code is not None:
        return iter((Code(code[0]),)), code[1]
    heading = _HEADING.match(line)
    if heading is not None:
        return iter((heading[1],)), at + 1
    found = _table_at(lines, at)
    if found is not None or depth == _DEPTH_MAX:
        return found
    return _quote_at(lines, at, depth) or _list_at(lines, at, depth)


def _quote_at(lines: Sequence[str], at: int, depth: int) -> tuple[Iterator[str | Code], int] | None:
    if _FIRST_OF_QUOTE.match(lines[at]) is None:
        return None
    end = at + 1
    while end < len(lines) and _QUOTE.match(lines[end]) is not None:
        end += 1
    return _parts([line[2:] for line in lines[at:end]], depth + 1), end


def _table_at(lines: Sequence[str], at: int) -> tuple[Iterator[str | Code], int] | None:
    if at + 1 == len(lines) or "|" not in lines[at] or "|" not in lines[at + 1] or "-" not in lines[at + 1]:
        return None
    alignments = _cells_of(lines[at + 1])
    if not all(map(_ALIGNMENT.match, alignments)) or len(_cells_of(lines[at])) != len(alignments):
        return None
    end = at + 2
    while end < len(lines) and "|" in lines[end]:
        end += 1
    rows = (lines[at], *lines[at + 2 : end])
    return (cell for row in rows for cell in _cells_of(row)), end


def _cells_of(line: str) -> list[str]:
    row = line.strip(SPACES).removeprefix("|")
    if row.endswith("|") and not row.endswith("\\|"):
        row = row[:-1]
    return [cell.strip(SPACES).replace("\\|", "|") for cell in _SEPARATOR.split(row)]


def _list_at(lines: Sequence[str], at: int, depth: int) -> tuple[Iterator[str | Code], int] | None:
    first = _item_at(lines, at)
    if first is None or _width_of(first[1]) > 3:
        return None
    inside: list[Iterable[str | Code]] = []
    item: re.Match[str] | None = first
    end = at
    while item is not None and _is_alike(item, first):
        start, end = end + 1, _end_of_item(lines, end + 1, _width_of(item[1]) + _INDENT)
        inside.append(_inside_item(item, lines[start:end], depth))
        item = _item_at(lines, end)
    return chain.from_iterable(inside), end


def _inside_item(item: re.Match[str], further: Sequence[str], depth: int) -> Iterable[str | Code]:
    """Returns the parts of an item of a list that has `further` lines."""
    space, sign, gap, text = item.groups()
    task = _TASK.match(text)
    text = text if task is None else text[task.end() :]
    if not further and _MAY_START_BLOCK.match(text) is None:
        return (text,)
    width = _width_of(space) + len(sign) + min(len(gap), 4)
    return _parts([text, *(dedented(line, width) for line in further)], depth + 1)


def _item_at(lines: Sequence[str], at: int) -> re.Match[str] | None:
    """Returns the indentation, the sign, the space after it and the text of an item of a list; None for other lines."""
    found = _ITEM.match(lines[at]) if at < len(lines) else None
    return None if found is None or _RULE.match(lines[at]) is not None else found


def _is_alike(one: re.Match[str], other: re.Match[str]) -> bool:
    return one[2][-1] == other[2][-1] and abs(_width_of(one[1]) - _width_of(other[1])) < _INDENT


def _end_of_item(lines: Sequence[str], start: int, indent: int) -> int:
    end = start
    for at in range(start, len(lines)):
        line = lines[at]
        if not line.strip(SPACES):
            continue
        found = _INDENTATION.match(line)
        if found is None or _width_of(found[0]) < indent:
            break
        end = at + 1
    return end


def _width_of(space: str) -> int:
    return len(space) + 3 * space.count("\t")
