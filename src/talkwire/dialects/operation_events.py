"""Makes the messenger dialect's entries of events from the operations: the payload has the fields of the command, and
the acknowledgement has the command's result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, get_type_hints

import msgspec

from talkwire.core.commands.command import Command, Page
from talkwire.dialects.dialect import Inbound
from talkwire.operations.operation import One, Operation, Paged
from talkwire.operations.shapes import Given, Shape, given_by, given_type, values_of
from talkwire.payloads.payload import Payload
from talkwire.payloads.replies import Reply, done

_MODULE = "talkwire.dialects.messenger"
"""The module of the types that are made here, by which their schemas are called `Messenger…`."""

_replies: dict[str, type[msgspec.Struct]] = {}


def events_of(operations: Iterable[Operation]) -> dict[str, Inbound]:
    """Returns the entries of those operations that have an event, by the events' names."""
    return {each.event: _entry(each) for each in operations if each.event is not None}


def _entry(operation: Operation) -> Inbound:
    given = _given(operation)
    reply, answer = _reply(operation)
    summary = operation.event_summary or f"{operation.summary}."
    return Inbound(given.type, operation.of_payload or _to_command(operation, given), reply, answer, summary)


def _given(operation: Operation) -> Given:
    payload = operation.payload or Shape(f"{operation.command.__name__}Payload")
    if not isinstance(payload, Shape):
        return given_by(payload)
    return given_type(operation.command, payload, Payload, _MODULE, {*operation.without, *operation.fixed})


def _to_command(operation: Operation, given: Given) -> Callable[[msgspec.Struct], Command[Any]]:
    command, fixed, fields = operation.command, operation.fixed, given.fields
    return lambda payload: command(**fixed, **values_of(payload, fields))


def _reply(operation: Operation) -> tuple[Callable[[Any], msgspec.Struct], type[msgspec.Struct]]:
    """Returns the function that makes the acknowledgement of a result, and the type of what it makes."""
    answer = operation.answer
    if answer is None:
        return done, Reply
    payload, name, type_ = answer.payload, answer.name, _reply_type(answer)
    if isinstance(answer, One):
        return lambda result: type_(**{name: payload(result)}), type_

    def of_page(page: Page[Any]) -> msgspec.Struct:
        return type_(**{name: tuple(map(payload, page.items)), "cursor": page.next})

    return of_page, type_


def _reply_type(answer: One | Paged) -> type[msgspec.Struct]:
    """Returns the type of an acknowledgement, such as `OfferReply` for an answer with the name `offer`."""
    name = f"{answer.name.title()}Reply"
    if name not in _replies:
        item: Any = get_type_hints(answer.payload)["return"]
        fields: list[Any] = (
            [(answer.name, item)]
            if isinstance(answer, One)
            else [(answer.name, tuple[item, ...]), ("cursor", str | None, None)]
        )
        _replies[name] = msgspec.defstruct(
            name, fields, bases=(Reply,), module=_MODULE, frozen=True, kw_only=True, rename="camel"
        )
    return _replies[name]
