"""The operations of calls: the clients' signals, which the server relays between the sides of a call."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from talkwire.core.commands.calls import AcceptCall, HangUpCall, InviteToCall, RejectCall, SendCallSignal
from talkwire.operations.operation import Operation
from talkwire.operations.shapes import InputMember, Shape

_NO_ROUTE = "A call needs a socket: its sides exchange signals live, and it ends when a side has no socket."

_MEMBERS: Mapping[str, InputMember] = MappingProxyType({"data": InputMember(type=Any)})
_WITHOUT = ("source",)

_INVITATION = Shape(
    "InvitePayload",
    "An invitation of other members to a call. If `callId` is omitted, the server generates one.",
)
_SIGNAL = Shape("CallPayload", last=("conversation_id", "to_user_id", "data"))

OPERATIONS = (
    Operation(
        InviteToCall,
        event="call:invite",
        summary="Call the other members of a conversation, or one of them",
        event_summary="Call the other members of a conversation, or one of them. It has at most one call at a time.",
        payload=_INVITATION,
        members={**_MEMBERS, "call_id": InputMember(default="")},
        without=_WITHOUT,
        socket_only=_NO_ROUTE,
    ),
    *(
        Operation(
            command,
            event=event,
            summary=summary,
            event_summary=event_summary,
            payload=_SIGNAL,
            members=_MEMBERS,
            without=_WITHOUT,
            socket_only=_NO_ROUTE,
        )
        for command, event, summary, event_summary in (
            (AcceptCall, "call:accept", "Accept a call", "Accept a call. The user's other devices stop ringing."),
            (RejectCall, "call:reject", "Reject a call", ""),
            (
                SendCallSignal,
                "call:signal",
                "Send WebRTC data (an offer, an answer or a candidate) to the other sides of a call, or to one",
                "",
            ),
            (HangUpCall, "call:hangup", "Leave a call", "Leave a call. It ends when only one side remains."),
        )
    ),
)
