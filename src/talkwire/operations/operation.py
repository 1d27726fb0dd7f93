"""What an operation is: a command with everything by which clients know it.

The REST routes (`api/operation_routes.py`), the events of the messenger dialect (`dialects/operation_events.py`), the
names of commands and the reasons why the audit log has no entry of a command read these rows. Where a route or an event
needs code of its own, the code is in the route's or the dialect's module, and the row says the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import msgspec

from talkwire.core.commands.command import Command
from talkwire.operations.shapes import InputMember, Shape
from talkwire.operations.socket_commands import SocketCommand

OWN = "concerns nobody but the actor"
TAKES_PART = "is what members do: it takes nothing from others"
SPEAKS = "is what members do; the backend does it in their name, and the log of events shows it"
SENDS = (
    "is what members do, and the log of events shows it; only what an agent sends on behalf of its owner has an entry, "
    "which the feature adds"
)
ROUTINE = "is the backend's routine, which takes nothing from anyone; the log of events shows it"

CommandType = type[Command[Any] | SocketCommand]


@dataclass(frozen=True, slots=True)
class One:
    """An answer of one JSON object: `payload(result of the command)`. The acknowledgement of an event has it in its
    member `name`."""

    payload: Callable[[Any], msgspec.Struct]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Paged:
    """An answer of a page of a list (`Page`), with `payload(item)` for each of its items. The acknowledgement of an
    event has them in its member `name`."""

    payload: Callable[[Any], msgspec.Struct]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """An answer of a whole list, with `payload(item)` for each item of the result. The acknowledgement of an event has
    them in its member `name`."""

    payload: Callable[[Any], msgspec.Struct]
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """An operation: clients ask for `command` with a REST request, with an event of the messenger dialect, or both."""

    command: CommandType
    _: KW_ONLY
    also: tuple[type[Command[Any]], ...] = ()
    """Other commands that the same route or event executes, depending on what the client sends."""
    summary: str
    """What it does, in a phrase without a full stop."""
    event_summary: str = ""
    """What the event does, if more is to say about it, in sentences."""
    description: str | None = None
    """What else there is to say about the route."""
    event: str | None = None
    """The name of the event, such as `offer:create`."""
    name: str = ""
    """The command's name for logs and metrics, if it is not that of the event; without an event, also for hooks."""
    socket_only: str = ""
    """Why there is no route."""
    route: str | None = None
    """The method and the path below `/api/v1`, such as `PATCH /offers/{offer_id}`. The names in braces are fields of
    the command; a query or a body has the others."""
    alias: str | None = None
    """A second path of the route, from the root."""
    tag: str = ""
    """The heading below which the API's documentation lists the route."""
    operation_id: str = ""
    """The name of the route for generated clients; by default, that of the command, such as `createOffer`."""
    status: int | None = None
    """The HTTP status of success, if it is not 201 for a POST request, 204 without an answer, and else 200."""
    refuses: tuple[int, ...] = ()
    """Further HTTP statuses with which the route refuses."""
    answer: One | Paged | Listed | None = None
    """What clients receive; None if success says all."""
    members: Mapping[str, InputMember] = field(default_factory=dict)
    """How clients give the fields of the command that they do not give as they are."""
    fixed: Mapping[str, object] = field(default_factory=dict)
    """Fields of the command that are the same for each request, or are what this function returns."""
    without: tuple[str, ...] = ()
    """Fields of the command that clients cannot set."""
    body: Shape | None = None
    body_optional: bool = False
    """Whether a request without a body is one whose members have their defaults."""
    in_query: tuple[str, ...] = ()
    """The fields that a route with a body takes in the query instead."""
    last_in_query: tuple[str, ...] = ()
    """The fields that the API's documentation lists last among the parameters of the query."""
    payload: Shape | None = None
    """What the event's payload is; by default a shape with the command's name."""
    unaudited: str | None = None
    """Why the audit log has no entry of the command; None for a query, and for a command with a rule in
    `core/features/moderation/acts.py`."""

    @property
    def chat_commands(self) -> tuple[type[Command[Any]], ...]:
        """Returns those of its commands that the chat executes; none if the operation concerns one socket only."""
        return tuple(each for each in self.commands if issubclass(each, Command))

    @property
    def commands(self) -> tuple[CommandType, ...]:
        """Returns all commands that the operation may execute."""
        return self.command, *self.also
