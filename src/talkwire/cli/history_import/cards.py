"""Converts cards to Markdown: the attachments that apps and links add to messages. Mattermost and Rocket.Chat have them
from Slack.

https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from talkwire.cli.history_import.archive import items_of, text_of
from talkwire.cli.history_import.texts import as_quote, markdown_link, storable

Convert = Callable[[str], str]

_WORD = re.compile(r"[^\W_]+")

_NOT_SAID = re.compile(r"^\s*(?:>\s*)*(?:\d{1,3}|[a-z]{1,4})[.)]\s|:[\w+'-]+:", re.MULTILINE)
"""Pattern of signs of lists, and of names of emoji."""

_DERIVED = frozenset({"button", "with", "interactive", "elements"})


def card_as_quote(card: dict[str, Any], convert: Convert, body: str = "", *, names_link: bool = True) -> str:
    """Returns a card as a quote: its texts in the order in which they are shown. `convert` makes Markdown of a text in
    the source system's markup. `body` is text of the card that the caller has converted. Without `names_link`, an
    author's name is no link."""
    shown = [line for line in _lines(card, convert, body, names_link=names_link) if line.strip()]
    image = text_of(card.get("image_url"))
    if _is_page(image) and image != text_of(card.get("title_link")):
        shown.append(image if shown else _linked(convert(text_of(card.get("fallback"))) or image, image))
    footer = convert(text_of(card.get("footer")))
    text = "\n".join([*shown, *filter(str.strip, [footer])]) or convert(text_of(card.get("fallback")))
    return as_quote(storable(text))


def says(text: str, words: str) -> bool:
    """Returns whether a text contains words one after the other, whatever their formatting is."""
    return f" {' '.join(_words(words))} ".replace("  ", " ") in f" {' '.join(_words(text))} "


def says_in_parts(text: str, words: str) -> bool:
    """Returns whether a text contains words in the same order, also with others between them. Does not look for the
    words that Slack adds where it derives a text from blocks."""
    left = iter(_words(text))
    return all(word in left for word in _words(words) if word not in _DERIVED)


def _words(text: str) -> list[str]:
    return _WORD.findall(_NOT_SAID.sub(" ", text).casefold())


def _lines(card: dict[str, Any], convert: Convert, body: str, *, names_link: bool) -> Iterator[str]:
    yield convert(text_of(card.get("pretext")))
    author = " ".join(text_of(card.get("author_name")).split())
    if author:
        yield f"**{_linked(author, card.get('author_link') if names_link else '')}**"
    title = convert(text_of(card.get("title")))
    yield _linked(title, card.get("title_link"))
    text = convert(text_of(card.get("text")))
    yield "" if body and says_in_parts(body, text) else text
    yield body
    yield from _fields(card, convert)
    yield " · ".join(_action(each, convert) for each in items_of(card.get("actions")))


def _action(button: dict[str, Any], convert: Convert) -> str:
    return _linked(convert(text_of(button.get("text")) or text_of(button.get("name"))), button.get("url"))


def _fields(card: dict[str, Any], convert: Convert) -> Iterator[str]:
    for each in items_of(card.get("fields")):
        given = each.get("value")
        name = convert(text_of(each.get("title")))
        value = convert(str(given) if isinstance(given, int | float) else text_of(given))
        yield f"{name}: {value}" if name.strip() and value.strip() else name or value


def _linked(label: str, address: object) -> str:
    return markdown_link(text_of(address), label) if label.strip() and _is_page(text_of(address)) else label


def _is_page(address: str) -> bool:
    return address.startswith(("http://", "https://"))
