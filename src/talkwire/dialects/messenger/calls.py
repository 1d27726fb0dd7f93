"""Calls: what one side says is told to the others under the same name."""

from __future__ import annotations

from typing import Any

from talkwire.core.commands.calls import AcceptCall, CallSignal, HangUpCall, InviteToCall, RejectCall, SendCallSignal
from talkwire.core.events import (
    CallAccepted,
    CallEnded,
    CallHungUp,
    CallInvited,
    CallRejected,
    CallSignalled,
    Event,
)
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.payloads.calls import call_ended_payload, call_signal_payload
from talkwire.dialects.payloads.payload import Payload
from talkwire.dialects.replies import Reply


class InvitePayload(Payload, frozen=True):
    """Without a `callId` one is made."""

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


def _call_reply(call_id: str) -> CallReply:
    return CallReply(call_id=call_id)


def _inbound(payload: type[InvitePayload | CallPayload], command: type[CallSignal], summary: str) -> Inbound:
    def to_command(said: InvitePayload | CallPayload) -> CallSignal:
        return command(said.conversation_id, said.call_id, said.to_user_id, said.data)

    return Inbound(payload, to_command, _call_reply, summary=summary)


INBOUND = {
    "call:invite": _inbound(
        InvitePayload,
        InviteToCall,
        "Calls the other members of a conversation, or one of them. There is one call a conversation.",
    ),
    "call:accept": _inbound(CallPayload, AcceptCall, "Joins a call; the user's other devices stop ringing."),
    "call:reject": _inbound(CallPayload, RejectCall, "Declines a call."),
    "call:signal": _inbound(
        CallPayload, SendCallSignal, "Passes offers, answers and candidates on to the other sides, or to one."
    ),
    "call:hangup": _inbound(CallPayload, HangUpCall, "Leaves a call. It ends when nobody is left to talk to."),
}

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    CallInvited: (Outbound("call:invite", call_signal_payload, summary="Somebody calls."),),
    CallAccepted: (Outbound("call:accept", call_signal_payload, summary="Somebody has joined the call."),),
    CallRejected: (Outbound("call:reject", call_signal_payload, summary="Somebody has declined."),),
    CallSignalled: (
        Outbound("call:signal", call_signal_payload, summary="Another side's offer, answer or candidate."),
    ),
    CallHungUp: (Outbound("call:hangup", call_signal_payload, summary="Somebody has left the call."),),
    CallEnded: (Outbound("call:ended", call_ended_payload, summary="The call is over, or rings no more."),),
}
