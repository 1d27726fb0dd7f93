"""What there is to say in a dialect, both ways, as its reference lists it."""

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
    """The routes that do the same as an event, such as `POST /api/v1/messages`, or why there are none."""

    routes: tuple[str, ...] = ()
    socket_only: str = ""


Counterparts = Callable[[Dialect, Inbound], Counterpart]
"""(dialect, one of its events) -> what does the same over REST"""

_USER = User(id="alice", name="Alice", created_ms=0)
_REFUSAL = ChatError("invalid_request", "content: is missing", [{"path": "content", "message": "is missing"}])


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """An event that clients send."""

    name: str
    payload: Struct | None
    answer: Struct
    summary: str
    rest: Counterpart


@dataclass(frozen=True, slots=True)
class OutboundEvent:
    """An event that clients are sent. Several events of the chat may have one name, and so several payloads."""

    name: str
    payloads: tuple[Struct, ...]
    summary: str
    example: msgspec.Struct | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A dialect, listed."""

    dialect: Dialect
    heard: tuple[InboundEvent, ...]
    said: tuple[OutboundEvent, ...]
    refusal: msgspec.Struct
    """An acknowledgement of what was refused."""

    def structs(self) -> Iterator[Struct]:
        """Every type that is sent in either direction, some of them more than once."""
        yield type(self.refusal)
        for heard in self.heard:
            yield heard.answer
            if heard.payload is not None and heard.payload is not AnyJson:
                yield heard.payload
        for said in self.said:
            yield from said.payloads


def vocabulary(dialect: Dialect, counterparts: Counterparts = lambda *_: Counterpart()) -> Vocabulary:
    """Raises TypeError where an entry of the dialect does not say what it makes."""
    heard = (
        InboundEvent(name, inbound.payload, inbound.answer_type, inbound.summary, counterparts(dialect, inbound))
        for name, inbound in dialect.inbound.items()
    )
    said = _merged([*_of_the_socket(dialect), *_of_the_chat(dialect)])
    return Vocabulary(dialect, tuple(heard), said, dialect.refusal(_REFUSAL))


def _of_the_socket(dialect: Dialect) -> Iterator[OutboundEvent]:
    """Functions make these; what they make of an example shows what they are."""
    welcome = dialect.welcome(_USER, "bHWzYpVzBrfV3qPVAAAB", "1-42")
    if welcome is not None:
        yield _by_example(welcome.name, welcome.payload(None), "The socket is signed in. This is its first event.")
    yield _by_example(
        *dialect.error(_REFUSAL, "message:send"), "The server refused an event that asked for no acknowledgement."
    )
    goodbye = dialect.goodbye("token_expired", False)  # noqa: FBT003 (its type has it by place)
    if goodbye is not None:
        yield _by_example(*goodbye, "The server is about to close the socket.")


def _by_example(name: str, payload: msgspec.Struct, summary: str) -> OutboundEvent:
    return OutboundEvent(name, (type(payload),), summary, payload)


def _of_the_chat(dialect: Dialect) -> Iterator[OutboundEvent]:
    for inbound in dialect.inbound.values():
        if inbound.echo is not None:
            yield OutboundEvent(inbound.echo.name, (inbound.echo.payload_type,), inbound.echo.summary)
    for packets in dialect.outbound.values():
        for packet in packets:
            yield OutboundEvent(packet.name, (packet.payload_type,), packet.summary)


def _merged(events: Sequence[OutboundEvent]) -> tuple[OutboundEvent, ...]:
    """One for each name."""
    merged: dict[str, OutboundEvent] = {}
    for event in events:
        known = merged.setdefault(event.name, event)
        payloads = tuple(dict.fromkeys((*known.payloads, *event.payloads)))
        merged[event.name] = replace(known, payloads=payloads, summary=known.summary or event.summary)
    return tuple(merged.values())
