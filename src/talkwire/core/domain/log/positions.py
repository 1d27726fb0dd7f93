"""Log positions, and the ids that are computed from them.

A log is the ordered record of a database's events. Its positions have no gaps, so an event's position also numbers the
object that the event creates: a message's id, for example, is the position at which it was sent, plus a constant.

Each log has a number, and its positions begin after `begins_after(number)`. So positions and ids of several logs differ
from each other, and either of them tells its log. A server has one log, which has the number 0 unless it was created
otherwise.
"""

from __future__ import annotations

_MESSAGE_IDS = 10**12

_OWN_IDS = 8 * 10**15
"""Least id that the server assigns itself, above any plausible row number of an application."""

LOG_SPAN = 2**46
"""Number of positions in one log: 44 years at 50,000 events a second."""

LOGS_MAX = 14
"""Most logs whose ids are all safe integers in JavaScript (below 2**53)."""


def begins_after(log: int) -> int:
    """Returns the position before the first one of the log with the number `log`, which is below `LOGS_MAX`."""
    return log * LOG_SPAN


def log_of(pos: int) -> int:
    """Returns the number of the log that a position belongs to. `begins_after(log)` belongs to that log too."""
    return pos // LOG_SPAN


def id_at(pos: int) -> int:
    """Returns the id of the message, offer or notice that the event at a position creates."""
    return _MESSAGE_IDS + pos


def pos_of(id_: int) -> int:
    """Returns the position of the event that created a message, an offer or a notice."""
    return id_ - _MESSAGE_IDS


def own_id_at(pos: int) -> str:
    """Returns the id that the server gives to what the event at a position creates and the application has not named,
    for example a user or a conversation."""
    return str(_OWN_IDS + pos)


def own_pos(value: str) -> int | None:
    """Returns the position for which `own_id_at` returns an id; None if the id is not one of the server."""
    if not is_own_id(value):
        return None
    pos = int(value) - _OWN_IDS
    return pos if own_id_at(pos) == value else None


def is_own_id(value: str) -> bool:
    """Returns whether a text is one of the ids that `own_id_at` returns. Applications may not choose these."""
    return value.isascii() and value.isdigit() and _OWN_IDS <= int(value) < _OWN_IDS + 10**15
