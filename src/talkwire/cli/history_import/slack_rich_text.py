"""Converts Slack's rich text, the blocks in which Slack keeps what people write, to Markdown for the web client.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple
from unicodedata import category, east_asian_width

from talkwire.cli.history_import.archive import items_of, ms_of, object_of, text_of
from talkwire.cli.history_import.emoji import emoji_named
from talkwire.cli.history_import.people import People
from talkwire.cli.history_import.texts import as_quote, audience, fenced, markdown_link

UNKNOWN_PARTS = "parts of formatted messages that are of unknown kinds (their texts are kept)"

_SIGNS = (("bold", "**"), ("strike", "~~"), ("italic", "_"))
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")

_NOT_FIRST = frozenset(")]},;^=|/&")
"""Characters before which the web client shows the signs of a style as they are."""

_WORDS_OF_UNKNOWN = ("text", "fallback", "title", "name", "url", "value")


class _Run(NamedTuple):
    """A part of a line, as Markdown. `styles` are Slack's names, such as `bold`."""

    text: str
    styles: frozenset[str] = frozenset()


class RichText:
    """Converts rich text. `names` has the names of channels, groups of users and unknown users by their ids; `drop`
    counts what cannot be converted. `decoded` returns the text of an element without escapes."""

    def __init__(
        self,
        people: People,
        names: Mapping[str, str],
        drop: Callable[[str], None],
        decoded: Callable[[str], str],
    ) -> None:
        self._people = people
        self._names = names
        self._drop = drop
        self._decoded = decoded

    def text(self, elements: object) -> str:
        """Returns the elements of a block of rich text: sections, lists, quotes and code."""
        found: list[str] = []
        for kind, group in groupby(items_of(elements), lambda each: text_of(each.get("type"))):
            if kind == "rich_text_list":
                found.append(self._lists(group))
            else:
                found += (self._part(kind, each) for each in group)
        return "\n".join(each.removesuffix("\n") for each in found if each.strip())

    def _part(self, kind: str, part: dict[str, Any]) -> str:
        match kind:
            case "rich_text_section":
                return self._line(part)
            case "rich_text_quote":
                return as_quote(self._line(part))
            case "rich_text_preformatted":
                language = text_of(part.get("language"))
                code = "".join(self._plain(each) for each in items_of(part.get("elements")))
                return fenced(code, language if _LANGUAGE.fullmatch(language) else "")
        if kind.startswith("rich_text_"):
            self._drop(UNKNOWN_PARTS)
            return self.text(part.get("elements"))
        return self._inline(part).text

    def _line(self, part: dict[str, Any]) -> str:
        return _styled(_with_code([self._inline(each) for each in items_of(part.get("elements"))]), _SIGNS)

    def _lists(self, lists: Iterator[dict[str, Any]]) -> str:
        """Returns lists that follow one another. Slack writes each level of a nested list as a list of its own."""
        lines: list[str] = []
        level = -1
        for each in lists:
            indent = each.get("indent")
            level = min(indent if isinstance(indent, int) and indent > 0 else 0, level + 1)
            text = "\n".join(self._items(each, "    " * level))
            lines.append(as_quote(text) if each.get("border") else text)
        return "\n".join(lines)

    def _items(self, each: dict[str, Any], indent: str) -> Iterator[str]:
        offset = each.get("offset")
        first = 1 + (offset if isinstance(offset, int) and offset > 0 else 0)
        for number, item in enumerate(items_of(each.get("elements")), first):
            sign = f"{number}." if each.get("style") == "ordered" else "-"
            text = self._part(text_of(item.get("type")), item).strip()
            yield f"{indent}{sign} " + text.replace("\n", f"\n{indent}{' ' * len(sign)} ")

    def _inline(self, element: dict[str, Any]) -> _Run:
        styles = frozenset(style for style, is_on in object_of(element.get("style")).items() if is_on is True)
        if "code" in styles:
            return _Run(self._plain(element), styles)
        if element.get("type") == "link":
            return _Run(markdown_link(text_of(element.get("url")), self._decoded(text_of(element.get("text")))), styles)
        if element.get("type") == "date" and text_of(element.get("url")):
            return _Run(markdown_link(text_of(element.get("url")), self._plain(element)), styles)
        return _Run(self._plain(element), styles)

    def _plain(self, element: dict[str, Any]) -> str:
        """Returns an element without its style and its link."""
        match element.get("type"):
            case "text":
                return self._decoded(text_of(element.get("text")))
            case "link":
                return self._decoded(text_of(element.get("text"))) or text_of(element.get("url"))
            case "emoji":
                return _emoji(element)
            case "user":
                key = text_of(element.get("user_id"))
                return self._people.mention(key) if key in self._people else f"@{self._names.get(key, key)}"
            case "channel":
                key = text_of(element.get("channel_id"))
                return f"#{self._names.get(key, key)}"
            case "usergroup" | "team" as kind:
                key = text_of(element.get(f"{kind}_id"))
                return f"@{self._names.get(key, key)}"
            case "broadcast":
                return audience(text_of(element.get("range")))
            case "color":
                return text_of(element.get("value"))
            case "date":
                return _date(element)
        self._drop(UNKNOWN_PARTS)
        return next(filter(None, (self._decoded(text_of(element.get(name))) for name in _WORDS_OF_UNKNOWN)), "")


def _emoji(element: dict[str, Any]) -> str:
    name, tone = text_of(element.get("name")), element.get("skin_tone")
    found = emoji_named(f"{name}::skin-tone-{tone}" if isinstance(tone, int) else name)
    if found is not None:
        return found
    codes = text_of(element.get("unicode")).split("-")
    try:
        return "".join(chr(int(code, 16)) for code in codes)
    except (ValueError, OverflowError):
        return f":{name}:"


def _date(element: dict[str, Any]) -> str:
    """Returns a date as Slack's own text says it, or in UTC."""
    seconds = element.get("timestamp")
    ms = ms_of(seconds * 1000) if isinstance(seconds, int) else None
    shown = "" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return text_of(element.get("fallback")) or shown


# --- styles -----------------------------------------------------------------------------------------------------------


def _with_code(runs: Sequence[_Run]) -> list[_Run]:
    """Returns the parts of a line in which neighbours that are code are one part, between backticks."""
    found: list[_Run] = []
    for styles, group in groupby(runs, lambda run: run.styles):
        if "code" in styles:
            code = "".join(run.text for run in group)
            found.append(_Run("\n".join(map(_code, code.split("\n"))), styles))
        else:
            found += group
    return found


def _code(line: str) -> str:
    if not line.strip():
        return line
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{'`' * (longest + 1)}{padding}{line}{padding}{'`' * (longest + 1)}"


def _styled(runs: Sequence[_Run], signs: Sequence[tuple[str, str]]) -> str:
    """Returns the parts of a line with the signs of their styles, of which the first is the outermost."""
    if not signs or not runs:
        return "".join(run.text for run in runs)
    (style, sign), *inner = signs
    parts = [(has, _styled(list(group), inner)) for has, group in groupby(runs, lambda run: style in run.styles)]
    text = ""
    for (is_styled, part), (_, after) in zip(parts, [*parts[1:], (False, "")], strict=True):
        text += _between(sign, part, text[-1:], after[:1]) if is_styled else part
    return text


def _between(sign: str, text: str, before: str, after: str) -> str:
    """Returns a text between two signs, on each of its lines. `before` and `after` are the characters beside it."""
    lines = text.split("\n")
    befores = [before, *[""] * (len(lines) - 1)]
    afters = [*[""] * (len(lines) - 1), after]
    return "\n".join(_line_between(sign, *each) for each in zip(lines, befores, afters, strict=True))


def _line_between(sign: str, line: str, before: str, after: str) -> str:
    """Returns a line between two signs; unchanged where the web client would show the signs (docs/web-client.md)."""
    core = line.strip()
    start, end = line[: len(line) - len(line.lstrip())], line[len(line.rstrip()) :]
    beside = ("" if start else before) + ("" if end else after)
    if sign == "_" and beside and not any(map(_is_spaced_letter, beside)) and any(map(str.isalnum, beside)):
        sign = "*"
    has_words = any(each.isalnum() or category(each).startswith("S") for each in core)
    if not has_words or core[0] in _NOT_FIRST or any(_is_spaced_letter(each) or each in "@\\/" for each in beside):
        return line
    return f"{start}{sign}{core}{sign}{end}"


def _is_spaced_letter(character: str) -> bool:
    """Returns whether a character is a letter or digit of a script with spaces between words. Beside one, the web
    client shows the signs of a style as they are."""
    return character.isalnum() and east_asian_width(character) not in "WF"
