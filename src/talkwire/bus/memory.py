"""The bus of a single node: whoever listens is called at once."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from talkwire.core.chat import Listener
from talkwire.core.events import News

_logger = structlog.get_logger(__name__)


class MemoryBus:
    """Calls its listeners in the order in which they came."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def publish(self, events: Sequence[News]) -> None:
        """Hands a batch on, in the caller's turn of the event loop."""
        for listener in self._listeners:
            try:
                listener(events)
            except Exception:
                # The events have happened: one listener's bug must not keep them from the others.
                _logger.exception("a listener failed")

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)
