"""Payloads of calls, which the dialects (client applications' vocabularies) share, except `crm`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from talkwire.core.commands.calls import AcceptCall, CallSignal, HangUpCall, InviteToCall, RejectCall, SendCallSignal
from talkwire.core.domain.events import (
    CallAccepted,
    CallEnded,
    CallEvent,
    CallHungUp,
    CallInvited,
    CallRecorded,
    CallRejected,
    CallSignalled,
    Event,
)
from talkwire.core.domain.model import CallEndReason
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.payload import Payload
from talkwire.dialects.replies import Reply


class InvitePayload(Payload, frozen=True):
    """An invitation of other members to a call. If `callId` is omitted, the server generates one."""

    conversation_id: str
    call_id: str = ""
    to_user_id: str | None = None
    data: Any = None


class CallPayload(Payload, frozen=True):
    call_id: str
    conversation_id: str
    to_user_id: str | None = None
    data: Any = None


class TolerantInvitePayload(InvitePayload, frozen=True, forbid_unknown_fields=False):
    """The same for dialects whose payloads may have unknown members."""


class TolerantCallPayload(CallPayload, frozen=True, forbid_unknown_fields=False):
    """The same for dialects whose payloads may have unknown members."""


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

    return Inbound(payload, to_command, _call_reply, summary=summary)


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
