"""The two doors of an operation: its REST route, and its event of the messenger dialect."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.api.operation_routes import routes_of
from talkwire.core.commands.command import Change
from talkwire.dialects.operation_events import events_of
from talkwire.operations.operation import Operation
from talkwire.operations.shapes import Shape


class Book(Change[None], frozen=True, tag="TestBook"):
    room_id: str
    seats: int = 1
    paid_ms: int | None = None
    source: str | None = None


@pytest.mark.parametrize(
    ("without", "in_body", "in_payload"),
    [
        ({}, ("seats", "paid_at"), ("room_id", "seats", "paid_at")),
        ({"body": ("seats",)}, ("paid_at",), ("room_id", "seats", "paid_at")),
        ({"payload": ("paid_ms",)}, ("seats", "paid_at"), ("room_id", "seats")),
    ],
    ids=["alike", "fewer-in-the-body", "fewer-in-the-payload"],
)
def test_a_door_may_leave_out_fields_that_the_other_has(
    without: dict[str, tuple[str, ...]], in_body: tuple[str, ...], in_payload: tuple[str, ...]
) -> None:
    suffix = "".join(map(str.title, without))
    operation = Operation(
        Book,
        summary="Book seats",
        event="seats:book",
        route="POST /rooms/{room_id}/seats",
        body=Shape(f"TestBook{suffix}Body", without=without.get("body", ())),
        payload=Shape(f"TestBook{suffix}Payload", without=without.get("payload", ())),
        without=("source",),
    )
    (route,) = routes_of([operation])
    body: Any = route.parsed_fn_signature.parameters["data"].annotation
    payload: Any = events_of([operation])["seats:book"].payload
    assert body.__struct_fields__ == in_body
    assert payload.__struct_fields__ == in_payload
