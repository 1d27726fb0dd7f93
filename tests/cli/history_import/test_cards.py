"""Cards of Slack, Mattermost and Rocket.Chat, as quotes in Markdown."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.cli.history_import.cards import card_as_quote, says, says_in_parts

PAGE = "https://a.example"


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (
            {"footer": "f", "text": "x\n\ny", "title": "t", "author_name": "a\nb", "pretext": "p"},
            "> p\n> **a b**\n> t\n> x\n> \n> y\n> f",
        ),
        (
            {"title": "t", "title_link": PAGE, "author_name": "a", "author_link": PAGE},
            f"> **[a]({PAGE})**\n> [t]({PAGE})",
        ),
        ({"title": "t", "title_link": "javascript:x", "author_link": PAGE}, "> t"),
        ({"fields": [{"title": "F", "value": "v"}, {"value": 1.5}, {"title": "G"}, {}, 7]}, "> F: v\n> 1.5\n> G"),
        ({"fallback": "x"}, "> x"),
        ({"fallback": "x", "image_url": PAGE}, f"> [x]({PAGE})"),
        ({"fallback": "x", "text": "y", "image_url": PAGE}, f"> y\n> {PAGE}"),
        ({"title": "t", "title_link": PAGE, "image_url": PAGE}, f"> [t]({PAGE})"),
        ({"actions": [{"name": "Yes"}, {"text": "No", "url": PAGE}]}, f"> Yes · [No]({PAGE})"),
        ({"text": 1, "fields": "x", "actions": {}}, ""),
    ],
)
def test_a_card_becomes_a_quote(card: dict[str, Any], expected: str) -> None:
    assert card_as_quote(card, str) == expected


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("**Deploy** _done_: [log](https://a.example)", "Deploy done", True),
        ("1. one\n2. two", "• one\n• two", True),
        ("> one :tada:\n> two", "one two", True),
        ("anything", "", True),
        ("deployed", "deploy", False),
        ("one three two", "one two", False),
        ("one three two", "two three", False),
    ],
)
def test_words_are_found_in_whatever_format(text: str, words: str, *, expected: bool) -> None:
    assert says(text, words) is expected
    assert says_in_parts(text, words) is (expected or words == "one two")
