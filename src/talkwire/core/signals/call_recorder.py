"""Records ended and missed calls in the log (the ordered record of events), so that they appear in the conversation's
timeline and offline users can be notified of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import structlog

from talkwire.core.commands.conversations import RecordCall
from talkwire.core.commands.notifications import RecordMissedCall
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.events import CallAccepted, CallEnded, CallNews, UnstoredEvent
from talkwire.core.domain.model import Actor

_logger = structlog.get_logger(__name__)


class CallRecorder:
    """Publishes call events, and records ended and missed calls in the log. Only the node that holds a call's state
    publishes its end, so the end is recorded once.

    `clock` returns a monotonic time in seconds; it measures how long calls last.
    """

    def __init__(
        self,
        chat: ChatAccess,
        publish: Callable[[Sequence[UnstoredEvent]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chat = chat
        self._publish = publish
        self._clock = clock
        # Call id -> when its first user accepted.
        self._accepted: dict[str, float] = {}

    def publish(self, events: Sequence[CallNews]) -> None:
        self._publish(events)
        for event in events:
            if isinstance(event, CallAccepted):
                self._accepted.setdefault(event.call_id, self._clock())
            elif isinstance(event, CallEnded):
                self._record(event)

    def _record(self, event: CallEnded) -> None:
        caller = Actor(event.caller_id, event.caller_id)
        if event.missed_by:
            missed = RecordMissedCall(event.conversation_id, event.call_id, event.missed_by)
            self._chat.submit(caller, missed, _done)
        if not event.is_over:
            return
        accepted_at = self._accepted.pop(event.call_id, None)
        duration_s = None if accepted_at is None else max(0, int(self._clock() - accepted_at))
        if duration_s is None and event.reason == "gone" and not event.missed_by:
            return  # a call of a dead node, which alone knew when the call was accepted
        ended = RecordCall(event.conversation_id, event.call_id, event.reason, duration_s)
        self._chat.submit(caller, ended, _done)


def _done(_: object, error: Exception | None) -> None:
    if error is not None:
        _logger.warning("call_not_recorded", error=str(error))
