"""The list of functions on this node that receive the chat's events, and their order."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from enum import IntEnum
from operator import itemgetter

import structlog

from talkwire.core.domain.events import News

Listener = Callable[[Sequence[News]], None]


def never() -> bool:
    """Returns False: a listener needs only the events of conversations with users on this node."""
    return False


_logger = structlog.get_logger(__name__)


class Stage(IntEnum):
    """The order in which listeners receive a batch of events. Within a stage, listeners are called in the order in
    which they subscribed."""

    STATE = 0
    """This node's state of the chat, which all other listeners read."""
    REPLAY = 1
    """The memory for replays: a socket that starts to resume in this turn must find the batch there."""
    DELIVERY = 2
    """Sends the batch to sockets."""
    AFTER_DELIVERY = 3
    """Proves deliveries, and sends what follows from the batch, behind the batch itself."""
    OBSERVERS = 4
    """Everything that no other stage depends on."""


class Listeners:
    """The functions that receive the chat's events, in the order of their stages."""

    def __init__(self) -> None:
        self._listeners: list[tuple[Stage, Listener]] = []
        self._needs_all: list[Callable[[], bool]] = []

    def add(self, listener: Listener, stage: Stage, needs_all: Callable[[], bool]) -> None:
        """Adds a listener. `needs_all` returns whether it needs the events of all conversations at present, also of
        those without users on this node."""
        insort(self._listeners, (stage, listener), key=itemgetter(0))
        if needs_all is not never:
            self._needs_all.append(needs_all)

    def need_all(self) -> bool:
        """Returns whether any listener needs the events of all conversations."""
        return any(needs_all() for needs_all in self._needs_all)

    def notify(self, events: Sequence[News]) -> None:
        """Calls all listeners with a batch of events, in the caller's turn of the event loop. Durable events are in log
        order. An exception of a listener is logged, and the remaining listeners are still called."""
        for _, listener in self._listeners:
            try:
                listener(events)
            except Exception:
                # The events have happened: a bug in one listener must not keep them from the others.
                _logger.exception("listener_failed")
