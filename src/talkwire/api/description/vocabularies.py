"""Collects the events of a dialect (one client application's vocabulary) in both directions, for the AsyncAPI document
and the reference pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import User
from talkwire.dialects.dialect import AnyJson, Dialect, Inbound

Struct = type[msgspec.Struct]


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The REST routes that do the same as an event from a client, such as `POST /api/v1/messages`; or, in
    `socket_only`, the reason why there is no such route."""

    routes: tuple[str, ...] = ()
    socket_only: str = ""


Counterparts = Callable[[Dialect, Inbound], Counterpart]
"""Function `(dialect, one of its events)` that returns the event's REST counterpart."""

_USER = User(id="alice", name="Alice", created_ms=0)
_REFUSAL = ChatError("invalid_request", "content: is missing", [{"path": "content", "message": "is missing"}])


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """The description of an event that clients send to the server. `answer` is the type of its acknowledgement, `rest`
    names the REST routes that do the same."""

    name: str
    payload: Struct | None
    answer: Struct
    summary: str
    rest: Counterpart


@dataclass(frozen=True, slots=True)
class OutboundEvent:
    """The description of an event that the server sends to clients. Several kinds of events in the chat may be sent
    under one name, which then has several payload types."""

    name: str
    payloads: tuple[Struct, ...]
    summary: str
    example: msgspec.Struct | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The descriptions of all events of a dialect: those that its clients send (`inbound`), and those that the server
    sends to them (`outbound`)."""

    dialect: Dialect
    inbound: tuple[InboundEvent, ...]
    outbound: tuple[OutboundEvent, ...]
    refusal: msgspec.Struct
    """Example of the acknowledgement of a refused event."""

    def structs(self) -> Iterator[Struct]:
        """Yields every payload and acknowledgement type of the dialect; some occur more than once."""
        yield type(self.refusal)
        for event in self.inbound:
            yield event.answer
            if event.payload is not None and event.payload is not AnyJson:
                yield event.payload
        for sent in self.outbound:
            yield from sent.payloads


def vocabulary(dialect: Dialect, counterparts: Counterparts = lambda *_: Counterpart()) -> Vocabulary:
    """Returns the descriptions of all events of a dialect. `counterparts` returns the REST routes that do the same as
    an event from clients; by default there are none. Raises TypeError when the payload or acknowledgement type of an
    event cannot be determined."""
    inbound_events = (
        InboundEvent(name, inbound.payload, inbound.answer_type, inbound.summary, counterparts(dialect, inbound))
        for name, inbound in dialect.inbound.items()
    )
    outbound_events = _merged([*_socket_events(dialect), *_chat_events(dialect)])
    return Vocabulary(dialect, tuple(inbound_events), outbound_events, dialect.refusal(_REFUSAL))


def _socket_events(dialect: Dialect) -> Iterator[OutboundEvent]:
    """Yields the descriptions of the dialect's events about the socket itself: the first event after the connect, the
    error after a refused event, and the last event before the close. Takes the type of each payload from an example,
    since functions build these payloads."""
    welcome = dialect.welcome(_USER, "bHWzYpVzBrfV3qPVAAAB", "1-42")
    if welcome is not None:
        yield _by_example(
            welcome.name, welcome.payload(None), "The socket is connected and signed in. This is its first event."
        )
    yield _by_example(
        *dialect.error(_REFUSAL, "message:send"), "The server refused an event that asked for no acknowledgement."
    )
    goodbye = dialect.goodbye("token_expired", False)  # noqa: FBT003 (its type has a positional parameter)
    if goodbye is not None:
        yield _by_example(*goodbye, "The server is about to close the socket.")


def _by_example(name: str, payload: msgspec.Struct, summary: str) -> OutboundEvent:
    return OutboundEvent(name, (type(payload),), summary, payload)


def _chat_events(dialect: Dialect) -> Iterator[OutboundEvent]:
    for inbound in dialect.inbound.values():
        if inbound.echo is not None:
            yield OutboundEvent(inbound.echo.name, (inbound.echo.payload_type,), inbound.echo.summary)
    for packets in dialect.outbound.values():
        for packet in packets:
            yield OutboundEvent(packet.name, (packet.payload_type,), packet.summary)


def _merged(events: Sequence[OutboundEvent]) -> tuple[OutboundEvent, ...]:
    """Returns one description for each event name. If several of `events` have the name, it has the payload types of
    all of these."""
    merged: dict[str, OutboundEvent] = {}
    for event in events:
        known = merged.setdefault(event.name, event)
        payloads = tuple(dict.fromkeys((*known.payloads, *event.payloads)))
        merged[event.name] = replace(known, payloads=payloads, summary=known.summary or event.summary)
    return tuple(merged.values())
