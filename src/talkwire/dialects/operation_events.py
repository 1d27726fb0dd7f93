"""Makes the messenger dialect's entries of events from the operations: the payload has the fields of the command, and
the acknowledgement has the command's result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_type_hints

import msgspec

from talkwire.core.commands.command import Page
from talkwire.dialects.dialect import Inbound
from talkwire.operations.operation import Listed, One, Operation, Paged
from talkwire.operations.shapes import Given, Shape, Struct, command_maker, compiled, given_by, given_type, parts_of
from talkwire.payloads.payload import Payload
from talkwire.payloads.replies import Reply, done

_MODULE = "talkwire.dialects.messenger"
"""Module of the types that are made here, by which their schemas are called `Messenger…`."""

_NONE: Mapping[str, Any] = MappingProxyType({})

_replies: dict[str, Struct] = {}


def events_of(
    operations: Iterable[Operation],
    *,
    payloads: Mapping[str, Struct] = _NONE,
    replies: Mapping[str, Callable[[Any], msgspec.Struct]] = _NONE,
    entries: Mapping[str, Inbound] = _NONE,
) -> dict[str, Inbound]:
    """Returns the entries of those operations that have an event, by the events' names.

    Each of the mappings is for events that need code of their own, by their names: the types of `payloads` that are
    written by hand, functions that make `replies` (acknowledgements) of results, and whole `entries`, which need
    neither commands nor summaries. Raises ValueError if code is for none of the events.
    """
    with_event = {each.event: each for each in operations if each.event is not None}
    unknown = {*payloads, *replies, *entries} - with_event.keys()
    if unknown:
        raise ValueError(f"no operation has the event {min(unknown)}")
    return {
        event: _entry(each, payloads.get(event), replies.get(event), entries.get(event))
        for event, each in with_event.items()
    }


def tolerant(operation: Operation) -> Operation:
    """Returns the same operation for dialects whose payloads may have unknown members."""
    assert operation.payload is not None
    about = "The same for dialects whose payloads may have unknown members."
    shape = operation.payload._replace(name=f"Tolerant{operation.payload.name}", about=about, tolerant=True)
    return replace(operation, payload=shape)


def _entry(
    operation: Operation,
    payload: Struct | None,
    reply: Callable[[Any], msgspec.Struct] | None,
    entry: Inbound | None,
) -> Inbound:
    summary = operation.event_summary or f"{operation.summary}."
    if entry is not None:
        return replace(entry, summary=summary, commands=operation.commands)
    given = _given(operation, payload)
    made, answer = (reply, None) if reply is not None else _reply(operation)
    return Inbound(
        given.type,
        command_maker(operation.command, given.parts, operation.fixed),
        made,
        answer,
        summary,
        commands=operation.commands,
    )


def _given(operation: Operation, payload: Struct | None) -> Given:
    without = {*operation.without, *operation.fixed}
    if payload is not None:
        return given_by(payload, parts_of(operation.command, without, operation.members))
    shape = operation.payload or Shape(f"{operation.command.__name__}Payload")
    parts = parts_of(operation.command, {*without, *shape.without}, operation.members, shape.times)
    return given_type(shape, Payload, _MODULE, parts)


def _reply(operation: Operation) -> tuple[Callable[[Any], msgspec.Struct], Struct]:
    """Returns the function that makes the acknowledgement of a result, and the type of what it makes."""
    answer = operation.answer
    if answer is None:
        return done, Reply
    payload, name, type_ = answer.payload, answer.name, _reply_type(answer)
    if isinstance(answer, One):
        # Compiled, since nearly every message needs one, and `type_(**{name: …})` takes twice as long.
        return compiled(f"lambda result: type_({name}=payload(result))", {"type_": type_, "payload": payload}), type_
    if isinstance(answer, Listed):
        return lambda result: type_(**{name: tuple(map(payload, result))}), type_

    def of_page(page: Page[Any]) -> msgspec.Struct:
        return type_(**{name: tuple(map(payload, page.items)), "cursor": page.next})

    return of_page, type_


def _reply_type(answer: One | Paged | Listed) -> Struct:
    """Returns the type of an acknowledgement, such as `OfferReply` for an answer with the name `offer`."""
    name = f"{answer.name.title()}Reply"
    if name not in _replies:
        item: Any = get_type_hints(answer.payload)["return"]
        fields: list[Any] = [(answer.name, item if isinstance(answer, One) else tuple[item, ...])]
        if isinstance(answer, Paged):
            fields.append(("cursor", str | None, None))
        _replies[name] = msgspec.defstruct(
            name, fields, bases=(Reply,), module=_MODULE, frozen=True, kw_only=True, rename="camel"
        )
    return _replies[name]
