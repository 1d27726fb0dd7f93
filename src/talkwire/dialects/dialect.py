"""What a dialect is made of."""

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


class OpenRoom(msgspec.Struct, frozen=True):
    """The client wants this socket to hear of a conversation."""

    conversation_id: str


class CloseRoom(msgspec.Struct, frozen=True):
    """The client does not want this socket to hear of a conversation any more."""

    conversation_id: str


class TellTime(msgspec.Struct, frozen=True):
    """The client asks for the server's clock: it is answered with milliseconds since 1970."""


class RenewSignIn(msgspec.Struct, frozen=True):
    """The client has a newer token of the same user: it is answered with when that one expires, in seconds since 1970,
    or None."""

    token: str


class WatchPresence(msgspec.Struct, frozen=True):
    """The client wants this socket to be told of these users' presence: it is answered with what that is."""

    user_ids: tuple[str, ...]


class UnwatchPresence(msgspec.Struct, frozen=True):
    """The client does not want that any more."""

    user_ids: tuple[str, ...]


class TellIdentity(msgspec.Struct, frozen=True):
    """The client asks who it is: it is answered with an `SocketIdentity`."""


class Greet(msgspec.Struct, frozen=True):
    """The client says something that concerns nobody else: it is answered with nothing."""


class SocketIdentity(msgspec.Struct, frozen=True):
    """Who a socket belongs to, as its token says it."""

    user_id: str
    socket_id: str


class AnyJson(msgspec.Struct, frozen=True):
    """The payload of an event that takes any JSON: `value` is it, None when there is none."""

    value: object = None


SocketCommand = OpenRoom | CloseRoom | TellTime | RenewSignIn | WatchPresence | UnwatchPresence | TellIdentity | Greet
"""What concerns one socket only and changes nothing in the chat."""


@dataclass(frozen=True, slots=True)
class Echo:
    """An event that goes back to the socket whose client has sent one. `payload` makes it of what was sent and of what
    came of that. `struct` is its type, where `payload` has no annotation that says it (a lambda has none). `summary` is
    its sentence in the reference."""

    name: str
    payload: Callable[[Any, Any], msgspec.Struct]
    struct: type[msgspec.Struct] | None = None
    summary: str = ""

    @property
    def payload_type(self) -> type[msgspec.Struct]:
        """What is sent. Raises TypeError when nothing says it."""
        return self.struct or _result_type(self.payload)


@dataclass(frozen=True, slots=True)
class Inbound:
    """One event that clients send: its payload's type (None: whatever is sent with it is ignored), the command that it
    is, and what the acknowledgement says of the command's result beside `success`.

    `answer` is the type that `reply` makes, where `reply` has no annotation that says it (a lambda has none). `echo`
    is what the sender's socket is told as an event of its own, whether it asked for an acknowledgement or not.
    `summary` is the event's sentence in the reference.

    `then` is what an acknowledgement has to ask beside: result -> query. `reply` is given (result, what was found).
    """

    payload: type[msgspec.Struct] | None
    to_command: Callable[[Any], Command[Any] | SocketCommand]
    reply: Callable[[Any], msgspec.Struct]
    answer: type[msgspec.Struct] | None = None
    summary: str = ""
    echo: Echo | None = None
    then: Callable[[Any], Query[Any]] | None = None

    @property
    def answer_type(self) -> type[msgspec.Struct]:
        """What an acknowledgement is when the command was carried out. Raises TypeError when nothing says it."""
        return self.answer or _result_type(self.reply)


class To(Enum):
    """Which sockets an event of a conversation goes to."""

    ROOM = "all that follow the conversation"
    OTHERS = "those of them that are not of the user who did it"
    OUTSIDE = "the members' that do not follow it, but not those of the user who did it"


@dataclass(frozen=True, slots=True)
class Outbound:
    """One event that clients are sent. `struct` is what `payload` makes, where `payload` has no annotation that says it
    (a lambda has none). `when` says whether an event of the chat is told at all, for names that go with a part of what
    happened. `summary` is its sentence in the reference."""

    name: str
    payload: Callable[[Any], msgspec.Struct]
    struct: type[msgspec.Struct] | None = None
    summary: str = ""
    to: To = To.ROOM
    when: Callable[[Any], bool] | None = None

    @property
    def payload_type(self) -> type[msgspec.Struct]:
        """What is sent. Raises TypeError when nothing says it."""
        return self.struct or _result_type(self.payload)


@dataclass(frozen=True, slots=True)
class Personal:
    """An event that goes to single users, each with payloads of their own: `payloads` gives (user id, payload), at most
    `PERSONAL_MAX` for one event of the chat. `followers_only`: only to their sockets that follow the conversation."""

    name: str
    payloads: Callable[[Any], Iterable[tuple[str, msgspec.Struct]]]
    struct: type[msgspec.Struct]
    summary: str = ""
    followers_only: bool = False

    @property
    def payload_type(self) -> type[msgspec.Struct]:
        """What is sent."""
        return self.struct


PERSONAL_MAX = 100

Told = Outbound | Personal


def _result_type(function: Callable[..., msgspec.Struct]) -> type[msgspec.Struct]:
    """What a function makes, by its annotation."""
    made = get_type_hints(function).get("return")
    if isinstance(made, type) and issubclass(made, msgspec.Struct):
        return made
    raise TypeError(f"{function.__qualname__} does not say what it makes: annotate it, or name the type beside it")


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """A vocabulary. Every event of the chat is either in `outbound` or in `silent`.

    `follows_all`: a socket follows all conversations of its user from the beginning; else those that it opens.
    """

    name: str
    namespace: str
    inbound: Mapping[str, Inbound]
    outbound: Mapping[type[Event], tuple[Told, ...]]
    silent: frozenset[type[Event]]
    welcome: Callable[[User, str, str], Outbound | None]
    """(user, socket id, cursor) -> what a socket is sent first; its `payload` takes nothing into account"""
    refusal: Callable[[ChatError], msgspec.Struct]
    """How an acknowledgement says that a command was refused."""
    error: Callable[[ChatError, str], tuple[str, msgspec.Struct]]
    """(refusal, name of the event) -> (event name, payload), for clients that asked for no acknowledgement"""
    goodbye: Callable[[str, bool], tuple[str, msgspec.Struct] | None]
    """(reason, whether to reconnect) -> (event name, payload): what a socket is sent before the server closes it"""
    follows_all: bool = False
    notifies: bool = False
    """What sockets are told of messages in conversations that they do not follow are notifications: not of whom their
    user has blocked, nor of what they have muted. What came while a user had no such socket is sent at the next
    connect, and so is what the application has stored for them."""
    turned_away: Callable[[ChatError], tuple[str, msgspec.Struct]] | None = None
    """(refusal) -> (event name, payload): what a client is told whose sign-in was refused, by a socket that is closed
    at once; None: it gets no socket, but CONNECT_ERROR."""
    told_outside: bool = field(init=False)
    """Whether sockets that do not follow a conversation are told of what happens there."""

    def __post_init__(self) -> None:
        told = (each for packets in self.outbound.values() for each in packets)
        outside = any(isinstance(each, Outbound) and each.to is To.OUTSIDE for each in told)
        object.__setattr__(self, "told_outside", outside)
