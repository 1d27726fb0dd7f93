"""Events of the messenger dialect for calls. The other users in a call receive an event under the same name under which
a client sent it."""

from __future__ import annotations

from talkwire.core.commands.calls import AcceptCall, HangUpCall, InviteToCall, RejectCall, SendCallSignal
from talkwire.core.domain.events import (
    CallAccepted,
    CallEnded,
    CallHungUp,
    CallInvited,
    CallRecorded,
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
    recorded_call_payload,
)

INBOUND = {
    "call:invite": call_inbound(
        InvitePayload,
        InviteToCall,
        "Call the other members of a conversation, or one of them. It has at most one call at a time.",
    ),
    "call:accept": call_inbound(CallPayload, AcceptCall, "Accept a call. The user's other devices stop ringing."),
    "call:reject": call_inbound(CallPayload, RejectCall, "Reject a call."),
    "call:signal": call_inbound(
        CallPayload,
        SendCallSignal,
        "Send WebRTC data (an offer, an answer or a candidate) to the other sides of a call, or to one.",
    ),
    "call:hangup": call_inbound(CallPayload, HangUpCall, "Leave a call. It ends when only one side remains."),
}

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    CallInvited: (Outbound("call:invite", call_signal_payload, summary="Another user invited this user to a call."),),
    CallAccepted: (Outbound("call:accept", call_signal_payload, summary="Another user accepted the call."),),
    CallRejected: (Outbound("call:reject", call_signal_payload, summary="Another user rejected the call."),),
    CallSignalled: (
        Outbound(
            "call:signal",
            call_signal_payload,
            summary="Another side of the call sent WebRTC data: an offer, an answer or a candidate.",
        ),
    ),
    CallHungUp: (Outbound("call:hangup", call_signal_payload, summary="Another user left the call."),),
    CallEnded: (
        Outbound("call:ended", call_ended_payload, summary="The call ended, or stopped ringing on this device."),
    ),
    CallRecorded: (
        Outbound(
            "call:recorded", recorded_call_payload, summary="A call ended, and the conversation keeps a record of it."
        ),
    ),
}
