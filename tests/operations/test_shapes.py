"""The types of what clients send for a command, which are made from its fields."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest

from talkwire.core.commands.command import Change
from talkwire.core.commands.meanings import a_number, a_text
from talkwire.core.domain.errors import ChatError
from talkwire.operations.shapes import Shape, given_type, values_of
from talkwire.payloads.payload import Payload


class Invite(Change[None], frozen=True, tag="TestInvite"):
    room_id: str
    title: Annotated[str, a_text("Its title", longest=5, shortest=1)]
    seats: Annotated[int, a_number("How many come", 1, 9)] = 2
    ends_ms: int | None = None
    source: str | None = None


def _given(name: str, **options: bool) -> tuple[type[msgspec.Struct], dict[str, str]]:
    given = given_type(Invite, Shape(name, "An invitation.", ("room_id",), **options), Payload, "here", ("source",))
    return given.type, dict(given.fields)


def test_a_type_has_the_fields_of_its_command_as_members() -> None:
    type_, fields = _given("First")
    payload = msgspec.convert({"roomId": "r", "title": "T", "endsAt": "2030-01-31T12:00:00Z"}, type_)
    made = Invite(**values_of(payload, fields))
    assert made == Invite("r", "T", 2, 1_896_091_200_000)


def test_meanings_and_bounds_are_described_and_not_checked() -> None:
    type_, fields = _given("Second")
    (schema,), components = msgspec.json.schema_components([type_])
    described = components["Second"]
    assert list(described["properties"]) == ["title", "seats", "endsAt", "roomId"]
    assert described["description"] == "An invitation."
    assert described["properties"]["seats"] == {
        "description": "How many come",
        "type": "integer",
        "minimum": 1,
        "maximum": 9,
        "default": 2,
    }
    payload = msgspec.convert({"roomId": "r", "title": "too long", "seats": 12}, type_)
    assert values_of(payload, fields)["seats"] == 12
    assert schema


def test_a_text_that_is_no_time_is_refused_by_the_name_of_its_member() -> None:
    type_, fields = _given("Third")
    payload = msgspec.convert({"roomId": "r", "title": "T", "endsAt": "soon"}, type_)
    with pytest.raises(ChatError, match="endsAt"):
        values_of(payload, fields)


@pytest.mark.parametrize("unknown", ["source", "ends_ms", "other"])
def test_what_is_no_member_is_refused_unless_the_shape_is_tolerant(unknown: str) -> None:
    sent = {"roomId": "r", "title": "T", unknown: "x"}
    strict, _ = _given("Fourth")
    with pytest.raises(msgspec.ValidationError, match=unknown):
        msgspec.convert(sent, strict)
    tolerant, fields = _given("Fifth", tolerant=True)
    assert values_of(msgspec.convert(sent, tolerant), fields)["title"] == "T"


def test_commands_with_the_same_members_share_a_type_and_others_may_not() -> None:
    first, again = (given_type(Invite, Shape("Shared"), Payload, "here").type for _ in range(2))
    assert first is again
    with pytest.raises(TypeError, match="Invite has not the members of the type Shared"):
        given_type(Invite, Shape("Shared"), Payload, "here", without=("seats",))
