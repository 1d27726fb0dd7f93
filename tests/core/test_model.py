from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.commands.command import Command
from talkwire.core.domain import model
from talkwire.core.domain.events import DurableEvent, EphemeralEvent
from talkwire.core.domain.model import OWN_ID_BASE, is_own_id, is_valid_id
from talkwire.payloads.payload import Payload

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


@given(st.integers(0, 10**12))
def test_our_own_ids_are_known_as_such_and_safe_in_javascript(pos: int) -> None:
    own = OWN_ID_BASE + pos
    assert is_own_id(str(own))
    assert is_valid_id(str(own))
    assert own <= SAFE_INTEGER_MAX


@given(st.integers(0, OWN_ID_BASE - 1) | st.integers(OWN_ID_BASE + 10**15, 10**30))
def test_an_applications_numbers_are_not_ours(number: int) -> None:
    assert not is_own_id(str(number))


@pytest.mark.parametrize("value", ["", "alice", "-1", "8e15", "\u0668" + "0" * 15, "8000000000000000.0"])
def test_only_digits_can_be_an_id_of_ours(value: str) -> None:
    assert not is_own_id(value)


def test_the_garbage_collector_does_not_examine_values() -> None:
    entities = [each for each in vars(model).values() if isinstance(each, type) and each.__module__ == model.__name__]
    structs = [each for each in entities if issubclass(each, msgspec.Struct)]
    for base in (Command, DurableEvent, EphemeralEvent, Payload):
        structs += _subclasses(base)
    assert [each.__name__ for each in structs if each.__struct_config__.gc] == []


def _subclasses(base: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    return [base, *(each for direct in base.__subclasses__() for each in _subclasses(direct))]
