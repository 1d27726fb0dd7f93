from __future__ import annotations

import pytest

from talkwire.core.domain.search.name_search import LATER_WORDS_MAX, found_part, later_parts


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("", []),
        ("anna", []),
        ("anna maria lindgren", ["maria lindgren", "lindgren"]),
        ("  anna\tlindgren ", ["anna\tlindgren ", "lindgren "]),
        ("jean-luc o'brien", ["luc o'brien", "o'brien", "brien"]),
        ("#order_7 (new)", ["order_7 (new)", "7 (new)", "new)"]),
        ("a🚀b", ["b"]),
        ("cafe\u0301 x", ["x"]),
        ("नमस्ते जी", ["जी"]),
    ],
)
def test_parts_start_at_later_words(name: str, parts: list[str]) -> None:
    assert later_parts(name) == parts


def test_a_name_of_many_words_has_few_parts() -> None:
    assert len(later_parts(" x" * 100)) == LATER_WORDS_MAX


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "ann lee annasson"),
        ("ann", "ann lee annasson"),
        ("anna", "annasson"),
        ("le", "lee annasson"),
        ("ee", None),
    ],
)
def test_a_text_finds_the_beginning_of_a_word(text: str, part: str | None) -> None:
    assert found_part("ann lee annasson", text) == part


def test_of_later_words_the_first_in_order_is_found() -> None:
    assert found_part("bo annasson ann", "ann") == "ann"
