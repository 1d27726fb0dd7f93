"""Commands about the offline queue: events and messages that wait for disconnected users."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Query
from talkwire.core.domain.model import Message


class Mail(msgspec.Struct, frozen=True):
    """One stored event; `payload` is its JSON. Ids increase in the order of storing and are never reused."""

    id: int
    event: str
    payload: str


class StoreMail(Change[None], frozen=True, tag="StoreMail"):
    """Stores an event of the application for each of these users. Only for its backend and operators."""

    user_ids: tuple[str, ...]
    event: str
    payload: object


class ReadMail(Query[tuple[Mail, ...]], frozen=True, tag="ReadMail"):
    """Returns a page of the actor's stored events after `after_id`, oldest first; empty at the end.

    Events too old at `now_ms` are left out.
    """

    now_ms: int
    after_id: int = 0


class Missed(msgspec.Struct, frozen=True):
    """The messages that a user has missed, in log order.

    The list is complete up to the log position `pos`.
    """

    message_ids: tuple[int, ...]
    pos: int


class FindMissed(Query[Missed], frozen=True, tag="FindMissed"):
    """Finds messages that the actor has neither read nor received: the newest `MISSED_MAX` at most.

    They are after the position up to which the actor has received messages, or after `after_pos` if that is later.
    """

    now_ms: int
    after_pos: int = 0


class ReadMissed(Query[tuple[Message, ...]], frozen=True, tag="ReadMissed"):
    """Returns the messages of these ids that the actor may still see and has not muted, in order."""

    message_ids: tuple[int, ...]


class Arrival(msgspec.Struct, frozen=True):
    """What a user's devices have received: messages up to the log position `pos`, stored events up to the id `mail_id`;
    0 for none."""

    user_id: str
    pos: int = 0
    mail_id: int = 0


class ConfirmArrivals(Change[None], frozen=True, tag="ConfirmArrivals"):
    """Internal: records what users have received, so that it is not sent to them again."""

    arrivals: tuple[Arrival, ...]
