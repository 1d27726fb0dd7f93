"""Sends members the counts of open cards while others choose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from talkwire.core.domain.events import CardActed, CardUpdated, News

EVERY_S = 0.5
"""Seconds in which the choices of a card are collected into one signal."""


class LivePolls:
    """Sends the counts of cards in which members choose, by passing events to `notify`, for each card at most once in
    `EVERY_S`. Cards that hide their counts before the end are left out."""

    def __init__(self, notify: Callable[[Sequence[CardUpdated]], None]) -> None:
        self._notify = notify
        self._changed: dict[int, CardUpdated] = {}
        self._timer: asyncio.TimerHandle | None = None

    def follow(self, events: Sequence[News]) -> None:
        """Collects the new counts from a batch of events."""
        for event in events:
            if type(event) is CardActed:
                self._collect(event)
        if self._changed and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._send)

    def close(self) -> None:
        """Stops the timer. Clients find the last counts in the card."""
        if self._timer is not None:
            self._timer.cancel()

    def _collect(self, event: CardActed) -> None:
        message = event.message
        counts = None if message.card is None else message.card.shown_counts
        if counts is not None:
            self._changed[message.id] = CardUpdated(message.conversation_id, message.id, message.seq, counts)

    def _send(self) -> None:
        self._timer = None
        changed, self._changed = [*self._changed.values()], {}
        self._notify(changed)
