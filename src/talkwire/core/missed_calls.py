"""Keeps in the log who missed a call, so that whoever was away is told later."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from talkwire.core.commands.notifications import RecordMissedCall
from talkwire.core.door import Door
from talkwire.core.events import CallEnded, CallNews, Passing
from talkwire.core.model import Actor

_logger = structlog.get_logger(__name__)


class MissedCalls:
    """Stands between a node's calls and the bus: the node that carries a call on is the one that records its end."""

    def __init__(self, door: Door, publish: Callable[[Sequence[Passing]], None]) -> None:
        self._door = door
        self._publish = publish

    def publish(self, events: Sequence[CallNews]) -> None:
        self._publish(events)
        for event in events:
            if isinstance(event, CallEnded) and event.missed_by:
                command = RecordMissedCall(event.conversation_id, event.call_id, event.missed_by)
                self._door.submit(Actor(event.caller_id, event.caller_id), command, _done)


def _done(_: object, error: Exception | None) -> None:
    if error is not None:
        _logger.warning("a missed call could not be recorded", error=str(error))
