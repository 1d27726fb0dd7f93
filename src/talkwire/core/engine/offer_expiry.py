"""Closes offers when they expire, with one timer that is set for the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from talkwire.core.commands.offers import ExpireOffers
from talkwire.core.domain.actors import OFFER_EXPIRY
from talkwire.core.domain.events import News, OfferCreated
from talkwire.core.domain.model import Actor

RETRY_MS = 5000
WAIT_MIN_S = 1.0
"""The minimum wait in seconds after a check that found nothing due, because this machine's clock may be ahead of the
database's."""

WAIT_MAX_S = 3600.0
"""The maximum wait in seconds, because this machine's clock may be changed, or the machine suspended."""

_logger = structlog.get_logger(__name__)


class Submitter(Protocol):
    """The part of the chat that executes `ExpireOffers`."""

    def submit(
        self, actor: Actor, command: ExpireOffers, done: Callable[[int | None, Exception | None], None]
    ) -> None: ...


class OfferExpiry:
    """Closes expired offers, so that members are notified. An expired offer cannot be accepted even before it is
    closed."""

    def __init__(self, chat: Submitter, clock_ms: Callable[[], int]) -> None:
        self._chat = chat
        self._clock_ms = clock_ms
        self._timer: asyncio.TimerHandle | None = None
        self._due_ms = 0
        self._closed = False

    def start(self) -> None:
        """Closes the offers that have expired by now, also while no server was running."""
        self._fire()

    def follow(self, events: Sequence[News]) -> None:
        """Sets the timer for new offers in a batch of events."""
        for event in events:
            if type(event) is OfferCreated and event.offer.expires_ms is not None:
                self._arm(event.offer.expires_ms)

    @property
    def next_at(self) -> float | None:
        """When the timer fires, on the event loop's clock; None if no offer is known to expire."""
        return None if self._timer is None else self._timer.when()

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self, due_ms: int, wait_min_s: float = 0.0) -> None:
        if self._closed or (self._timer is not None and self._due_ms <= due_ms):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due_ms = due_ms
        wait_s = min(max(wait_min_s, (due_ms - self._clock_ms()) / 1000), WAIT_MAX_S)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._chat.submit(OFFER_EXPIRY, ExpireOffers(), self._done)

    def _done(self, next_due_ms: int | None, error: Exception | None) -> None:
        if error is not None:
            _logger.warning("expired offers could not be closed", error=str(error))
            self._arm(self._clock_ms() + RETRY_MS)
        elif next_due_ms is not None:
            self._arm(next_due_ms, WAIT_MIN_S)
