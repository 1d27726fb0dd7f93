"""Code that stands at the doors of operations: checks and answers of routes, and tolerant payloads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from talkwire.api.http.dependencies import GivenIceServers, GivenPolicy
from talkwire.api.operation_routes import routes_of
from talkwire.core.commands.command import Change
from talkwire.core.domain.errors import ChatError
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.dialects.operation_events import events_of, tolerant
from talkwire.identity.callers import Caller
from talkwire.operations.operation import Operation
from talkwire.operations.shapes import Shape


class Paint(Change[str], frozen=True, tag="TestPaint"):
    wall_id: str
    colour: str = "white"


class Painted(msgspec.Struct, frozen=True):
    colour: str


ROUTE = "PUT /walls/{wall_id}/paint"
PAINT = Operation(
    Paint,
    summary="Paint a wall",
    event="wall:paint",
    route=ROUTE,
    body=Shape("TestPaintBody"),
    payload=Shape("TestPaintPayload", "Paint.", ("wall_id",)),
)


class Chat:
    """A chat that notes the commands that it executes."""

    def __init__(self) -> None:
        self.executed: list[object] = []

    async def execute(self, _: object, command: Paint, __: object) -> str:
        self.executed.append(command)
        return command.colour


async def check(command: Paint, caller: Caller, chat: LimitedChat, ice_servers: GivenIceServers) -> None:
    if command.colour in map(str, ice_servers):
        raise ChatError("forbidden", "not this colour")


async def answer(result: str, command: Paint, caller: Caller, chat: LimitedChat, policy: GivenPolicy) -> Painted:
    return Painted(f"{result} {command.wall_id} {policy}")


async def test_checks_and_answers_get_what_they_ask_for_besides_the_command() -> None:
    (route,) = routes_of([PAINT], checks={ROUTE: check}, answers={ROUTE: answer})
    assert {"policy", "ice_servers"} <= {*route.parsed_fn_signature.parameters}
    chat, body = Chat(), route.parsed_fn_signature.parameters["data"].annotation
    given: dict[str, Any] = {
        "wall_id": "w",
        "caller": SimpleNamespace(actor=None),
        "chat": chat,
        "ice_servers": ("red",),
        "policy": "matt",
    }
    assert await route.fn(**given, data=msgspec.convert({"colour": "blue"}, body)) == Painted("blue w matt")
    assert chat.executed == [Paint("w", "blue")]


async def test_a_check_refuses_before_the_command_is_executed() -> None:
    (route,) = routes_of([PAINT], checks={ROUTE: check})
    chat, body = Chat(), route.parsed_fn_signature.parameters["data"].annotation
    caller = SimpleNamespace(actor=None)
    given: dict[str, Any] = {"wall_id": "w", "caller": caller, "chat": chat, "ice_servers": ("red",)}
    with pytest.raises(ChatError, match="not this colour"):
        await route.fn(**given, data=msgspec.convert({"colour": "red"}, body))
    assert chat.executed == []


def test_dialects_with_tolerant_payloads_ignore_unknown_members() -> None:
    sent = {"wallId": "w", "other": 1}
    strict, lenient = (events_of([each])["wall:paint"].payload_of for each in (PAINT, tolerant(PAINT)))
    with pytest.raises(ChatError, match="other"):
        strict(sent)
    payload: Any = lenient(sent)
    assert type(payload).__name__ == "TolerantTestPaintPayload"
    assert (payload.wall_id, payload.colour) == ("w", "white")


def test_code_for_a_route_or_an_event_that_no_operation_has_is_refused() -> None:
    with pytest.raises(ValueError, match="no operation has the route PUT /walls"):
        routes_of([PAINT], checks={"PUT /walls": check})
    with pytest.raises(ValueError, match="no operation has the event wall:paints"):
        events_of([PAINT], replies={"wall:paints": lambda _: Painted("")})
