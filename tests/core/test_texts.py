from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.texts import (
    NESTING_MAX,
    TEXT_MAX_BYTES,
    check_content,
    check_id,
    check_name,
    check_text,
    json_fits,
)


def _refusal(check: Callable[..., object], *arguments: object) -> ChatError:
    with pytest.raises(ChatError) as refused:
        check("place", *arguments)
    return refused.value


def _is_accepted(check: Callable[..., object], value: object) -> bool:
    try:
        check("place", value)
    except ChatError:
        return False
    return True


@given(st.text(st.characters(exclude_categories=())))
def test_a_text_is_accepted_exactly_when_both_databases_can_keep_it(value: str) -> None:
    try:
        storable = b"\x00" not in value.encode()
    except UnicodeEncodeError:
        storable = False
    assert _is_accepted(check_text, value) == storable


def test_a_refusal_names_the_path_and_the_reason() -> None:
    refusal = _refusal(check_text, "a\x00")
    assert refusal.code == "invalid_request"
    assert refusal.details == [{"path": "place", "message": "must not contain U+0000"}]


@pytest.mark.parametrize("value", ["", " ", "\u3000", "x" * 201, "a\x00"])
def test_a_name_is_neither_empty_nor_too_long(value: str) -> None:
    assert _refusal(check_name, value).code == "invalid_request"
    check_name("place", "\u00e9" * 200)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "invalid_request"),
        (" \t\u2028", "invalid_request"),
        ("x" * (TEXT_MAX_BYTES + 1), "payload_too_large"),
        ("\u00e9" * (TEXT_MAX_BYTES // 2 + 1), "payload_too_large"),
        ("\U0001f600" * (TEXT_MAX_BYTES // 4 + 1), "payload_too_large"),
    ],
    ids=["empty", "blank", "ascii", "two bytes", "four bytes"],
)
def test_a_messages_text_is_not_blank_and_not_too_long(value: str, code: str) -> None:
    assert _refusal(check_content, value).code == code


@pytest.mark.parametrize(("character", "size"), [("x", 1), ("\u00e9", 2), ("\u20ac", 3), ("\U0001f600", 4)])
def test_a_messages_text_is_measured_in_bytes(character: str, size: int) -> None:
    check_content("place", character * (TEXT_MAX_BYTES // size))


def test_an_id_is_checked_by_its_form() -> None:
    check_id("place", "talk-123")
    assert _refusal(check_id, "a/b").code == "invalid_request"


def _nested(depth: int) -> object:
    value: object = "x"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def test_json_is_nested_so_deep_and_no_deeper() -> None:
    assert json_fits("place", _nested(NESTING_MAX), 10_000)
    assert _refusal(json_fits, _nested(NESTING_MAX + 1), 10_000).code == "invalid_request"
    assert _refusal(json_fits, _nested(900), 10_000).code == "invalid_request"


@pytest.mark.parametrize("value", ["\x00", ["a", "\ud800"], {"a": {"\x00": 1}}, {"a": [{"b": "\udfff"}]}])
def test_each_text_in_json_is_checked_keys_too(value: object) -> None:
    assert _refusal(json_fits, value, 10_000).code == "invalid_request"


@pytest.mark.parametrize("value", [b"", ["a", b"x"], {"a": {"b": b"x"}}, [bytes(1_000_000)] * 10_000, bytearray(1)])
def test_binary_values_are_not_json(value: object) -> None:
    assert _refusal(json_fits, value, 10_000).code == "invalid_request"


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda children: st.lists(children) | st.dictionaries(st.text('abc\u00e9"'), children),
)


@given(_JSON)
def test_a_value_is_measured_as_it_is_written(value: object) -> None:
    size = len(msgspec.json.encode(value))
    assert json_fits("place", value, size)
    assert not json_fits("place", value, size - 1)


class _Counted(list[object]):
    """A list that counts how many of its items were looked at."""

    looked_at = 0

    def __iter__(self) -> Iterator[object]:
        for item in super().__iter__():
            self.looked_at += 1
            yield item


@pytest.mark.parametrize("item", [0, "", [], {}, 1.5, None])
def test_looking_at_a_value_ends_where_it_is_too_large(item: object) -> None:
    values = _Counted([item] * 1_000_000)
    assert not json_fits("place", [values], 1_000)
    assert values.looked_at <= 1_001
