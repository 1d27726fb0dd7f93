"""Events and routes name the commands that they execute, from which the documents say which routes do the same."""

from __future__ import annotations

import pytest
from litestar import Router
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from talkwire.api.description.counterparts import commands_of, rest_counterparts
from talkwire.api.rest import described_routes
from talkwire.core.commands.command import Command
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import Dialect
from talkwire.dialects.gateway.vocabulary import GATEWAY
from talkwire.dialects.messenger import MESSENGER
from talkwire.dialects.talks.vocabulary import TALKS
from talkwire.operations.operation import Operation
from talkwire.operations.table import OPERATIONS

WITHOUT_COMMAND = {
    "GET /api/v1/admin/connections",
    "GET /api/v1/admin/limits",
    "GET /api/v1/admin/overview",
    "GET /api/v1/admin/refusals",
    "GET /api/v1/admin/settings",
    "GET /api/v1/auth/oidc",
    "GET /api/v1/push/key",
    "GET /api/v1/server",
    "GET /api/v1/users/me/rights",
    "POST /api/v1/users/me/address-token",
}

ROUTES = [route for route in Router("/", route_handlers=described_routes()).routes if isinstance(route, HTTPRoute)]
HANDLERS: dict[str, HTTPRouteHandler] = {
    f"{method} {route.path_format}": handler
    for route in ROUTES
    for handler in route.route_handlers
    for method in handler.http_methods - {"OPTIONS"}
}


def unnamed_commands(handler: HTTPRouteHandler) -> set[str]:
    """Returns the commands in the code of a route's function that the route does not name."""
    used = (handler.fn.__globals__.get(name) for name in handler.fn.__code__.co_names)
    made = {each for each in used if isinstance(each, type) and issubclass(each, Command)}
    return {each.__name__ for each in made.difference(commands_of(handler))}


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_every_event_names_its_commands(dialect: Dialect) -> None:
    assert [name for name, inbound in dialect.inbound.items() if not inbound.commands] == []


def test_every_route_names_its_commands_unless_it_executes_none() -> None:
    assert {route for route, handler in HANDLERS.items() if not commands_of(handler)} == WITHOUT_COMMAND


def test_a_route_names_the_commands_that_its_function_makes() -> None:
    assert {route: unnamed for route, handler in HANDLERS.items() if (unnamed := unnamed_commands(handler))} == {}


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.socket_only], ids=lambda each: each.summary)
def test_an_operation_without_a_route_says_why_to_its_event(operation: Operation) -> None:
    find = rest_counterparts(ROUTES)
    found = {
        find(dialect, inbound).socket_only
        for dialect in DIALECTS.values()
        for inbound in dialect.inbound.values()
        if operation.command in inbound.commands[:1]
    }
    assert found == {operation.socket_only}


def test_a_route_of_a_dialect_is_a_counterpart_of_its_events_only() -> None:
    find = rest_counterparts(ROUTES)
    of_talks, of_others = "POST /api/v1/talks/{conversation_id}/message", "POST /chat-messages"
    assert of_talks in find(TALKS, TALKS.inbound["message"]).routes
    assert of_others not in find(TALKS, TALKS.inbound["message"]).routes
    assert not {of_talks, of_others} & {*find(MESSENGER, MESSENGER.inbound["message:send"]).routes}


def test_the_first_command_of_an_event_counts() -> None:
    find = rest_counterparts(ROUTES)
    event = GATEWAY.inbound["message"]
    assert [each.__name__ for each in event.commands] == ["SendMessage", "GetServerTime"]
    assert "POST /api/v1/messages" in find(GATEWAY, event).routes
