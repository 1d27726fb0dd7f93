"""The classes of what the client's streams yield: `Event` for stored events and `Signal` for others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Type_co = TypeVar("Type_co", bound=str, covariant=True)
Data_co = TypeVar("Data_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Event(Generic[Type_co, Data_co]):
    """An event that is stored in the server's log, such as a new message.

    `AnyEvent` is the union of all types: after `if event.type == "message:new"`, a type checker knows that `event.data`
    is a `Message`. Newer servers send further types, which are not in the union: ignore them.
    """

    cursor: str
    """The position after this event, for `events(after=...)`. It is also the event's id."""

    type: Type_co
    data: Data_co

    conversation_id: str | None = None
    """The conversation that the event is about, if it is about one."""

    time: str | None = None
    """When the event was written (ISO 8601, UTC). Only in the stream of the service and of admins."""

    actor_id: str | None = None
    """The user that caused the event, if the log says so. Only in the stream of the service and of admins."""


@dataclass(frozen=True, slots=True)
class Signal(Generic[Type_co, Data_co]):
    """An event that the server does not store: typing, presence, calls, notifications, the progress of uploads.

    Signals that occur while the client is not connected are lost.
    """

    type: Type_co
    data: Data_co
