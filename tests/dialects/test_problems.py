"""The texts of refusals for invalid payloads."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest

from talkwire.core.domain.errors import ChatError, invalid
from talkwire.payloads.problems import invalid_payload, with_unknown_fields

NO_TEXT = "must be a JSON object, not a text; pass the object itself, without JSON.stringify or json.dumps"


class Item(msgspec.Struct):
    kind: Literal["one", "two"]


class Given(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    member_ids: tuple[str, ...] = ()
    kind: Literal["group", "direct"] = "group"
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=5)] | None = None
    pair: tuple[str, str] | None = None
    metadata: dict[str, Any] | None = None
    items: tuple[Item, ...] | None = None
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    public: bool = False
    at_least_one: Annotated[list[int], msgspec.Meta(min_length=1)] | None = None
    more_than: Annotated[float, msgspec.Meta(gt=0)] = 1.0


class Needed(msgspec.Struct):
    content: str


@pytest.mark.parametrize(
    ("body", "type_", "path", "message"),
    [
        ("1", Given, "", "must be a JSON object"),
        ("[]", Given, "", "must be a JSON object"),
        (r'"{\"limit\": 1}"', Given, "", NO_TEXT),
        (r'{"metadata": "{}"}', Given, "metadata", NO_TEXT),
        ('{"items": ["x"]}', Given, "items[0]", NO_TEXT),
        ("{}", Needed, "content", "is missing"),
        ('{"memberIds": "x"}', Given, "memberIds", "must be a list"),
        ('{"memberIds": ["x", 1]}', Given, "memberIds[1]", "must be text"),
        ('{"memberId": []}', Given, "memberId", "is not a field here; did you mean memberIds?"),
        ('{"zzz": []}', Given, "zzz", "is not a field here"),
        ('{"kind": "room"}', Given, "kind", "must be one of direct, group"),
        ('{"items": [{"kind": "x"}]}', Given, "items[0].kind", "must be one of one, two"),
        ('{"limit": 0}', Given, "limit", "must be at least 1"),
        ('{"limit": 101}', Given, "limit", "must be at most 100"),
        ('{"limit": "5"}', Given, "limit", "must be an integer"),
        ('{"name": ""}', Given, "name", "must have at least 1 characters"),
        ('{"name": "xxxxxx"}', Given, "name", "must have at most 5 characters"),
        ('{"name": 5}', Given, "name", "must be text or null"),
        ('{"pair": ["x"]}', Given, "pair", "must have exactly 2 items"),
        ('{"atLeastOne": []}', Given, "atLeastOne", "must have at least 1 items"),
        ('{"moreThan": 0}', Given, "moreThan", "must be more than 0.0"),
        ('{"metadata": 5}', Given, "metadata", "must be a JSON object or null"),
        ('{"public": 1}', Given, "public", "must be true or false"),
        (
            '{"until": "x"}',
            Given,
            "until",
            "must be a time in ISO 8601, such as 2030-01-31T12:00:00.000Z",
        ),
        ('{"until": "2030-01-31T12:00:00"}', Given, "until", "must be a time with an offset, such as Z or +01:00"),
        ('{"limit": 1e999}', Given, "limit", "must be a number that fits 64 bits"),
    ],
)
def test_a_refusal_names_the_expected_type_of_a_member(body: str, type_: type, path: str, message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(body, type=type_)
    error = invalid_payload(refused.value, type_)
    text = f"{path}: {message}" if path else message
    assert (error.code, error.message, error.details) == (
        "invalid_request",
        text,
        [{"path": path, "message": message}],
    )


def test_a_refusal_contains_no_python_types() -> None:
    """Even for messages of msgspec that the code does not know."""
    for message in ("Expected `frozenset`, got `str`", "Something new about `Struct`"):
        error = invalid_payload(msgspec.ValidationError(message))
        assert "Expected" not in error.message


def test_a_refusal_names_unknown_fields() -> None:
    error = with_unknown_fields(invalid("content", "must not be empty"), Needed, {"contents": "Hello", "x": 1})
    assert error.message == (
        "content: must not be empty; contents: is not a field here; did you mean content?; x: is not a field here"
    )
    assert error.details == [
        {"path": "content", "message": "must not be empty"},
        {"path": "contents", "message": "is not a field here; did you mean content?"},
        {"path": "x", "message": "is not a field here"},
    ]


@pytest.mark.parametrize("given", [{"content": ""}, [], None, "x"])
def test_a_refusal_stays_unchanged_if_every_field_is_known(given: object) -> None:
    error = invalid("content", "must not be empty")
    assert with_unknown_fields(error, Needed, given) is error
    assert with_unknown_fields(error, Needed | None, given) is error
    assert with_unknown_fields(error, None, {"a": 1}) is error
    other = ChatError("forbidden", "You have no access to this.")
    assert with_unknown_fields(other, Needed, {"a": 1}) is other
