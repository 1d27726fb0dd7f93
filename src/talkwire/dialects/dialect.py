"""The classes from which dialects are built."""

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


class JoinRoom(msgspec.Struct, frozen=True):
    """A client asks to receive the events of a conversation on this socket. Returns the conversation's id."""

    conversation_id: str


class LeaveRoom(msgspec.Struct, frozen=True):
    """A client asks to stop receiving the events of a conversation on this socket. Returns the conversation's id."""

    conversation_id: str


class GetServerTime(msgspec.Struct, frozen=True):
    """A client asks for the server's time. Returns milliseconds since 1970."""


class RenewSignIn(msgspec.Struct, frozen=True):
    """A client presents a newer token of the same user. Returns when that token expires, in seconds since 1970, or
    None."""

    token: str


class SubscribePresence(msgspec.Struct, frozen=True):
    """A client asks to receive presence changes of these users on this socket. Returns their current presence."""

    user_ids: tuple[str, ...]


class UnsubscribePresence(msgspec.Struct, frozen=True):
    """A client asks to stop receiving presence changes of these users on this socket."""

    user_ids: tuple[str, ...]


class GetIdentity(msgspec.Struct, frozen=True):
    """A client asks which user and socket it is connected as. Returns a `SocketIdentity`."""


class SocketIdentity(msgspec.Struct, frozen=True):
    """The user that a socket's token belongs to, and the socket's id."""

    user_id: str
    socket_id: str


class AnyJson(msgspec.Struct, frozen=True):
    """The payload of an event that accepts any JSON: `value`, or None if the event has no payload."""

    value: object = None


SocketCommand = (
    JoinRoom | LeaveRoom | GetServerTime | RenewSignIn | SubscribePresence | UnsubscribePresence | GetIdentity
)
"""Commands that concern only one socket and change nothing in the chat."""


@dataclass(frozen=True, slots=True)
class Echo:
    """An event that the server sends back to the socket that sent an event, besides the acknowledgement.

    `payload(received payload, result)` builds its payload. `struct` is the type of that payload, needed only if
    `payload` has no return annotation, such as a lambda. `summary` describes the event in the API documentation.
    """

    name: str
    payload: Callable[[Any, Any], msgspec.Struct]
    struct: type[msgspec.Struct] | None = None
    summary: str = ""

    @property
    def payload_type(self) -> type[msgspec.Struct]:
        """Returns the type of the payload. Raises TypeError when it is neither given nor annotated."""
        return self.struct or _result_type(self.payload)


@dataclass(frozen=True, slots=True)
class Inbound:
    """An event that clients send.

    `payload` is the type of its payload; if None, the event's arguments are ignored. `to_command` builds the command
    from the payload, and `reply` the acknowledgement from the command's result. `answer` is the type of the
    acknowledgement, needed only if `reply` has no return annotation, such as a lambda. `echo` is an event that the
    server also sends back to the sender's socket. `summary` describes the event in the API documentation.

    `follow_up(result)` returns a query that is executed after the command; `reply` then receives a tuple of both
    results.
    """

    payload: type[msgspec.Struct] | None
    to_command: Callable[[Any], Command[Any] | SocketCommand]
    reply: Callable[[Any], msgspec.Struct]
    answer: type[msgspec.Struct] | None = None
    summary: str = ""
    echo: Echo | None = None
    follow_up: Callable[[Any], Query[Any]] | None = None

    @property
    def answer_type(self) -> type[msgspec.Struct]:
        """Returns the type of the acknowledgement on success. Raises TypeError when it is neither given nor
        annotated."""
        return self.answer or _result_type(self.reply)


class To(Enum):
    """The sockets that receive an event of a conversation."""

    ROOM = "all sockets that follow the conversation"
    OTHERS = "sockets that follow the conversation, except those of the user who caused the event"
    NON_FOLLOWERS = "members' sockets that do not follow it, except those of the user who caused the event"


@dataclass(frozen=True, slots=True)
class Outbound:
    """An event that the server sends to clients when a chat event happens.

    `payload` builds its payload from the chat event. `struct` is the type of that payload, needed only if `payload` has
    no return annotation, such as a lambda. `when`, if given, returns whether a chat event is sent under this name at
    all. `summary` describes the event in the API documentation.
    """

    name: str
    payload: Callable[[Any], msgspec.Struct]
    struct: type[msgspec.Struct] | None = None
    summary: str = ""
    to: To = To.ROOM
    when: Callable[[Any], bool] | None = None

    @property
    def payload_type(self) -> type[msgspec.Struct]:
        """Returns the type of the payload. Raises TypeError when it is neither given nor annotated."""
        return self.struct or _result_type(self.payload)


@dataclass(frozen=True, slots=True)
class PersonalOutbound:
    """An event with a separate payload for each recipient.

    `payloads` yields pairs of user id and payload, at most `PERSONAL_MAX` for one chat event. With `followers_only`,
    only the recipients' sockets that follow the conversation receive it.
    """

    name: str
    payloads: Callable[[Any], Iterable[tuple[str, msgspec.Struct]]]
    struct: type[msgspec.Struct]
    summary: str = ""
    followers_only: bool = False

    @property
    def payload_type(self) -> type[msgspec.Struct]:
        """Returns the type of the payload."""
        return self.struct


PERSONAL_MAX = 100

OutboundEntry = Outbound | PersonalOutbound


def _result_type(function: Callable[..., msgspec.Struct]) -> type[msgspec.Struct]:
    """Returns the annotated return type of a function. Raises TypeError when it is not a Struct."""
    made = get_type_hints(function).get("return")
    if isinstance(made, type) and issubclass(made, msgspec.Struct):
        return made
    raise TypeError(
        f"{function.__qualname__} has no return annotation: annotate it, or give the type as `struct` or `answer`"
    )


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """The vocabulary of one kind of client. Every chat event is in either `outbound` or `silent`.

    With `follows_all`, a socket follows all conversations of its user from the start; otherwise it follows those that
    its client joins.
    """

    name: str
    namespace: str
    inbound: Mapping[str, Inbound]
    outbound: Mapping[type[Event], tuple[OutboundEntry, ...]]
    silent: frozenset[type[Event]]
    welcome: Callable[[User, str, str], Outbound | None]
    """A function `(user, socket id, cursor)` that returns the first event of a socket, or None. The argument of its
    `payload` is ignored."""
    refusal: Callable[[ChatError], msgspec.Struct]
    """A function `(refusal)` that returns the acknowledgement of a refused event."""
    error: Callable[[ChatError, str], tuple[str, msgspec.Struct]]
    """A function `(refusal, event name)` that returns the name and the payload of the event that reports a refusal to a
    client that did not ask for an acknowledgement."""
    goodbye: Callable[[str, bool], tuple[str, msgspec.Struct] | None]
    """A function `(reason, whether to reconnect)` that returns the name and the payload of the last event before the
    server closes a socket, or None."""
    follows_all: bool = False
    sends_notifications: bool = False
    """Whether events for sockets that do not follow a conversation are notifications. If so, those of blocked users and
    muted conversations are not sent, and those missed while the user was offline are sent at the next connect, together
    with the events that the application has stored for the user."""
    refused_sign_in: Callable[[ChatError], tuple[str, msgspec.Struct]] | None = None
    """A function `(refusal)` that returns the name and the payload of an event for a client whose sign-in was refused:
    its socket is accepted, receives the event and is closed. If None, the client receives CONNECT_ERROR instead."""
    sends_to_non_followers: bool = field(init=False)
    """Whether sockets receive some events of conversations that they do not follow."""

    def __post_init__(self) -> None:
        told = (each for packets in self.outbound.values() for each in packets)
        outside = any(isinstance(each, Outbound) and each.to is To.NON_FOLLOWERS for each in told)
        object.__setattr__(self, "sends_to_non_followers", outside)
