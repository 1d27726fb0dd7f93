from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import FOR_EVER_MS
from talkwire.core.domain.times import LAST_TIME_MS, bound_ms_of, check_time, iso, iso_end, iso_or_none, ms_of


@given(st.integers())
def test_every_number_is_shown_as_some_time(ms: int) -> None:
    assert 0 <= ms_of("place", iso(ms)) <= LAST_TIME_MS
    assert (iso_end(ms) is None) == (ms >= FOR_EVER_MS)


@given(st.integers(0, LAST_TIME_MS))
def test_a_valid_time_is_shown_as_it_was_written(ms: int) -> None:
    check_time("place", ms)
    assert ms_of("place", iso(ms)) == ms


@given(st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()) | st.text(max_size=40))
def test_every_accepted_time_can_be_shown(text: str) -> None:
    try:
        ms = ms_of("place", text)
    except ChatError:
        return
    assert ms_of("place", iso(ms)) == ms


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "1969-12-31T23:59:59.999999Z"]
)
def test_times_out_of_range_are_refused_with_the_range(text: str) -> None:
    with pytest.raises(ChatError, match=r"place: must be a time from 1970-01-01T00:00:00.000Z to 9999-12-31T23"):
        ms_of("place", text)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0001-01-01T00:00:00Z", 0),
        ("0001-01-01T00:00:00+23:59", 0),
        ("2030-01-31T12:00:00Z", 1_896_091_200_000),
        ("9999-12-31T23:59:59-23:59", LAST_TIME_MS),
    ],
)
def test_a_bound_out_of_range_is_the_nearest_that_is_in_range(text: str, ms: int) -> None:
    assert bound_ms_of("place", text) == ms


def test_a_bound_that_is_no_time_is_refused() -> None:
    with pytest.raises(ChatError, match="place: must be a time in ISO 8601"):
        bound_ms_of("place", "yesterday")


def test_fractions_of_a_millisecond_are_dropped() -> None:
    assert ms_of("place", "9999-12-31T23:59:59.9999Z") == LAST_TIME_MS


def test_no_time_is_written_as_none() -> None:
    assert (iso_or_none(None), iso_or_none(0)) == (None, "1970-01-01T00:00:00.000Z")
