"""Extracts the preview of an HTML page from its head: from Open Graph tags, else from Twitter's card tags, else its
title and description.

It imports little, because it runs in a process that is started for each page
(`page_worker.py`).
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urljoin

from talkwire.core.domain.printable import printable
from talkwire.previews.charset import charset_of, decoded
from talkwire.previews.html_tokens import Tag, Tokens, unescape_attribute

PREVIEW_TEXT_MAX_LENGTH = 2000
"""Most characters of a text, or of an address, that are kept."""

_WRITTEN_MAX = 2 * PREVIEW_TEXT_MAX_LENGTH
"""Most characters of a text that are looked at. Python refuses to read a number with more than 4,300 digits."""

_TITLES = ("og:title", "twitter:title")
_DESCRIPTIONS = ("og:description", "twitter:description", "description")
_SITES = ("og:site_name", "application-name")
_IMAGES = ("og:image:secure_url", "og:image:url", "og:image", "twitter:image", "twitter:image:src")
_NAMES = frozenset((*_TITLES, *_DESCRIPTIONS, *_SITES, *_IMAGES))

_KEPT = frozenset({"content", "href", "name", "property"})
_OF_THE_HEAD = frozenset(
    (
        *("base", "basefont", "bgsound", "head", "html", "link", "meta", "noframes", "noscript", "script", "style"),
        *("template", "title"),
    )
)
_TEXT_ELEMENTS = frozenset(("iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp"))
"""Elements that contain text and no markup, in a browser that runs scripts."""

_FOREIGN = frozenset({"math", "svg"})
_ENDS_FOREIGN = frozenset(
    (
        *("b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "i", "img", "li", "listing", "menu", "meta", "nobr", "ol"),
        *("p", "pre", "ruby", "s", "small", "span", "strike", "strong", "sub", "sup", "table", "tt", "u", "ul", "var"),
    )
)
"""Start tags that end `<svg>` and `<math>` (HTML Standard, "The rules for parsing tokens in foreign content")."""


class LinkedPage(NamedTuple):
    """The title, description, site name and picture that an HTML page declares. `image_url` is an absolute URL."""

    title: str
    description: str | None = None
    site_name: str | None = None
    image_url: str | None = None


class PageReading(NamedTuple):
    """What was read of a page, None without a title, and whether its head, or all that a preview shows, was read."""

    page: LinkedPage | None
    is_complete: bool


def read_page(body: bytes, content_type: str, url: str) -> PageReading:
    """Reads the title, description, site name and picture that an HTML page declares.

    `body` is the beginning of the page at `url`; `content_type` is the response's header.
    """
    head = _Head(decoded(body, charset_of(content_type)), is_xml="xml" in content_type.partition(";")[0].lower())
    tags = head.tags
    title = _first(tags, *_TITLES) or _clean(html.unescape(head.title or ""))
    is_complete = head.is_over or all(_first(tags, *names) for names in (_TITLES, _DESCRIPTIONS, _SITES, _IMAGES))
    if title is None:
        return PageReading(None, is_complete)
    description = _first(tags, *_DESCRIPTIONS)
    page = LinkedPage(
        title=title,
        description=None if description == title else description,
        site_name=_first(tags, *_SITES),
        image_url=_joined(_base_url(url, head.base), _first(tags, *_IMAGES)),
    )
    return PageReading(page, is_complete)


class _Head:
    """The title, the `<meta>` tags by name or property, and the base of a page's head.

    What does not belong into a head is skipped, since many pages have it there by mistake: browsers then end the head,
    and still use titles and tags behind it. Only `<body>` and `<frameset>` end the reading. With `is_xml`, an element
    such as `<script/>` is complete.
    """

    def __init__(self, text: str, *, is_xml: bool) -> None:
        self.title: str | None = None
        self.base: str | None = None
        self.tags: dict[str, str] = {}
        self.is_over = False
        """Whether the head ends within the text."""
        self._tokens = Tokens(text, _KEPT)
        self._is_xml = is_xml
        self._foreign = 0
        self._templates = 0
        while (tag := self._tokens.next_tag(in_foreign_content=self._foreign > 0)) and self._continues_after(tag):
            pass
        self._note_end(is_in_head=not self._tokens.has_text)

    def _note_end(self, *, is_in_head: bool) -> None:
        if not is_in_head and not self._templates:
            self.is_over = True

    def _continues_after(self, tag: Tag) -> bool:
        self._note_end(is_in_head=not self._tokens.has_text and (tag.is_end or tag.name in _OF_THE_HEAD))
        if tag.name in {"body", "frameset"} or (tag.is_end and tag.name == "html"):
            self.is_over = True
            return False
        if tag.name == "template" and not self._foreign:
            self._templates = max(0, self._templates + (-1 if tag.is_end else 1))
        self._track_foreign(tag)
        if not tag.is_end and not self._foreign:
            self._read(tag)
        return True

    def _track_foreign(self, tag: Tag) -> None:
        """Counts the open `<svg>` and `<math>`, whose titles are those of drawings."""
        if tag.name in _FOREIGN and not tag.is_self_closing:
            self._foreign = max(0, self._foreign + (-1 if tag.is_end else 1))
        elif tag.name in _ENDS_FOREIGN and not tag.is_end:
            self._foreign = 0

    def _read(self, tag: Tag) -> None:
        is_empty = tag.name not in _TEXT_ELEMENTS or (self._is_xml and tag.is_self_closing)
        text = "" if is_empty else self._tokens.skip_text(tag.name)
        if self._templates:  # its content is not part of the page
            return
        match tag.name:
            case "title" if self.title is None:
                self.title = text[:_WRITTEN_MAX]
            case "base" if self.base is None:
                self.base = _value(tag, "href")
            case "meta":
                self._read_meta(tag)

    def _read_meta(self, tag: Tag) -> None:
        content = _value(tag, "content")
        if content is not None:
            # Some tags have both, and a property may be a list.
            names = f"{_value(tag, 'property') or ''} {_value(tag, 'name') or ''}"
            for name in _NAMES.intersection(names.lower().split()):
                self.tags.setdefault(name, content)


def _value(tag: Tag, name: str) -> str | None:
    """Returns the value of an attribute on one line, without unprintable characters and cut to a maximum length; None
    if nothing is left.
    """
    return _clean(unescape_attribute(tag.attributes.get(name, "")[:_WRITTEN_MAX]))


def _first(tags: Mapping[str, str], *names: str) -> str | None:
    return next((tags[name] for name in names if name in tags), None)


def _clean(text: str) -> str | None:
    return printable(text)[:PREVIEW_TEXT_MAX_LENGTH] or None


def _base_url(url: str, href: str | None) -> str:
    return (_joined(url, href) or url) if href else url


def _joined(base: str, address: str | None) -> str | None:
    """Returns an absolute URL without its fragment; None for one that is too long or not of HTTP."""
    if address is None:
        return None
    try:
        joined = quote(urljoin(base, address).partition("#")[0], safe="%/:=&?~+!$,;'@()*[]|")
    except ValueError:
        return None
    return joined if len(joined) <= PREVIEW_TEXT_MAX_LENGTH and joined.startswith(("https://", "http://")) else None
