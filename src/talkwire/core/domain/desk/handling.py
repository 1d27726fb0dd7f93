"""Who handles a conversation with teams, and whether it is open."""

from __future__ import annotations

from typing import Literal

HandlingState = Literal["open", "closed"]

HANDOFF_NOTE_MAX_LENGTH = 2000
"""Longest note of a handoff, in characters."""


def state_of(*, closed: bool) -> HandlingState:
    """Returns the state as clients see it."""
    return "closed" if closed else "open"
