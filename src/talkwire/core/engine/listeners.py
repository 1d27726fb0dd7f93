"""Who is told the news on this node."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from talkwire.core.domain.events import News

Listener = Callable[[Sequence[News]], None]

_logger = structlog.get_logger(__name__)


class Listeners:
    """Calls its listeners in the order in which they came."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def add(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def tell(self, events: Sequence[News]) -> None:
        """Hands a batch on, in the caller's turn of the event loop: durable events in log order."""
        for listener in self._listeners:
            try:
                listener(events)
            except Exception:
                # The events have happened: one listener's bug must not keep them from the others.
                _logger.exception("a listener failed")
