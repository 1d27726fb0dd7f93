"""The classes from which a dialect is built: a table that maps a client application's Socket.IO events to the chat's
commands, and the chat's events to Socket.IO events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, get_type_hints

import msgspec

from talkwire.core.commands.command import Command, Query
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import Event
from talkwire.core.domain.model import User
from talkwire.operations.socket_commands import SocketCommand
from talkwire.payloads.payload import invalid_payload


class AnyJson(msgspec.Struct, frozen=True):
    """The payload of an event from a client that may be any JSON value: `value`, which is None if the event has no
    payload."""

    value: object = None


@dataclass(frozen=True, slots=True)
class Echo:
    """A dialect's entry for an event that the server sends back to the socket that sent an event, in addition to the
    acknowledgement.

    `payload(received payload, command's result)` builds the payload of this event. `struct` is the type of that
    payload, needed only if the function `payload` has no return annotation, such as a lambda. `summary` describes the
    event in the API documentation.
    """

    name: str
    payload: Callable[[Any, Any], msgspec.Struct]
    struct: type[msgspec.Struct] | None = None
    summary: str = ""

    @property
    def payload_type(self) -> type[msgspec.Struct]:
        """Returns the type of the event's payload: `struct`, or else the return annotation of `payload`. Raises
        TypeError when there is neither."""
        return self.struct or _result_type(self.payload)


@dataclass(frozen=True, slots=True)
class Inbound:
    """A dialect's entry for an event that clients send: how the server turns it into a command and acknowledges it.

    `payload` is the type of the event's payload; if None, the event's arguments are ignored. `to_command` builds the
    command from the payload, and `reply` the acknowledgement from the command's result. `answer` is the type of the
    acknowledgement, needed only if `reply` has no return annotation, such as a lambda. `echo` is an event that the
    server also sends back to the sender's socket. `summary` describes the event in the API documentation.

    `follow_up(result)` returns a query that is executed after the command; `reply` then receives a tuple of the
    command's result and the query's result.

    `commands` are the classes of the commands that `to_command` may return. The API documentation names the routes that
    execute the first of them.
    """

    payload: type[msgspec.Struct] | None
    to_command: Callable[[Any], Command[Any] | SocketCommand]
    reply: Callable[[Any], msgspec.Struct]
    answer: type[msgspec.Struct] | None = None
    summary: str = ""
    echo: Echo | None = None
    follow_up: Callable[[Any], Query[Any]] | None = None
    commands: tuple[type[Command[Any] | SocketCommand], ...] = ()

    def payload_of(self, raw: object) -> msgspec.Struct | None:
        """Returns an event's payload as the type that this entry declares; None if it declares none. `raw` is what the
        client sent. None, as JSON's `null`, is no payload: clients send it for `undefined`. Raises ChatError
        `invalid_request` with the path of the invalid value."""
        if self.payload is None:
            return None
        if self.payload is AnyJson:
            return AnyJson(raw)
        try:
            return msgspec.convert({} if raw is None else raw, self.payload)
        except msgspec.ValidationError as error:
            raise invalid_payload(error, self.payload) from None

    @property
    def answer_type(self) -> type[msgspec.Struct]:
        """Returns the type of the acknowledgement on success: `answer`, or else the return annotation of `reply`.
        Raises TypeError when there is neither."""
        return self.answer or _result_type(self.reply)


class To(Enum):
    """Which sockets receive a dialect's event about a conversation: all that follow the conversation (`ROOM`); those of
    them whose user did not cause the event (`OTHERS`); or members' sockets that do not follow it, again without the
    user who caused the event (`NON_FOLLOWERS`)."""

    ROOM = "all sockets that follow the conversation"
    OTHERS = "sockets that follow the conversation, except those of the user who caused the event"
    NON_FOLLOWERS = "members' sockets that do not follow it, except those of the user who caused the event"


@dataclass(frozen=True, slots=True)
class Outbound:
    """A dialect's entry for an event that the server sends to clients when an event happens in the chat.

    `payload` builds the payload from the chat's event. `struct` is the type of that payload, needed only if the
    function `payload` has no return annotation, such as a lambda. `to` selects the sockets that receive the event.
    `when`, if given, returns whether a chat event is sent under this name at all. `summary` describes the event in the
    API documentation.
    """

    name: str
    payload: Callable[[Any], msgspec.Struct]
    struct: type[msgspec.Struct] | None = None
    summary: str = ""
    to: To = To.ROOM
    when: Callable[[Any], bool] | None = None

    @property
    def payload_type(self) -> type[msgspec.Struct]:
        """Returns the type of the event's payload: `struct`, or else the return annotation of `payload`. Raises
        TypeError when there is neither."""
        return self.struct or _result_type(self.payload)


@dataclass(frozen=True, slots=True)
class PersonalOutbound:
    """A dialect's entry for an event that the server sends to some users when an event happens in the chat, with a
    payload of its own for each user.

    `payloads` builds pairs of user id and payload from the chat's event. It must not build more than `PERSONAL_MAX`:
    their offsets for recovery would not be unique. `struct` is the type of the payloads. With `followers_only`, the
    server sends the event only to those of a user's sockets that follow the conversation.
    """

    name: str
    payloads: Callable[[Any], Iterable[tuple[str, msgspec.Struct]]]
    struct: type[msgspec.Struct]
    summary: str = ""
    followers_only: bool = False

    @property
    def payload_type(self) -> type[msgspec.Struct]:
        """Returns the type of the event's payload."""
        return self.struct


PERSONAL_MAX = 100
"""Most pairs of a user and a payload that an entry builds for one event."""

OutboundEntry = Outbound | PersonalOutbound


def _result_type(function: Callable[..., msgspec.Struct]) -> type[msgspec.Struct]:
    """Returns the annotated return type of a function that builds a payload. Raises TypeError when it is not a
    Struct."""
    made = get_type_hints(function).get("return")
    if isinstance(made, type) and issubclass(made, msgspec.Struct):
        return made
    raise TypeError(
        f"{function.__qualname__} has no return annotation: annotate it, or give the type as `struct` or `answer`"
    )


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """The vocabulary of one kind of client application, in one Socket.IO namespace. `inbound` maps the names of the
    events that clients send to their entries; `outbound` maps each kind of chat event to the entries of the events that
    clients receive because of it. A kind of chat event that these clients do not receive is in `silent` instead.

    With `follows_all`, a socket receives the events of all conversations of its user from the start; otherwise only of
    the conversations that its client joins.
    """

    name: str
    namespace: str
    inbound: Mapping[str, Inbound]
    outbound: Mapping[type[Event], tuple[OutboundEntry, ...]]
    silent: frozenset[type[Event]]
    welcome: Callable[[User, str, str], Outbound | None]
    """Function `(user, socket id, cursor)` that returns the first event of a socket, or None. The argument of its
    `payload` is ignored."""
    refusal: Callable[[ChatError], msgspec.Struct]
    """Function `(refusal)` that returns the acknowledgement of a refused event."""
    error: Callable[[ChatError, str], tuple[str, msgspec.Struct]]
    """Function `(refusal, event name)` that returns the name and the payload of the event that reports a refusal to a
    client that did not ask for an acknowledgement."""
    goodbye: Callable[[str, bool], tuple[str, msgspec.Struct] | None]
    """Function `(reason, whether to reconnect)` that returns the name and the payload of the last event before the
    server closes a socket, or None."""
    follows_all: bool = False
    sends_notifications: bool = False
    """Whether events for sockets that do not follow a conversation are notifications. Then those of blocked users and
    muted conversations are not sent, and those missed while the user was offline are sent at the next connect, together
    with the events that the application has stored for the user."""
    refused_sign_in: Callable[[ChatError], tuple[str, msgspec.Struct]] | None = None
    """Function `(refusal)` that returns the name and the payload of an event for a client whose sign-in was refused:
    its socket is accepted, receives the event and is closed. If None, the client receives CONNECT_ERROR instead."""
    sends_to_non_followers: bool = field(init=False)
    """Whether sockets receive some events of conversations that they do not follow."""

    def __post_init__(self) -> None:
        sent = (each for packets in self.outbound.values() for each in packets)
        outside = any(isinstance(each, Outbound) and each.to is To.NON_FOLLOWERS for each in sent)
        object.__setattr__(self, "sends_to_non_followers", outside)
