"""What is said about calls."""

from __future__ import annotations

from typing import Any

from talkwire.core.events import CallEnded, CallEvent
from talkwire.core.model import CallEndReason
from talkwire.dialects.payloads.payload import Payload


class CallSignalPayload(Payload, frozen=True):
    """What `userId` says. `data` is the clients' own, as it was sent."""

    call_id: str
    conversation_id: str
    user_id: str
    to_user_id: str | None = None
    data: Any = None


class CallEndedPayload(Payload, frozen=True):
    call_id: str
    conversation_id: str
    reason: CallEndReason


def call_signal_payload(event: CallEvent) -> CallSignalPayload:
    return CallSignalPayload(event.call_id, event.conversation_id, event.user_id, event.to_user_id, event.data)


def call_ended_payload(event: CallEnded) -> CallEndedPayload:
    return CallEndedPayload(event.call_id, event.conversation_id, event.reason)
