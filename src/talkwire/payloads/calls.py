"""Payloads of calls, which the dialects (client applications' vocabularies) share, except `crm`."""

from __future__ import annotations

from typing import Any

from talkwire.core.domain.events import CallEnded, CallEvent, CallRecorded
from talkwire.core.domain.model import CallEndReason
from talkwire.payloads.payload import Payload
from talkwire.payloads.replies import Reply


class CallReply(Reply, frozen=True, kw_only=True, rename="camel"):
    call_id: str


class CallSignalPayload(Payload, frozen=True):
    """A signal of a call: an invitation, an answer, WebRTC data or the end, sent by `userId`. The server passes on
    `data` unchanged from that user's client."""

    call_id: str
    conversation_id: str
    user_id: str
    to_user_id: str | None = None
    data: Any = None


class CallEndedPayload(Payload, frozen=True):
    call_id: str
    conversation_id: str
    reason: CallEndReason


class RecordedCallPayload(Payload, frozen=True):
    """A call that has ended, as the conversation's record of it. `durationS` is in seconds; it is missing if nobody
    accepted the call."""

    call_id: str
    conversation_id: str
    caller_id: str
    reason: CallEndReason
    duration_s: int | None = None


def recorded_call_payload(event: CallRecorded) -> RecordedCallPayload:
    return RecordedCallPayload(event.call_id, event.conversation_id, event.caller_id, event.reason, event.duration_s)


def call_signal_payload(event: CallEvent) -> CallSignalPayload:
    return CallSignalPayload(event.call_id, event.conversation_id, event.user_id, event.to_user_id, event.data)


def call_ended_payload(event: CallEnded) -> CallEndedPayload:
    return CallEndedPayload(event.call_id, event.conversation_id, event.reason)
