"""Payloads of calls, which all dialects except `crm` share."""

from __future__ import annotations

from typing import Any

from talkwire.core.commands.calls import CallSignal
from talkwire.core.domain.events import CallEnded, CallEvent
from talkwire.core.domain.model import CallEndReason
from talkwire.dialects.dialect import Inbound
from talkwire.dialects.payload import Payload
from talkwire.dialects.replies import Reply


class InvitePayload(Payload, frozen=True):
    """An invitation to a call. Without `callId`, the server generates one."""

    conversation_id: str
    call_id: str = ""
    to_user_id: str | None = None
    data: Any = None


class CallPayload(Payload, frozen=True):
    call_id: str
    conversation_id: str
    to_user_id: str | None = None
    data: Any = None


class CallReply(Reply, frozen=True, kw_only=True, rename="camel"):
    call_id: str


class CallSignalPayload(Payload, frozen=True):
    """A signal of a call, sent by `userId`. `data` is passed on unchanged from that user's client."""

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


def call_inbound(payload: type[InvitePayload | CallPayload], command: type[CallSignal], summary: str) -> Inbound:
    """Returns an event that a client sends in a call. Its payload becomes this command, which has the same members."""

    def to_command(signal: InvitePayload | CallPayload) -> CallSignal:
        return command(signal.conversation_id, signal.call_id, signal.to_user_id, signal.data)

    return Inbound(payload, to_command, _call_reply, summary=summary)


def _call_reply(call_id: str) -> CallReply:
    return CallReply(call_id=call_id)
