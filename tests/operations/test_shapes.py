"""The types of what clients send for a command, which are made from its fields."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest

from talkwire.core.commands.command import Change
from talkwire.core.commands.meanings import a_number, a_text
from talkwire.core.domain.errors import ChatError
from talkwire.operations.shapes import (
    Given,
    InputMember,
    Moment,
    Shape,
    command_maker,
    fixed_values,
    given_by,
    given_type,
    parts_of,
    values_of,
)
from talkwire.payloads.payload import Payload


class Invite(Change[None], frozen=True, tag="TestInvite"):
    room_id: str
    title: Annotated[str, a_text("Its title", longest=5, shortest=1)]
    seats: Annotated[int, a_number("How many come", 1, 9)] = 2
    ends_ms: int | None = None
    source: str | None = None


def _given(name: str, **options: object) -> Given:
    shape = Shape(name, "An invitation.", ("room_id",), **options)  # type: ignore[arg-type]
    return given_type(shape, Payload, "here", parts_of(Invite, ("source",), {}, shape.times))


def test_a_type_has_the_fields_of_its_command_as_members() -> None:
    type_, parts = _given("First")
    payload = msgspec.convert({"roomId": "r", "title": "T", "endsAt": "2030-01-31T12:00:00Z"}, type_)
    made = Invite(**values_of(payload, parts))
    assert made == Invite("r", "T", 2, 1_896_091_200_000)


def test_meanings_and_bounds_are_described_and_not_checked() -> None:
    type_, parts = _given("Second")
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
    assert values_of(payload, parts)["seats"] == 12
    assert schema


def test_a_text_that_is_no_time_is_refused_by_the_name_of_its_member() -> None:
    type_, parts = _given("Third")
    payload = msgspec.convert({"roomId": "r", "title": "T", "endsAt": "soon"}, type_)
    with pytest.raises(ChatError, match="endsAt"):
        values_of(payload, parts)


@pytest.mark.parametrize("unknown", ["source", "ends_ms", "other"])
def test_what_is_no_member_is_refused_unless_the_shape_is_tolerant(unknown: str) -> None:
    sent = {"roomId": "r", "title": "T", unknown: "x"}
    strict, _ = _given("Fourth")
    with pytest.raises(msgspec.ValidationError, match=unknown):
        msgspec.convert(sent, strict)
    tolerant, parts = _given("Fifth", tolerant=True)
    assert values_of(msgspec.convert(sent, tolerant), parts)["title"] == "T"


def test_commands_with_the_same_members_share_a_type_and_others_may_not() -> None:
    first, again = (given_type(Shape("Shared"), Payload, "here", parts_of(Invite, ())).type for _ in range(2))
    assert first is again
    with pytest.raises(TypeError, match="the type Shared exists already"):
        given_type(Shape("Shared"), Payload, "here", parts_of(Invite, ("seats",)))


def test_a_type_that_is_written_by_hand_has_the_members_of_its_command() -> None:
    class Written(Payload, frozen=True):
        room_id: str
        title: str

    given = given_by(Written, parts_of(Invite, ("source", "seats", "ends_ms")))
    assert Invite(**values_of(Written("r", "T"), given.parts)) == Invite("r", "T")
    with pytest.raises(TypeError, match="Written has not the members room_id, title, seats"):
        given_by(Written, parts_of(Invite, ("source", "ends_ms")))


def test_a_member_may_have_another_name_type_and_default_than_the_field() -> None:
    members = {
        "seats": InputMember("guests", list[str], len, ("Ann",)),
        "source": InputMember(default="door"),
        "ends_ms": InputMember("closing"),
    }
    given = given_type(Shape("Renamed"), Payload, "here", parts_of(Invite, ("title",), members))
    payload = msgspec.convert({"roomId": "r", "guests": ["Ann", "Bob"], "closing": "2030-01-31T12:00:00Z"}, given.type)
    values = values_of(payload, given.parts)
    assert values == {"room_id": "r", "seats": 2, "source": "door", "ends_ms": 1_896_091_200_000}
    assert values_of(msgspec.convert({"roomId": "r"}, given.type), given.parts)["seats"] == 1


def test_times_may_be_given_as_datetimes() -> None:
    type_, parts = _given("Sixth", times=Moment)
    payload = msgspec.convert({"roomId": "r", "title": "T", "endsAt": "2030-01-31T12:00:00Z"}, type_)
    assert values_of(payload, parts)["ends_ms"] == 1_896_091_200_000
    with pytest.raises(msgspec.ValidationError, match="endsAt"):
        msgspec.convert({"roomId": "r", "title": "T", "endsAt": "2030-01-31T12:00:00"}, type_)


def test_a_time_in_a_renamed_member_is_refused_by_that_name_and_may_be_unset() -> None:
    command = msgspec.defstruct("Muted", [("unmute_ms", int | msgspec.UnsetType | None, msgspec.UNSET)])
    given = given_type(
        Shape("Muting"), Payload, "here", parts_of(command, (), {"unmute_ms": InputMember("muted_until")})
    )
    for sent, meant in ({}, msgspec.UNSET), ({"mutedUntil": None}, None):
        assert values_of(msgspec.convert(sent, given.type), given.parts) == {"unmute_ms": meant}
    with pytest.raises(ChatError, match="mutedUntil: must be a time"):
        values_of(msgspec.convert({"mutedUntil": "soon"}, given.type), given.parts)


@pytest.mark.parametrize(("field", "member"), [("until_ms", "until"), ("before_ms", "before"), ("sent_ms", "sent_at")])
def test_a_time_is_called_as_clients_call_times(field: str, member: str) -> None:
    command = msgspec.defstruct("Timed", [(field, int | None, None)])
    (part,) = parts_of(command, ())
    assert part.name == member


def test_fixed_values_are_given_or_made_for_each_request() -> None:
    numbers = iter(range(9))
    fixed = {"kind": "ban", "number": lambda: next(numbers)}
    assert [fixed_values(fixed) for _ in range(2)] == [{"kind": "ban", "number": 0}, {"kind": "ban", "number": 1}]


def test_a_command_is_made_of_what_was_given_and_what_is_fixed() -> None:
    numbers = iter(range(9))
    given = given_type(Shape("Part"), Payload, "here", parts_of(Invite, ("source", "seats")))
    make = command_maker(Invite, given.parts, {"source": "door", "seats": lambda: next(numbers)})
    payload = msgspec.convert({"roomId": "r", "title": "T", "endsAt": "2030-01-31T12:00:00Z"}, given.type)
    assert [make(payload) for _ in range(2)] == [Invite("r", "T", seats, 1_896_091_200_000, "door") for seats in (0, 1)]


class _Booking(msgspec.Struct, frozen=True, kw_only=True):
    room: str
    seats: int = 3
    title: str | None = None


class _BookingBy(_Booking, frozen=True):
    by: str
    door: int = 7


def test_a_command_may_have_named_fields_and_keep_defaults() -> None:
    given = given_type(Shape("PartOfBooking"), Payload, "here", parts_of(_BookingBy, ("seats", "door")))
    make = command_maker(_BookingBy, given.parts, {})
    payload = msgspec.convert({"room": "r", "by": "b", "title": "T"}, given.type)
    assert make(payload) == _BookingBy("b", 7, room="r", seats=3, title="T")


def test_a_command_needs_all_fields_without_defaults() -> None:
    parts = tuple(parts_of(Invite, ("room_id",)))
    with pytest.raises(KeyError, match="room_id"):
        command_maker(Invite, parts, {})
