"""What a dialect is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import msgspec

from talkwire.core.commands.command import Command
from talkwire.core.errors import ChatError
from talkwire.core.events import Event
from talkwire.core.model import User


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


SocketCommand = OpenRoom | CloseRoom | TellTime | RenewSignIn | WatchPresence | UnwatchPresence
"""What concerns one socket only and changes nothing in the chat."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One event that clients send: its payload's type (None: whatever is sent with it is ignored), the command that it
    is, and what the acknowledgement says of the command's result beside `success`.

    `answer` is the type that `reply` makes, where `reply` has no annotation that says it (a lambda has none). `summary`
    is its sentence in the reference.
    """

    payload: type[msgspec.Struct] | None
    to_command: Callable[[Any], Command[Any] | SocketCommand]
    reply: Callable[[Any], msgspec.Struct]
    answer: type[msgspec.Struct] | None = None
    summary: str = ""

    @property
    def answer_type(self) -> type[msgspec.Struct]:
        """What an acknowledgement is when the command was carried out. Raises TypeError when nothing says it."""
        return self.answer or _result_type(self.reply)


@dataclass(frozen=True, slots=True)
class Outbound:
    """One event that clients are sent. `struct` is what `payload` makes, where `payload` has no annotation that says it
    (a lambda has none). `summary` is its sentence in the reference."""

    name: str
    payload: Callable[[Any], msgspec.Struct]
    struct: type[msgspec.Struct] | None = None
    summary: str = ""

    @property
    def payload_type(self) -> type[msgspec.Struct]:
        """What is sent. Raises TypeError when nothing says it."""
        return self.struct or _result_type(self.payload)


def _result_type(function: Callable[[Any], msgspec.Struct]) -> type[msgspec.Struct]:
    """What a function makes, by its annotation."""
    made = get_type_hints(function).get("return")
    if isinstance(made, type) and issubclass(made, msgspec.Struct):
        return made
    raise TypeError(f"{function.__qualname__} does not say what it makes: annotate it, or name the type beside it")


@dataclass(frozen=True, slots=True)
class Dialect:
    """A vocabulary. Every event of the chat is either in `outbound` or in `silent`."""

    name: str
    namespace: str
    inbound: Mapping[str, Inbound]
    outbound: Mapping[type[Event], tuple[Outbound, ...]]
    silent: frozenset[type[Event]]
    welcome: Callable[[User, str, str], Outbound | None]
    """(user, socket id, cursor) -> what a socket is sent first; its `payload` takes nothing into account"""
    refusal: Callable[[ChatError], msgspec.Struct]
    """How an acknowledgement says that a command was refused."""
    error: Callable[[ChatError, str], tuple[str, msgspec.Struct]]
    """(refusal, name of the event) -> (event name, payload), for clients that asked for no acknowledgement"""
    goodbye: Callable[[str, bool], tuple[str, msgspec.Struct] | None]
    """(reason, whether to reconnect) -> (event name, payload): what a socket is sent before the server closes it"""
