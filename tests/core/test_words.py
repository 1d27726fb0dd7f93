"""Words of texts in many scripts."""
# ruff: noqa: RUF001 (letters that look like others are what this is about)

from __future__ import annotations

from itertools import groupby
from typing import Literal
from unicodedata import combining, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.domain.search.words import COMBINING_MARKS_MAX, INDEXED_WORD_MAX_LENGTH, fold, words_of
from tests.processor_time import at_most

TABLE = [
    ("", ""),
    ("!? -_.", ""),
    ("Hello, World_2", "hello world 2"),
    ("Straße GRÜSSE", "strasse grusse"),
    ("Łódź smørrebrød Æsop cœur", "lodz smorrebrod aesop coeur"),
    ("İstanbul ISPARTA ısparta", "istanbul isparta isparta"),
    ("ΟΔΥΣΣΕΎΣ Ὀδυσσεύς", "οδυσσευσ οδυσσευσ"),
    ("Ёлка ВСЁ", "елка все"),
    ("السَّلَامُ كـــتاب أحمد", "السلام كتاب احمد"),
    ("شَاهِدَتْ كِتَاب کتاب ڪتاب", "شاهدت كتاب كتاب كتاب"),
    ("علي علی على ﻋﻠﻲ", "علي علي علي علي"),
    ("مدرسه مدرسة", "مدرسه مدرسه"),
    ("الله اللہ اللھ خانۀ خانهٔ خانۂ", "الله الله الله خانه خانه خانه"),
    ("ٱلكتاب آب أب إب", "الكتاب اب اب اب"),
    ("می\u200cشود ۳۴ ٣٤", "ميشود 34 34"),
    ("שָׁלוֹם", "שלום"),
    ("٣٤ ３４", "34 34"),
    ("𝐀𝐛𝐜 ﬁne x²", "abc fine x2"),
    ("co\u00adoperate zero\u200bwidth", "cooperate zero width"),
    ("हिन्दी में", "हिन्दी में"),
    ("東京大学", "東京 京大 大学 学"),
    ("東", "東"),
    ("iPhoneの価格", "iphone の価 価格 格"),
    ("ｶﾞｷ がき かき", "ガキ キ がき き かき き"),
    ("한국어", "한국 국어 어"),
    ("สวัส", "สว วั ัส ส"),
    ("👍🏽 👨\u200d👩\u200d👧 a🎉b 🇩🇪", "👍 👨 👩 👧 a 🎉 b 🇩 🇪"),
    ("1\ufe0f\u20e3", "1"),
    ("https://example.com/a_b?x=1#t", "https example com a b x 1 t"),
    ("Alice.Smith@Example.COM", "alice smith example com"),
    ("e\u0301 é", "e e"),
    ("\ud7ff \ue000x\uffff", "x"),
]


@pytest.mark.parametrize(("text", "words"), TABLE)
def test_a_text_has_these_words(text: str, words: str) -> None:
    assert words_of(text) == words.split()


def test_a_long_word_is_cut() -> None:
    assert words_of("x" * 5000 + " " + "ä" * 5000) == ["x" * INDEXED_WORD_MAX_LENGTH, "a" * INDEXED_WORD_MAX_LENGTH]


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_a_text_has_the_same_words_without_its_case(text: str) -> None:
    assert words_of(text.casefold()) == words_of(text)


@given(st.text())
def test_words_hold_nothing_that_an_index_could_misread(text: str) -> None:
    """Neither white space nor quotes nor any other character with a meaning in the databases' query languages."""
    for word in words_of(text):
        assert 0 < len(word) <= INDEXED_WORD_MAX_LENGTH
        assert not word.isspace()
        assert not set(word) & set(" \t\n\"'\\()&|!:*<>^-+\x00")


@given(st.text(st.characters(max_codepoint=127)))
def test_the_short_way_for_ascii_does_what_the_long_one_does(text: str) -> None:
    assert words_of(text + " \u00e9") == [*words_of(text), "e"]


_MARKS = "\u0315\u0300\u0344\u0f73\u3099\u094d"  # of many classes; some decompose into several
_DROPPED = "\u200d\u0640\u034f"  # these disappear, so that the characters around them become neighbours


@given(st.text(st.sampled_from(_MARKS + _DROPPED + "a\u1f82 \u2026\ufdfa"), max_size=300))
def test_no_run_of_marks_is_long_where_a_text_is_normalised(text: str) -> None:
    """Sorting a run of marks takes quadratic time."""
    longest = 0

    def record(form: Literal["NFC", "NFKD"], given: str) -> str:
        nonlocal longest
        decomposed = normalize("NFKD", given)
        longest = max(longest, *(len(list(run)) for marks, run in groupby(decomposed, combining) if marks), 0)
        return normalize(form, given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("talkwire.core.domain.search.words.normalize", record)
        words_of(text)
    assert longest <= 2 * COMBINING_MARKS_MAX


def test_marks_beyond_what_any_language_needs_are_ignored() -> None:
    assert words_of("x\u094d" + "\u094d" * 100 + " y") == words_of("x\u094d" + "\u094d" * 1000 + " y")
    assert words_of("e\u0301" + "\u0302" * 1000) == ["e"]


@pytest.mark.parametrize(
    "character", ["\u0315\u0300", "\u094d\u3099", "\u0f73", "\ufdfa", "\U0001f389", "\u1f82", "漢"]
)
def test_the_largest_text_is_cut_into_words_within_a_budget(character: str) -> None:
    text = "a" + character * (64 * 1024 // len(character.encode()))
    with at_most(0.5):
        words_of(text)
