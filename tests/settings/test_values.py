from __future__ import annotations

from datetime import timedelta

import pytest

from talkwire.settings.model import LogLevel
from talkwire.settings.values import parse_duration, parse_value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("1h", 3600), ("30d", 2_592_000), ("2w", 1_209_600), ("1h30m", 5400), ("0s", 0)],
)
def test_a_duration_has_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "1", "h", "1 h", "-1h", "1.5h", "1y", "1hm", "999999999999d", "\u0661h"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|too long"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("kind", "value", "parsed"),
    [
        (int, "3000", 3000),
        (int, 3001, 3001),
        (float, "2.5", 2.5),
        (float, 2, 2.0),
        (bool, "on", True),
        (bool, "OFF", False),
        (bool, "1", True),
        (bool, "no", False),
        (bool, True, True),
        (tuple[str, ...], "a, b,,c ", ("a", "b", "c")),
        (tuple[str, ...], ["a,b"], ("a,b",)),
        (tuple[str, ...] | str | None, "a, b", ("a", "b")),
        (tuple[str, ...] | str | None, ["a,b"], ("a,b",)),
        (frozenset[str], "a,a", frozenset({"a"})),
        (frozenset[str], [], frozenset()),
        (LogLevel, "Debug", "debug"),
        (str | None, "", ""),
        (timedelta, "1h", timedelta(hours=1)),
    ],
)
def test_texts_and_toml_values_are_both_taken(kind: object, value: object, parsed: object) -> None:
    assert parse_value(kind, value) == parsed


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (int, "abc", "must be a whole number"),
        (int, "-1", "must be a whole number"),
        (int, "1_0", "must be a whole number"),
        (int, True, "must be a whole number"),
        (int, 1.5, "must be a whole number"),
        (float, "nan", "must be a number"),
        (float, "1e9", "must be a number"),
        (bool, "maybe", "must be on or off"),
        (bool, 1, "must be on or off"),
        (tuple[str, ...], [1], "must be a list of texts"),
        (tuple[str, ...], {"a": "b"}, "must be a list of texts"),
        (str | None, 5, "must be a text"),
        (timedelta, 3600, "must be a duration"),
        (LogLevel, "loud", "must be one of debug, info, warning, error"),
    ],
)
def test_invalid_values_are_refused_with_the_reason(kind: object, value: object, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        parse_value(kind, value)
