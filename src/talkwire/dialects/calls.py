"""Tables of the events of calls, which the dialects (client applications' vocabularies) share: each gives its own names
for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import msgspec

from talkwire.core.commands.calls import AcceptCall, CallSignal, HangUpCall, InviteToCall, RejectCall, SendCallSignal
from talkwire.core.domain.events import (
    CallAccepted,
    CallEnded,
    CallEvent,
    CallHungUp,
    CallInvited,
    CallRejected,
    CallSignalled,
    Event,
)
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.payloads.calls import (
    CallPayload,
    CallReply,
    InvitePayload,
    TolerantCallPayload,
    TolerantInvitePayload,
    call_ended_payload,
    call_signal_payload,
)


class CallNames(NamedTuple):
    """A dialect's names for the events of calls. Under each name a client sends the event to the server, and the other
    users in the call receive it; only `ended` is never sent by clients."""

    invite: str
    accept: str
    reject: str
    signal: str
    hang_up: str
    ended: str


Entry = Callable[[type[CallSignal], str], Inbound]
"""Makes a dialect's entry of an event that becomes a command of the class, with a summary for the documentation."""


def call_entry(command: type[CallSignal], summary: str) -> Inbound:
    """Returns the entry of an event with which a client executes `command`, one of the commands of calls. The event's
    payload has the members of the command. `summary` describes the event in the API documentation."""
    payload = InvitePayload if command is InviteToCall else CallPayload

    def to_command(signal: InvitePayload | CallPayload) -> CallSignal:
        return command(signal.conversation_id, signal.call_id, signal.to_user_id, signal.data)

    return Inbound(payload, to_command, _call_reply, summary=summary, commands=(command,))


def tolerant_call_entry(command: type[CallSignal], summary: str) -> Inbound:
    """Returns the same as `call_entry`, for dialects whose payloads may have unknown members."""
    payload = TolerantInvitePayload if command is InviteToCall else TolerantCallPayload
    return replace(call_entry(command, summary), payload=payload)


def calls_inbound(names: CallNames, entry: Entry = call_entry) -> dict[str, Inbound]:
    """Returns a dialect's table of the events that a client sends in calls, under the dialect's `names`.
    `entry(command, summary)` builds each entry; a dialect with payloads of its own gives its own function."""
    return {
        names.invite: entry(
            InviteToCall,
            "Call the other members of a conversation, or one of them. It has at most one call at a time.",
        ),
        names.accept: entry(AcceptCall, "Accept a call. The user's other devices stop ringing."),
        names.reject: entry(RejectCall, "Reject a call."),
        names.signal: entry(
            SendCallSignal,
            "Send WebRTC data (an offer, an answer or a candidate) to the other sides of a call, or to one.",
        ),
        names.hang_up: entry(HangUpCall, "Leave a call. It ends when only one side remains."),
    }


def calls_outbound(
    names: CallNames,
    signal: Callable[[CallEvent], msgspec.Struct] = call_signal_payload,
    ended: Callable[[CallEnded], msgspec.Struct] = call_ended_payload,
) -> dict[type[Event], tuple[Outbound, ...]]:
    """Returns a dialect's table of the events that the server sends in calls, under the dialect's `names`. `ended`
    builds the payload of the event `ended`, and `signal` those of all others."""
    return {
        CallInvited: (Outbound(names.invite, signal, summary="Another user invited this user to a call."),),
        CallAccepted: (Outbound(names.accept, signal, summary="Another user accepted the call."),),
        CallRejected: (Outbound(names.reject, signal, summary="Another user rejected the call."),),
        CallSignalled: (
            Outbound(
                names.signal,
                signal,
                summary="Another side of the call sent WebRTC data: an offer, an answer or a candidate.",
            ),
        ),
        CallHungUp: (Outbound(names.hang_up, signal, summary="Another user left the call."),),
        CallEnded: (Outbound(names.ended, ended, summary="The call ended, or stopped ringing on this device."),),
    }


def _call_reply(call_id: str) -> CallReply:
    return CallReply(call_id=call_id)
