"""Calls: what one side says is told to the others under the same name."""

from __future__ import annotations

from talkwire.core.commands.calls import AcceptCall, HangUpCall, InviteToCall, RejectCall, SendCallSignal
from talkwire.core.events import (
    CallAccepted,
    CallEnded,
    CallHungUp,
    CallInvited,
    CallRejected,
    CallSignalled,
    Event,
)
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.payloads.calls import (
    CallPayload,
    InvitePayload,
    call_ended_payload,
    call_inbound,
    call_signal_payload,
)

INBOUND = {
    "call:invite": call_inbound(
        InvitePayload,
        InviteToCall,
        "Calls the other members of a conversation, or one of them. There is one call a conversation.",
    ),
    "call:accept": call_inbound(CallPayload, AcceptCall, "Joins a call; the user's other devices stop ringing."),
    "call:reject": call_inbound(CallPayload, RejectCall, "Declines a call."),
    "call:signal": call_inbound(
        CallPayload, SendCallSignal, "Passes offers, answers and candidates on to the other sides, or to one."
    ),
    "call:hangup": call_inbound(CallPayload, HangUpCall, "Leaves a call. It ends when nobody is left to talk to."),
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
