"""Timers: what the server does by itself at a time.

A timer belongs to a row, such as an offer that expires, and only says when to look at that row. The row is the source
of truth: a timer that fires early for it, because the row has been moved meanwhile, is set again.
"""

from __future__ import annotations

from typing import NamedTuple

OFFER = "offer"
"""A pending offer expires. The key is the offer's id."""

BAN = "ban"
"""A ban from the server ends. The key is the user's id."""

CONVERSATION_BAN = "conversation-ban"
"""A ban from a conversation ends. The key is `restriction_key`."""

MUTE = "mute"
"""A moderator's mute ends. The key is `restriction_key`."""


class Timer(NamedTuple):
    """A timer that fires at `due_ms`, in milliseconds since 1970 by the database's clock. There is one of each `kind`
    and `key`."""

    kind: str
    key: str
    due_ms: int


def restriction_key(conversation_id: str, user_id: str) -> str:
    """Returns the key of the timer of a user's restriction in a conversation. Ids contain no `/`."""
    return f"{conversation_id}/{user_id}"
