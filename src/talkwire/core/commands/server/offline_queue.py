"""What is asked about mail: what waits for users who are not there."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Query
from talkwire.core.domain.model import Message


class Mail(msgspec.Struct, frozen=True):
    """One stored event; `payload` is its JSON. Mail that was stored later has a greater id, and none is given twice."""

    id: int
    event: str
    payload: str


class StoreMail(Change[None], frozen=True, tag="StoreMail"):
    """Keeps an event of the application's own for each of these users. For its backend and operators."""

    user_ids: tuple[str, ...]
    event: str
    payload: object


class ReadMail(Query[tuple[Mail, ...]], frozen=True, tag="ReadMail"):
    """The actor's next stored events, the oldest first, a page of them; none: these were all. `now_ms` is the time, by
    which the oldest are forgotten."""

    now_ms: int
    after_id: int = 0


class Missed(msgspec.Struct, frozen=True):
    """`message_ids` in the order of the log, which had come to `pos`: nothing else from before that is to be told."""

    message_ids: tuple[int, ...]
    pos: int


class FindMissed(Query[Missed], frozen=True, tag="FindMissed"):
    """The messages that the actor has not read and was not shown: behind the position up to which they were, or behind
    `after_pos` when that is further; the newest `MISSED_MAX` at most."""

    now_ms: int
    after_pos: int = 0


class ReadMissed(Query[tuple[Message, ...]], frozen=True, tag="ReadMissed"):
    """Those of the messages that the actor still may see and wants to hear of, in their order."""

    message_ids: tuple[int, ...]


class Arrival(msgspec.Struct, frozen=True):
    """What has arrived at a user: messages up to a log position, mail up to an id; 0: none yet."""

    user_id: str
    pos: int = 0
    mail_id: int = 0


class ConfirmArrivals(Change[None], frozen=True, tag="ConfirmArrivals"):
    """Nobody needs to be sent that again. For the server itself, which knows."""

    arrivals: tuple[Arrival, ...]
