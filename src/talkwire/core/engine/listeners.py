"""The functions that receive the events of this node."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from talkwire.core.domain.events import News

Listener = Callable[[Sequence[News]], None]

_logger = structlog.get_logger(__name__)


class Listeners:
    """Calls its listeners in the order in which they were added."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def add(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def notify(self, events: Sequence[News]) -> None:
        """Calls all listeners with a batch, in the caller's turn of the event loop. Durable events are in log order."""
        for listener in self._listeners:
            try:
                listener(events)
            except Exception:
                # The events have happened: a bug in one listener must not keep them from the others.
                _logger.exception("a listener failed")
