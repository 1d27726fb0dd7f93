"""The classes in which the demo's story is written: people, conversations, messages and price offers, with their times.

A time is either a number of days before the server starts with a time of day, or a number of minutes before the start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from talkwire.core.domain.cards.card import AskedCard
from talkwire.core.domain.model import AgentsPolicy, ConversationKind

When = tuple[int, str] | int
"""Time in the story: a pair (days before the start, "HH:MM"), or minutes before the start."""


@dataclass(frozen=True, slots=True)
class Person:
    """A fictional person of the demo. `role` is the person's status text."""

    id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of the demo. A picture also has its width and height in pixels, and a thumbnail."""

    name: str
    content_type: str
    content: bytes
    width: int | None = None
    height: int | None = None
    thumbnail: bytes | None = None


@dataclass(frozen=True, slots=True)
class ScriptedMessage:
    """A message of the demo's story, by the person with the id `who`. `reply_to` and `thread` are the `name` of an
    earlier message.

    `reactions` has emojis: the key of each is the id of the person who added it. In the same way, `choices` has the ids
    of the actions of the `card` that people have chosen.
    """

    who: str
    content: str
    when: When
    name: str | None = None
    reply_to: str | None = None
    thread: str | None = None
    files: Sequence[Attached] = ()
    reactions: Mapping[str, str] = field(default_factory=dict)
    pinned_by: str | None = None
    card: AskedCard | None = None
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offered:
    """A price offer of `amount` cents that a member makes in a conversation and that is open for `days` days."""

    who: str
    title: str
    description: str
    amount: int
    currency: str
    days: int
    when: When


@dataclass(frozen=True, slots=True)
class Room:
    """A conversation of the demo, with its story. `unread` says, by a person's id, how many of the newest messages the
    person has not read. `favourite_of` has the ids of those whose favourite it is, and `sections` the section of the
    list in which a person has it, by the person's id.
    """

    id: str
    kind: ConversationKind
    name: str | None
    members: tuple[str, ...]
    opened: When
    story: Sequence[ScriptedMessage | Offered]
    admins: tuple[str, ...] = ()
    public: bool = False
    unread: Mapping[str, int] = field(default_factory=dict)
    favourite_of: tuple[str, ...] = ()
    sections: Mapping[str, str] = field(default_factory=dict)
    agents: AgentsPolicy | None = None
    """Which messages are work for agents; None for the default."""


def moment(start: datetime, when: When) -> int:
    """Returns a time of the story in milliseconds since 1970, for a server that starts at `start`.

    `when` is a pair, such as `(2, "09:30")`: days before `start` and a time of day in the time zone of `start`. Or it
    is the number of minutes before `start`.
    """
    if isinstance(when, int):
        return _ms(start - timedelta(minutes=when))
    days, clock = when
    hours, minutes = map(int, clock.split(":"))
    day = start - timedelta(days=days)
    return _ms(day.replace(hour=hours, minute=minutes, second=(hours * 7 + minutes * 13) % 60, microsecond=0))


def _ms(time: datetime) -> int:
    return round(time.astimezone(UTC).timestamp() * 1000)
