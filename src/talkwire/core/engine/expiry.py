"""Closes offers (proposed prices) and lifts bans when they expire, each with one timer that is set for the next
expiry."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

import structlog

from talkwire.core.commands.accounts import EndBans
from talkwire.core.commands.offers import ExpireOffers
from talkwire.core.domain.actors import BAN_EXPIRY, OFFER_EXPIRY
from talkwire.core.domain.events import News, OfferCreated, UserBanned
from talkwire.core.domain.model import Actor

RETRY_MS = 5000
WAIT_MIN_S = 1.0
"""The minimum wait in seconds after a check that found nothing due, because this machine's clock may be ahead of the
database's."""

WAIT_MAX_S = 3600.0
"""The maximum wait in seconds, because this machine's clock may be changed, or the machine suspended."""

_logger = structlog.get_logger(__name__)


class Submitter(Protocol):
    """The interface through which the timers execute `ExpireOffers` and `EndBans`. The chat implements it."""

    def submit(
        self, actor: Actor, command: ExpireOffers | EndBans, done: Callable[[int | None, Exception | None], None]
    ) -> None: ...


class Expiry(ABC):
    """The base class of timers that execute `command` when an offer or a ban expires. The command's result is the time
    when the next one expires, in milliseconds since 1970, or None."""

    actor: ClassVar[Actor]
    command: ClassVar[ExpireOffers | EndBans]
    failure: ClassVar[str]

    def __init__(self, chat: Submitter, clock_ms: Callable[[], int]) -> None:
        self._chat = chat
        self._clock_ms = clock_ms
        self._timer: asyncio.TimerHandle | None = None
        self._due_ms = 0
        self._closed = False

    def start(self) -> None:
        """Executes the command now, for everything that expired while no server was running, and sets the timer for the
        next expiry."""
        self._fire()

    @abstractmethod
    def due_ms_of(self, event: News) -> int | None:
        """Returns when the offer or ban that an event has created expires, in milliseconds since 1970. Returns None if
        it never expires, and for all other events."""

    def follow(self, events: Sequence[News]) -> None:
        """Moves the timer forward if an event of the batch has created an offer or a ban that expires earlier than the
        timer fires."""
        for event in events:
            due_ms = self.due_ms_of(event)
            if due_ms is not None:
                self._arm(due_ms)

    @property
    def next_at(self) -> float | None:
        """The time on the event loop's clock at which the timer fires; None if nothing is known to expire."""
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
        self._chat.submit(self.actor, self.command, self._done)

    def _done(self, next_due_ms: int | None, error: Exception | None) -> None:
        if error is not None:
            _logger.warning(self.failure, error=str(error))
            self._arm(self._clock_ms() + RETRY_MS)
        elif next_due_ms is not None:
            self._arm(next_due_ms, WAIT_MIN_S)


class OfferExpiry(Expiry):
    """Closes offers (proposed prices) when they expire, so that members are notified. An expired offer cannot be
    accepted even before it is closed."""

    actor = OFFER_EXPIRY
    command = ExpireOffers()
    failure = "offers_not_closed"

    def due_ms_of(self, event: News) -> int | None:
        return event.offer.expires_ms if type(event) is OfferCreated else None


class BanExpiry(Expiry):
    """Lifts bans from the server when they end."""

    actor = BAN_EXPIRY
    command = EndBans()
    failure = "bans_not_lifted"

    def due_ms_of(self, event: News) -> int | None:
        return event.until_ms if type(event) is UserBanned else None
