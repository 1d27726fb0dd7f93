"""Members that a payload or a body does not have: the messenger dialect refuses them, the others ignore them."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence

import msgspec
import pytest
from litestar import Router
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from talkwire.api.dialects import ROUTES as DIALECT_ROUTES
from talkwire.api.rest import described_routes
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import AnyJson, Dialect
from tests.chat.conftest import World

MESSENGER = DIALECTS["messenger"]
OTHERS = [dialect for dialect in DIALECTS.values() if dialect is not MESSENGER]

WITH_MORE = {"conversation:join", "conversation:leave", "typing:start", "typing:stop"}
"""Events of the messenger dialect to which existing clients add `userId` and `isTyping`."""


def _structs(kind: object) -> Iterator[type[msgspec.Struct]]:
    """Yields the Structs that a type contains, at any depth."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for hint in typing.get_type_hints(kind).values():
            yield from _structs(hint)
    for each in typing.get_args(kind):
        yield from _structs(each)


def _refuses(kind: object) -> bool:
    """Returns whether a type, and every Struct in it, refuses unknown members."""
    return all(each.__struct_config__.forbid_unknown_fields for each in _structs(kind))


def _ignores(kind: object) -> bool:
    return not next(_structs(kind)).__struct_config__.forbid_unknown_fields


def _payloads(dialect: Dialect) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    for event, inbound in dialect.inbound.items():
        if inbound.payload is not None and inbound.payload is not AnyJson:
            yield f"{dialect.name} {event}", inbound.payload


def _bodies(routes: Sequence[ControllerRouterHandler]) -> Iterator[tuple[str, object]]:
    for route in Router("/", route_handlers=list(routes)).routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            data = handler.parsed_fn_signature.parameters.get("data")
            if data is not None and any(_structs(data.annotation)):
                yield f"{min(handler.http_methods)} {route.path}", data.annotation


def test_the_messenger_dialect_and_the_general_routes_refuse_unknown_members() -> None:
    payloads = [*_payloads(MESSENGER), *_bodies(described_routes(()))]
    assert len(payloads) > 90
    assert {name for name, kind in payloads if not _refuses(kind)} == {f"messenger {event}" for event in WITH_MORE}


def test_the_other_dialects_and_their_routes_ignore_unknown_members() -> None:
    payloads: list[tuple[str, object]] = [each for dialect in OTHERS for each in _payloads(dialect)]
    payloads += [each for routes in DIALECT_ROUTES.values() for each in _bodies(routes)]
    assert len(payloads) > 50
    assert {name for name, kind in payloads if not _ignores(kind)} == set()


@pytest.mark.parametrize(
    ("event", "route", "given", "problem"),
    [
        (
            "message:send",
            "POST /api/v1/messages",
            {"conversationId": "{talk}", "content": "Yes", "replyTo": "{message}"},
            "replyTo: is not a field here; did you mean replyToId?",
        ),
        (
            "message:edit",
            "PATCH /api/v1/messages/{message}",
            {"content": "No", "metdata": {"state": "approved"}},
            "metdata: is not a field here; did you mean metadata?",
        ),
        (
            "message:send",
            "POST /api/v1/messages",
            {"conversationId": "{talk}", "attachments": [{"url": "https://example.com/a", "nmae": "a"}]},
            "attachments[0].nmae: is not a field here",
        ),
        (
            "conversation:create",
            "POST /api/v1/conversations",
            {"kind": "group", "memberIds": [], "slowMode": 5},
            "slowMode: is not a field here; did you mean slowModeS?",
        ),
        (
            None,
            "PATCH /api/v1/conversations/{talk}/preferences",
            {"notfy": "all"},
            "notfy: is not a field here; did you mean notify?",
        ),
        (
            "messages:list",
            None,
            {"conversationId": "{talk}", "limt": 1},
            "limt: is not a field here; did you mean limit?",
        ),
    ],
)
async def test_a_misspelled_member_is_refused_and_changes_nothing(
    world: World, event: str | None, route: str | None, given: dict[str, object], problem: str
) -> None:
    talk = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    message = (await alice.done("message:send", {"conversationId": talk, "content": "Shall we?"}))["message"]["id"]
    ids = {"{talk}": talk, "{message}": message}
    payload = {name: ids.get(str(value), value) for name, value in given.items()}
    before = (await world.request("GET", f"/api/v1/conversations/{talk}/messages", by="bob")).json()
    if route is not None:
        method, path = route.format(talk=talk, message=message).split()
        answer = await world.request(method, path, by="alice", json=payload)
        assert (answer.status_code, answer.json()["error"]["message"]) == (422, problem)
    if event is not None:
        named = {"messageId": message, **payload} if event == "message:edit" else payload
        refused = await alice.call(event, named)
        assert (refused["error"]["code"], refused["error"]["message"]) == ("invalid_request", problem)
    assert (await world.request("GET", f"/api/v1/conversations/{talk}/messages", by="bob")).json() == before


async def test_what_existing_clients_send_too_is_accepted(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    for event in sorted(WITH_MORE):
        await alice.done(event, {"conversationId": talk, "userId": world.id_of("alice"), "isTyping": True})
