"""Positions of several logs, and the ids computed from them, differ and can be told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.domain.log.positions import (
    LOG_SPAN,
    LOGS_MAX,
    begins_after,
    id_at,
    is_own_id,
    log_of,
    own_id_at,
    pos_of,
)
from talkwire.core.domain.model import SAFE_INTEGER_MAX, is_valid_id

_FIRST_OWN = int(own_id_at(0))

_logs = st.integers(0, LOGS_MAX - 1)
_places = st.integers(0, 100) | st.integers(0, LOG_SPAN - 1)
"""Places within a log; 0 is before its first event."""


@given(_logs, _places)
def test_a_position_tells_its_log(log: int, place: int) -> None:
    assert log_of(begins_after(log) + place) == log


@given(_logs, _places)
def test_an_id_tells_its_position_and_is_safe_in_javascript(log: int, place: int) -> None:
    pos = begins_after(log) + place
    assert pos_of(id_at(pos)) == pos
    assert 0 < id_at(pos) < _FIRST_OWN


@given(_logs, _places)
def test_our_own_ids_are_known_as_such_and_safe_in_javascript(log: int, place: int) -> None:
    own = own_id_at(begins_after(log) + place)
    assert is_own_id(own)
    assert is_valid_id(own)
    assert int(own) <= SAFE_INTEGER_MAX


@given(st.integers(0, _FIRST_OWN - 1) | st.integers(_FIRST_OWN + 10**15, 10**30))
def test_an_applications_numbers_are_not_ours(number: int) -> None:
    assert not is_own_id(str(number))


@pytest.mark.parametrize("value", ["", "alice", "-1", "8e15", "\u0668" + "0" * 15, "8000000000000000.0"])
def test_only_digits_can_be_an_id_of_ours(value: str) -> None:
    assert not is_own_id(value)


def test_ids_in_use_stay_as_they_are() -> None:
    """Applications store them, so their form is a promise."""
    assert (id_at(1), own_id_at(1)) == (1_000_000_000_001, "8000000000000001")
