"""The rows of operations: what they say is what clients, hooks and the audit log meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import get_args

import msgspec
import pytest
from litestar import Router
from litestar.routes import HTTPRoute

from talkwire.api.description.counterparts import commands_of, unaudited_of
from talkwire.api.rest import described_routes
from talkwire.core.commands.command import Change, Command
from talkwire.core.engine.command_table import CHANGES
from talkwire.core.features.moderation.acts import ACTS
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.messenger import MESSENGER
from talkwire.operations import shapes
from talkwire.operations.names import name_of_command
from talkwire.operations.operation import Operation
from talkwire.operations.table import OPERATIONS
from tests.reference.test_counterparts import HANDLERS

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


def test_what_clients_change_is_audited_or_says_why_it_is_not() -> None:
    reasons: dict[object, str] = {}
    for each in OPERATIONS:
        reasons |= dict.fromkeys(each.commands, each.unaudited) if each.unaudited is not None else {}
    for handler in HANDLERS.values():
        reason = unaudited_of(handler)
        reasons |= dict.fromkeys({*commands_of(handler)} - ACTS.keys(), reason) if reason is not None else {}
    of_routes = {command for handler in HANDLERS.values() for command in commands_of(handler)}
    of_events = {
        command for dialect in DIALECTS.values() for inbound in dialect.inbound.values() for command in inbound.commands
    }
    assert (of_routes | of_events) & CHANGES.keys() <= ACTS.keys() | reasons.keys()
    assert not ACTS.keys() & reasons.keys()
    assert all(reason.startswith(("is ", "concerns ")) for reason in reasons.values())


def test_the_dialect_has_no_event_without_a_row() -> None:
    assert {*MESSENGER.inbound} == {each.event for each in WITH_EVENT}


def test_no_type_that_is_written_by_hand_repeats_the_fields_of_a_command() -> None:
    commands = [each for each in _subclasses(Command) if len(each.__struct_fields__) > 1]
    repeated = [
        f"{type_.__name__} and {command.__name__}"
        for type_ in _received()
        for command in commands
        if _share(type_, command) >= 0.7
    ]
    assert repeated == []


def _received() -> set[type[msgspec.Struct]]:
    """Returns the types of what clients send that are written in the modules of the REST API and of the messenger
    dialect, not made from commands."""
    given = {inbound.payload for inbound in MESSENGER.inbound.values()}
    for handler in HANDLERS.values():
        data = handler.parsed_fn_signature.parameters.get("data")
        given |= {*get_args(data.annotation), data.annotation} if data is not None else set()
    made = {type_ for _, type_ in shapes._made.values()}
    structs = {each for each in given if isinstance(each, type) and issubclass(each, msgspec.Struct)}
    written = {
        each for each in structs - made if each.__module__.startswith(("talkwire.api.", "talkwire.dialects.mess"))
    }
    # The older dialects have types of their own, as their clients call the members (docs/decisions/0130).
    return {each for each in written if not each.__module__.startswith("talkwire.api.dialects.")}


def _share(type_: type[msgspec.Struct], command: type[msgspec.Struct]) -> float:
    """Returns the part of the fields of two types that are in both, of the type with more fields. Fields that the first
    type has from a type that is made of the command are not written by hand."""
    made = {each for _, each in shapes._made.values()}
    inherited = {name for base in type_.__mro__ if base in made for name in base.__struct_fields__}
    fields, others = {*type_.__struct_fields__} - inherited, {*command.__struct_fields__}
    return len(fields & others) / max(len(fields), len(others))


def _subclasses(type_: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    each: type[msgspec.Struct]
    for each in type_.__subclasses__():
        yield each
        yield from _subclasses(each)
