"""Tables of the events of calls, which the dialects (client applications' vocabularies) share: each gives its own names
for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

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
from talkwire.dialects.operation_events import events_of, tolerant
from talkwire.operations import calls
from talkwire.operations.operation import Operation
from talkwire.payloads.calls import CallReply, call_ended_payload, call_signal_payload


class CallNames(NamedTuple):
    """A dialect's names for the events of calls. Under each name a client sends the event to the server, and the other
    users in the call receive it; only `ended` is never sent by clients."""

    invite: str
    accept: str
    reject: str
    signal: str
    hang_up: str
    ended: str


Entry = Callable[[Operation], Inbound]
"""Function that makes a dialect's entry of an event from one of the operations of calls."""


def call_entry(operation: Operation) -> Inbound:
    """Returns the entry of an event that becomes a command of calls. Its payload has the fields of the command."""
    assert operation.event is not None
    return events_of([operation], replies={operation.event: _call_reply})[operation.event]


def tolerant_call_entry(operation: Operation) -> Inbound:
    """Returns the same as `call_entry`, for dialects whose payloads may have unknown members."""
    return call_entry(tolerant(operation))


def calls_inbound(names: CallNames, entry: Entry = call_entry) -> dict[str, Inbound]:
    """Returns a dialect's table of the events that a client sends in calls, under the dialect's `names`.
    `entry(operation)` builds each entry; a dialect with payloads of its own gives its own function."""
    *sent, _ = names
    return dict(zip(sent, map(entry, calls.OPERATIONS), strict=True))


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
