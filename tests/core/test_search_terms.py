"""Parsing and matching of search queries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.search.search_terms import SearchPhrase, terms_of

TYPED = [
    ("hello", [SearchPhrase(("hello",), open_ended=True)]),
    ("hello world", [SearchPhrase(("hello",)), SearchPhrase(("world",), open_ended=True)]),
    ("hello world!", [SearchPhrase(("hello",)), SearchPhrase(("world",), open_ended=True)]),
    ("hello a", [SearchPhrase(("hello",)), SearchPhrase(("a",))]),
    ('"hello world"', [SearchPhrase(("hello", "world"))]),
    ('"hello wor', [SearchPhrase(("hello", "wor"))]),
    (
        'one "two three" fo',
        [SearchPhrase(("one",)), SearchPhrase(("two", "three")), SearchPhrase(("fo",), open_ended=True)],
    ),
    ('one "two" ', [SearchPhrase(("one",)), SearchPhrase(("two",))]),
    ("a@b.example", [SearchPhrase(("a", "b", "example"), open_ended=True)]),
    ("東京大学", [SearchPhrase(("東京", "京大", "大学"), open_ended=True)]),
    ("東", [SearchPhrase(("東",), open_ended=True)]),
    ("東 x", [SearchPhrase(("東",), open_ended=True), SearchPhrase(("x",))]),
    ('"価格iphone"', [SearchPhrase(("価格", "格", "iphone"))]),
    ("same same", [SearchPhrase(("same",)), SearchPhrase(("same",), open_ended=True)]),
    ("same same x", [SearchPhrase(("same",)), SearchPhrase(("x",))]),
]


@pytest.mark.parametrize(("text", "phrases"), TYPED)
def test_a_search_asks_for_these_phrases(text: str, phrases: list[SearchPhrase]) -> None:
    assert list(terms_of("q", text).phrases) == phrases


@pytest.mark.parametrize("text", ["", " ", "?!", '""', "x" * 1001, "a " * 65])
def test_a_search_without_words_or_with_too_many_is_refused(text: str) -> None:
    with pytest.raises(ChatError, match=r"^q: "):
        terms_of("q", text)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("one two three", '"one two" thr'),
        ("one two one three", '"one three"'),
        ("価格iPhone", "価格iphone"),
        ("東京大学", "京大"),
    ],
)
def test_a_text_matches_its_phrases(text: str, typed: str) -> None:
    assert terms_of("q", typed).are_in(text)


@pytest.mark.parametrize(
    ("text", "typed"),
    [("one two three", '"two one"'), ("one x two", '"one two"'), ("one", '"one two"'), ("東京 大学", "京大")],
)
def test_a_text_with_another_order_of_words_does_not_match(text: str, typed: str) -> None:
    assert not terms_of("q", typed).are_in(text)


@given(st.text(max_size=100))
def test_a_text_matches_itself(text: str) -> None:
    try:
        terms = terms_of("q", text.replace('"', " "))
    except ChatError:
        return
    assert terms.are_in(text)
