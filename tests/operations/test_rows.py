"""The rows of operations: what they say is what clients, hooks and the audit log meet."""

from __future__ import annotations

from collections import Counter

import pytest
from litestar import Router
from litestar.routes import HTTPRoute

from talkwire.api.rest import described_routes
from talkwire.core.commands.command import Change
from talkwire.core.features.moderation.acts import ACTS
from talkwire.dialects.messenger import MESSENGER
from talkwire.operations.names import name_of_command
from talkwire.operations.operation import Operation
from talkwire.operations.table import OPERATIONS

ROUTED = [each for each in OPERATIONS if each.route is not None]
WITH_EVENT = [each for each in OPERATIONS if each.event is not None]


def name_of(operation: Operation) -> str:
    return operation.event or operation.route or operation.command.__name__


@pytest.fixture(scope="module")
def served() -> Counter[tuple[str, str]]:
    """Counts the handlers of each method and path."""
    return Counter(
        (method, route.path_format)
        for route in Router("/", route_handlers=described_routes()).routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
    )


@pytest.mark.parametrize("operation", ROUTED, ids=name_of)
def test_a_route_is_served_once(operation: Operation, served: Counter[tuple[str, str]]) -> None:
    assert operation.route is not None
    method, path = operation.route.split(" ")
    assert served[method, f"/api/v1{path}"] == 1


@pytest.mark.parametrize("operation", WITH_EVENT, ids=name_of)
def test_an_event_is_in_the_dialect_and_names_the_command(operation: Operation) -> None:
    assert operation.event in MESSENGER.inbound
    assert name_of_command(operation.command) == (operation.name or operation.event)


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_a_change_has_a_rule_or_a_reason_of_the_audit_log(operation: Operation) -> None:
    is_change = issubclass(operation.command, Change)
    assert (operation.unaudited is not None) == (is_change and operation.command not in ACTS)
