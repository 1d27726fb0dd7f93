"""Reads tags from HTML as a browser's tokenizer does (HTML Standard, "Tokenization"), without building a tree.

Each character is looked at a fixed number of times, whatever the text is: every pattern is possessive or stops at the
first character that does not fit, and what is not closed extends to the end of the text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from functools import cache
from html.entities import html5 as _named_references
from typing import NamedTuple

WHITESPACE = "\t\n\f\r "

_MARKUP = re.compile(r"<(?:(/?)([a-zA-Z][^\t\n\f\r />]*+)|(!--)|(!\[CDATA\[)|[!?/])")
_COMMENT_END = re.compile(r"--!?>")
_SCRIPT_MARKUP = re.compile(r"<!--|-->|<(/?)script(?=[\t\n\f\r />])", re.IGNORECASE | re.ASCII)
_ATTRIBUTE = re.compile(
    r"""([\t\n\f\r /]*+)
    (?:(?P<end>>)
    |(?P<name>=[^\t\n\f\r />=]*+|[^\t\n\f\r />=]++)
     (?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:"(?P<double>[^"]*+)"?|'(?P<single>[^']*+)'?|(?P<bare>[^\t\n\f\r >]++))?)?+
    )""",
    re.VERBOSE,
)
_REFERENCE_IN_ATTRIBUTE = re.compile(r"&(?:#[xX]?[0-9a-fA-F]++;?|([a-zA-Z][a-zA-Z0-9]*+(?:;|(?!=))))")


class Tag(NamedTuple):
    """A start or end tag. `name` and the names of `attributes` are in lower case; values are as they are written, with
    their character references.
    """

    name: str
    is_end: bool
    is_self_closing: bool
    attributes: Mapping[str, str]


class Tokens:
    """Reads the tags of a text, one after the other. Tags have those attributes that `kept` names.

    The caller knows which elements contain text instead of markup: it calls `skip_text` after such a start tag.
    """

    def __init__(self, text: str, kept: frozenset[str]) -> None:
        self.has_text = False
        """Whether the text before the last tag has more than whitespace outside of markup."""
        self._text = text
        self._kept = kept
        self._position = 0

    def next_tag(self, *, in_foreign_content: bool = False) -> Tag | None:
        """Returns the next tag, or None at the end of the text. `in_foreign_content` says whether the tag before is
        inside `<svg>` or `<math>`, which may have CDATA sections.
        """
        self.has_text = False
        while found := _MARKUP.search(self._text, self._position):
            self._note_text(found.start())
            self._position = found.end()
            end, name, comment, cdata = found.groups()
            if name:
                return self._tag(name.lower(), is_end=bool(end))
            if comment:
                self._skip_comment()
            elif cdata and in_foreign_content:
                self._skip_past("]]>")
            else:  # a doctype, a processing instruction, or what the standard calls a bogus comment
                self._position = found.start() + 2
                self._skip_past(">")
        self._note_text(len(self._text))
        self._position = len(self._text)
        return None

    def skip_text(self, name: str) -> str:
        """Returns the text of an element that contains no markup, such as `title` or `style`, and continues at its end
        tag. An element without an end tag extends to the end of the text.
        """
        start = self._position
        if name == "script":
            self._position = self._end_of_script()
        else:
            found = _end_tag(name).search(self._text, start)
            self._position = len(self._text) if found is None else found.start()
        return self._text[start : self._position]

    def _note_text(self, end: int) -> None:
        self.has_text = self.has_text or bool(self._text[self._position : end].strip(WHITESPACE))

    def _tag(self, name: str, *, is_end: bool) -> Tag | None:
        attributes: dict[str, str] = {}
        while found := _ATTRIBUTE.match(self._text, self._position):
            self._position = found.end()
            if found["end"]:
                return Tag(name, is_end, found[1].endswith("/"), attributes)
            attribute = found["name"].lower()
            if attribute in self._kept:
                attributes.setdefault(attribute, found["double"] or found["single"] or found["bare"] or "")
        self._position = len(self._text)
        return None

    def _skip_comment(self) -> None:
        for empty in (">", "->"):
            if self._text.startswith(empty, self._position):
                self._position += len(empty)
                return
        found = _COMMENT_END.search(self._text, self._position)
        self._position = len(self._text) if found is None else found.end()

    def _skip_past(self, end: str) -> None:
        place = self._text.find(end, self._position)
        self._position = len(self._text) if place < 0 else place + len(end)

    def _end_of_script(self) -> int:
        """Returns where a script ends. `</script>` does not end it after `<!-- <script`."""
        is_escaped = is_nested = False
        position = self._position
        while found := _SCRIPT_MARKUP.search(self._text, position):
            position = found.end()
            match found[0], found[1]:
                case "<!--", _:
                    is_escaped = True
                    position -= 2  # `<!-->` is a whole comment
                case "-->", _:
                    is_escaped = is_nested = False
                case _, "/" if not is_nested:
                    return found.start()
                case _, end:
                    is_nested = is_escaped and not end
        return len(self._text)


@cache
def _end_tag(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE | re.ASCII)


def unescape_attribute(value: str) -> str:
    """Returns an attribute's value with its character references replaced.

    Unlike in text, a reference without `;` stays if a letter, a digit or `=` follows, as in `?a=1&copy=2`.
    """
    return _REFERENCE_IN_ATTRIBUTE.sub(_replacement, value)


def _replacement(found: re.Match[str]) -> str:
    if found[1] is None:
        return html.unescape(found[0])
    return _named_references.get(found[1], found[0])
