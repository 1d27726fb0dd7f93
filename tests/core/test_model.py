from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.domain.model import is_valid_id

SAFE_INTEGER_MAX = 2**53 - 1
"""The largest integer that JavaScript represents exactly."""


@pytest.mark.parametrize(
    "value", ["a", "1", "talk-123", "507f1f77bcf86cd799439011", "a@b.example", "\u00e9", "\U0001f600", "x" * 128, "Me"]
)
def test_an_applications_ids_are_kept_as_they_are(value: str) -> None:
    assert is_valid_id(value)


@pytest.mark.parametrize(
    "value",
    ["", "x" * 129, "a/b", "a b", "a\n", "\t", "\x00", "\x7f", "\x85", "\u2028", "\u00a0", "\ud800", "me", "online"],
)
def test_texts_that_do_not_fit_into_a_path_are_invalid_ids(value: str) -> None:
    assert not is_valid_id(value)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp"), exclude_characters="/")))
def test_any_printable_text_of_the_right_length_is_an_id(value: str) -> None:
    assert is_valid_id(value) == (1 <= len(value) <= 128 and value not in {"me", "online"})
