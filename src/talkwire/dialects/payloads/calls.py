"""What is said about calls, in every dialect alike but for the events' names."""

from __future__ import annotations

from typing import Any

from talkwire.core.commands.calls import CallSignal
from talkwire.core.domain.events import CallEnded, CallEvent
from talkwire.core.domain.model import CallEndReason
from talkwire.dialects.dialect import Inbound
from talkwire.dialects.payload import Payload
from talkwire.dialects.replies import Reply


class InvitePayload(Payload, frozen=True):
    """An invitation to a call. Without `callId`, the server makes one."""

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
    """A signal of a call from `userId`. `data` is the client's own, as it was sent."""

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
    """What a client says about a call is one of the commands, which have the same members."""

    def to_command(said: InvitePayload | CallPayload) -> CallSignal:
        return command(said.conversation_id, said.call_id, said.to_user_id, said.data)

    return Inbound(payload, to_command, _call_reply, summary=summary)


def _call_reply(call_id: str) -> CallReply:
    return CallReply(call_id=call_id)
