from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import msgspec
import pytest

from talkwire.core.domain.search.name_search import LATER_WORDS_MAX, found_part, later_parts, search_name
from talkwire.core.domain.texts import NAME_MAX_LENGTH

FOUND = msgspec.json.decode((Path(__file__).parent / "found_names.json").read_bytes(), type=dict[str, list[str]])
"""Names, and texts that find them. The web client reads the same file (`name_search.test.ts`)."""


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("", []),
        ("anna", []),
        ("anna maria lindgren", ["maria lindgren", "lindgren"]),
        ("  anna\tlindgren ", ["lindgren"]),
        ("Jean-Luc O'Brien", ["luc o brien", "o brien", "brien"]),
        ("#order_7 (new)", ["7 new", "new"]),
        ("a🚀b", ["🚀 b", "b"]),
        ("cafe\u0301 x", ["x"]),
        ("नमस्ते जी", ["जी"]),
    ],
)
def test_parts_start_at_later_words(name: str, parts: list[str]) -> None:
    assert later_parts(search_name(name)) == parts


def test_a_name_of_many_words_has_few_parts() -> None:
    assert len(later_parts("x" + " x" * 100)) == LATER_WORDS_MAX


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


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in FOUND.items() for text in texts])
def test_a_name_is_found_however_it_is_written(name: str, text: str) -> None:
    assert found_part(search_name(name), search_name(text)) is not None
    for form in ("NFC", "NFD"):
        assert search_name(normalize(form, name)) == search_name(name)


@pytest.mark.parametrize("text", ["(*)", "...", " -!- "])
def test_a_text_without_a_letter_finds_only_names_that_start_with_it(text: str) -> None:
    assert found_part(search_name(f"{text}{text}"), search_name(text)) is not None
    assert found_part(search_name("Anna"), search_name(text)) is None


def test_the_folded_form_of_a_name_is_not_longer_than_a_name() -> None:
    assert len(search_name("\ufdfa" * NAME_MAX_LENGTH)) <= NAME_MAX_LENGTH
