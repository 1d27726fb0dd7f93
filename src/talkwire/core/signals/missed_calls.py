"""Records missed calls in the log, so that disconnected users are notified later."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from talkwire.core.commands.notifications import RecordMissedCall
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.events import CallEnded, CallNews, UnstoredEvent
from talkwire.core.domain.model import Actor

_logger = structlog.get_logger(__name__)


class MissedCalls:
    """Publishes call events, and records missed calls. Only the call's home node publishes its end, so it is recorded
    once."""

    def __init__(self, chat: ChatAccess, publish: Callable[[Sequence[UnstoredEvent]], None]) -> None:
        self._chat = chat
        self._publish = publish

    def publish(self, events: Sequence[CallNews]) -> None:
        self._publish(events)
        for event in events:
            if isinstance(event, CallEnded) and event.missed_by:
                command = RecordMissedCall(event.conversation_id, event.call_id, event.missed_by)
                self._chat.submit(Actor(event.caller_id, event.caller_id), command, _done)


def _done(_: object, error: Exception | None) -> None:
    if error is not None:
        _logger.warning("a missed call could not be recorded", error=str(error))
