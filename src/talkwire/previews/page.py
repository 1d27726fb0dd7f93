"""Extracts the preview of an HTML page: from Open Graph tags, else from Twitter's card tags, else its title and
description.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

TEXT_MAX = 1000
"""Characters of a text that are looked at."""

URL_MAX = 2000

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([a-zA-Z0-9_.:-]{1,40})", re.IGNORECASE)
_BLANK = re.compile(r"\s+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, and characters that change the writing direction."""


@dataclass(frozen=True, slots=True)
class LinkedPage:
    """The title, description, site name and picture that an HTML page declares. `image_url` is an absolute URL."""

    title: str
    description: str | None = None
    site_name: str | None = None
    image_url: str | None = None


def page_of(body: bytes, charset: str | None, url: str) -> LinkedPage | None:
    """Returns the title, description, site name and picture that an HTML page declares; None for a page without a
    title.

    `body` is the beginning of the page at `url`; `charset` is from the response's header, None if it has none.
    """
    tree = LexborHTMLParser(_decoded(body, charset))
    tags = _meta(tree)
    title = tree.css_first("title")
    shown = _first(tags, "og:title", "twitter:title") or _clean(None if title is None else title.text())
    if shown is None:
        return None
    description = _first(tags, "og:description", "twitter:description", "description")
    image = _first(tags, "og:image:secure_url", "og:image:url", "og:image", "twitter:image", "twitter:image:src")
    return LinkedPage(
        title=shown,
        description=None if description == shown else description,
        site_name=_first(tags, "og:site_name", "application-name"),
        image_url=_joined(url, image),
    )


def _decoded(body: bytes, charset: str | None) -> str:
    declared = _CHARSET.search(body[:2048])
    for name in (charset, None if declared is None else declared[1].decode("ascii")):
        if name is not None:
            try:
                return body.decode(name, errors="replace")
            except (LookupError, ValueError):  # an unknown name, or one that is no text encoding
                continue
    return body.decode("utf-8", errors="replace")


def _meta(tree: LexborHTMLParser) -> Mapping[str, str]:
    """Returns the contents of the page's `<meta>` tags by name or property in lower case; the first one if a name
    repeats.
    """
    tags: dict[str, str] = {}
    for node in tree.css("meta[content]"):
        attributes = node.attributes
        name = (attributes.get("property") or attributes.get("name") or "").strip().lower()
        text = _clean(attributes.get("content"))
        if name and text is not None:
            tags.setdefault(name, text)
    return tags


def _first(tags: Mapping[str, str], *names: str) -> str | None:
    return next((tags[name] for name in names if name in tags), None)


def _clean(text: str | None) -> str | None:
    """Returns a text on one line, without unprintable characters and cut to a maximum length; None if nothing is
    left.
    """
    if text is None:
        return None
    return _UNPRINTABLE.sub("", _BLANK.sub(" ", text[: 2 * URL_MAX])).strip()[:URL_MAX] or None


def _joined(url: str, image: str | None) -> str | None:
    if image is None:
        return None
    try:
        joined = urljoin(url, image)
    except ValueError:
        return None
    return joined if len(joined) <= URL_MAX and joined.startswith(("https://", "http://")) else None
