"""Commands about the offline queue: custom events and messages that wait for users who are not connected."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from talkwire.core.commands.command import Change, Query
from talkwire.core.domain.model import Message


class Mail(msgspec.Struct, frozen=True):
    """One custom event in a user's offline queue; `payload` is its JSON. Ids increase in the order of storing and are
    never reused."""

    id: int
    event: str
    payload: str


class StoreMail(Change[None], frozen=True, tag="StoreMail"):
    """Stores a custom event of the application in the offline queues of the users in `user_ids`, for their next
    connections. Only for the application's backend and operators."""

    user_ids: tuple[str, ...]
    event: str
    payload: object


class ReadMail(Query[tuple[Mail, ...]], frozen=True, tag="ReadMail"):
    """Returns a page of the custom events in the actor's offline queue with ids after `after_id`, oldest first; empty
    at the end.

    Events that have outlived their retention time at `now_ms` are left out.
    """

    now_ms: int
    after_id: int = 0


class MissedMessage(NamedTuple):
    """A message that a user has missed, and its place in the log: where it was sent or, if it was a stream, where it
    has ended for the first time."""

    pos: int
    id: int


class Missed(msgspec.Struct, frozen=True):
    """The messages that a user has missed while disconnected, in log order.

    The list is complete up to the log position `pos`.
    """

    messages: tuple[MissedMessage, ...]
    pos: int


class FindMissed(Query[Missed], frozen=True, tag="FindMissed"):
    """Returns the messages that the actor has neither read nor received, in log order, at most the newest
    `MISSED_MESSAGES_MAX`.

    Considers only messages after the log position up to which the actor has received messages, or after `after_pos` if
    that is later.
    """

    now_ms: int
    after_pos: int = 0


class ReadMissed(Query[tuple[Message, ...]], frozen=True, tag="ReadMissed"):
    """Returns those of the messages with these ids that the actor may still see and wants to receive (not from blocked
    users, not in muted conversations), in ascending order of ids."""

    message_ids: tuple[int, ...]


class Arrival(msgspec.Struct, frozen=True):
    """A record that a user's devices have received messages up to the log position `pos` and events of the offline
    queue up to the id `mail_id`; 0 for none."""

    user_id: str
    pos: int = 0
    mail_id: int = 0


class ConfirmArrivals(Change[None], frozen=True, tag="ConfirmArrivals"):
    """Internal: records which messages and queued events users have received, so that these are not sent to them
    again."""

    arrivals: tuple[Arrival, ...]
