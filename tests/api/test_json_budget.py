from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.api.http.json_budget import CONTAINERS_MAX, EXPONENTS_MAX, check_budget
from talkwire.core.domain.errors import ChatError
from tests.processor_time import at_most

SIZE = 256 * 1024


def _filled(literal: bytes) -> bytes:
    return b"[" + b",".join([literal] * ((SIZE - 2) // (len(literal) + 1))) + b"]"


@pytest.mark.parametrize("literal", [b"1e308", b"5E-324", b"1.7976931348623157e+308", b"[]", b'{"a":1}', b"1e308 "])
def test_expensive_json_is_refused(literal: bytes) -> None:
    with pytest.raises(ChatError):
        check_budget(_filled(literal))


@pytest.mark.parametrize(
    "body",
    [
        _filled(b"1"),
        _filled(b'"[{"'),
        _filled(b'"1e308, 1e308]"'),
        msgspec.json.encode("[" * 60_000 + '"\\{' * 10_000),
        b"[" * CONTAINERS_MAX + b"]" * CONTAINERS_MAX,
        b"[" + b"1e9," * (EXPONENTS_MAX - 1) + b"1e9]",
    ],
)
def test_the_contents_of_strings_do_not_count(body: bytes) -> None:
    check_budget(body)


@pytest.mark.parametrize(
    "unit", [b'"', b"\\", b'\\"', b"[", b"1e", b"1e1", b"1e1,", b'"a",', b'"",', b'"\\\\",[', b'"[1e308,']
)
def test_the_check_takes_linear_time(unit: bytes) -> None:
    body = (unit * SIZE)[:SIZE]
    with at_most(0.25), contextlib.suppress(ChatError):
        check_budget(body)


@given(st.lists(st.text() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(), max_size=20))
def test_ordinary_json_is_within_the_budget(value: list[object]) -> None:
    check_budget(msgspec.json.encode(value))
