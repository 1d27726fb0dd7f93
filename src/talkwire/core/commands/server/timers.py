"""The commands with which nodes fire timers (`core/domain/timers.py`)."""

from __future__ import annotations

from typing import NamedTuple

from talkwire.core.commands.command import Change, Query
from talkwire.core.domain.timers import Timer


class NextTimer(NamedTuple):
    """The timer that fires first, and in how many milliseconds by the database's clock: 0 or less if it is due."""

    timer: Timer
    wait_ms: int


class FindTimer(Query["NextTimer | None"], frozen=True, tag="FindTimer"):
    """Finds the timer that fires first. Only for operators."""


class FiredTimers(NamedTuple):
    """What `FireTimers` has done. `late_ms` says of each timer that fired how late that was. Without `is_own`, nothing
    was done, since another node is firing the timers."""

    late_ms: tuple[int, ...] = ()
    is_own: bool = True


class FireTimers(Change[FiredTimers], frozen=True, tag="FireTimers"):
    """Fires at most `limit` timers that are due, if `first` is still the first of them. Only for operators."""

    first: Timer
    limit: int


class PostponeTimer(Change[None], frozen=True, tag="PostponeTimer"):
    """Moves a timer that has failed, so that it holds up no others, by `wait_ms`. Only for operators."""

    timer: Timer
    wait_ms: int


class AddMissingTimers(Change[None], frozen=True, tag="AddMissingTimers"):
    """Sets the timers of rows that nodes of a version without timers have written. Only for operators."""
