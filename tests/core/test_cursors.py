"""Cursors with the positions of one log and of several."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.domain.log.cursors import CURSOR_MAX_LENGTH, CursorEntry, cursor_of, parse_cursor
from talkwire.core.domain.log.positions import LOG_SPAN, LOGS_MAX, begins_after, log_of

_epochs = st.text("abc-019", min_size=1, max_size=32)
_entries = st.lists(
    st.builds(
        lambda log, epoch, place, counter: CursorEntry(epoch, begins_after(log) + place, counter),
        st.integers(0, LOGS_MAX - 1),
        _epochs,
        st.integers(0, LOG_SPAN - 1),
        st.none() | st.integers(0, 99),
    ),
    min_size=1,
    unique_by=lambda entry: log_of(entry.pos),
)


def _text(entries: list[CursorEntry]) -> str:
    text, written = "", list[CursorEntry]()
    for entry in entries:
        text = cursor_of(entry.epoch, entry.pos, written, counter=entry.counter)
        written.append(entry)
    return text


@given(_entries)
def test_a_cursor_is_read_as_it_was_written(entries: list[CursorEntry]) -> None:
    text = _text(entries)
    assert parse_cursor(text) == entries
    assert len(text) <= CURSOR_MAX_LENGTH


@given(_entries, _epochs, st.integers(0, LOGS_MAX - 1), st.integers(0, LOG_SPAN - 1))
def test_a_new_position_replaces_that_of_its_log_and_stands_last(
    entries: list[CursorEntry], epoch: str, log: int, place: int
) -> None:
    pos = begins_after(log) + place
    others = [entry for entry in entries if log_of(entry.pos) != log]
    assert parse_cursor(cursor_of(epoch, pos, entries)) == [*others, CursorEntry(epoch, pos)]


@pytest.mark.parametrize(
    "text",
    ["", "-", "e", "e-", "-1", "e-1.", "e-.1", "e-x", "e-\u0661", "e- 1", f"e-{'9' * 19}", "e-1,", ",e-1", "e-1,,f-2"],
)
def test_a_text_of_another_form_is_no_cursor(text: str) -> None:
    assert parse_cursor(text) is None


def test_two_positions_of_one_log_are_no_cursor() -> None:
    assert parse_cursor("e-1,f-2") is None
    assert parse_cursor(f"e-1,f-{begins_after(1)}") is not None


def test_a_cursor_of_more_logs_than_there_can_be_is_refused() -> None:
    entries = [f"e-{begins_after(log)}" for log in range(LOGS_MAX + 1)]
    assert parse_cursor(",".join(entries[:-1])) is not None
    assert parse_cursor(",".join(entries)) is None
