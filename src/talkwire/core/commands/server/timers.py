"""Timers, by which the server does something by itself at a time, and the commands with which nodes fire them.

A timer belongs to a row, such as an offer that expires, and only says when to look at that row. The row is the source
of truth: a timer that fires too early for it, because the row has been moved meanwhile, is set again.
"""

from __future__ import annotations

from typing import NamedTuple

from talkwire.core.commands.command import Change, Query

OFFER_TIMER = "offer"
"""Kind of the timers that let a pending offer expire. The key is the offer's id."""

BAN_TIMER = "ban"
"""Kind of the timers that end a ban from the server. The key is the user's id."""

CONVERSATION_BAN_TIMER = "conversation-ban"
"""Kind of the timers that end a ban from a conversation. The key is `restriction_key`."""

MUTE_TIMER = "mute"
"""Kind of the timers that end a moderator's mute. The key is `restriction_key`."""


class Timer(NamedTuple):
    """A timer that fires at `due_ms`, in milliseconds since 1970 by the database's clock. There is one of each `kind`
    and `key`."""

    kind: str
    key: str
    due_ms: int


def restriction_key(conversation_id: str, user_id: str) -> str:
    """Returns the key of the timer of a user's restriction in a conversation. Ids contain no `/`."""
    return f"{conversation_id}/{user_id}"


class NextTimer(NamedTuple):
    """The timer that fires first, and in how many milliseconds by the database's clock: 0 or less if it is due."""

    timer: Timer
    wait_ms: int


class FindTimer(Query["NextTimer | None"], frozen=True, tag="FindTimer"):
    """Finds the timer that fires first. Only for operators."""


class FiredTimers(NamedTuple):
    """What `FireTimers` has done. `late_ms` says of each timer that fired how late that was. Without `is_own`, nothing
    was done, since another node is firing the timers. `asked` are the ids of messages whose streams are to be ended
    once the application has been asked."""

    late_ms: tuple[int, ...] = ()
    is_own: bool = True
    asked: tuple[int, ...] = ()


class FireTimers(Change[FiredTimers], frozen=True, tag="FireTimers"):
    """Fires at most `limit` timers that are due, if `first` is still the first of them. With `is_asked`, the
    application is asked about messages before they are sent. Only for operators."""

    first: Timer
    limit: int
    is_asked: bool = False


class PostponeTimer(Change[None], frozen=True, tag="PostponeTimer"):
    """Moves a timer that has failed, so that it holds up no others, by `wait_ms`. Only for operators."""

    timer: Timer
    wait_ms: int


class AddMissingTimers(Change[None], frozen=True, tag="AddMissingTimers"):
    """Sets the timers of rows that nodes of a version without timers have written. Only for operators."""
