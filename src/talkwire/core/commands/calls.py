"""What the members of a conversation say about a call.

The server relays it and knows who is in the call; sound and pictures go another way.
"""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import NodeCommand, Query, SocketSignal


class CallSignal(SocketSignal[str], frozen=True):
    """Answers the call's id. `to_user_id`: only that member is told. `data` is the clients' own."""

    conversation_id: str
    call_id: str
    to_user_id: str | None = None
    data: object = None


class InviteToCall(CallSignal, frozen=True, tag="InviteToCall"):
    """Calls the other members, or one; an empty `call_id` is made up."""


class AcceptCall(CallSignal, frozen=True, tag="AcceptCall"):
    """Joins. Any member may, called or not."""


class RejectCall(CallSignal, frozen=True, tag="RejectCall"):
    pass


class SendCallSignal(CallSignal, frozen=True, tag="SendCallSignal"):
    """Whatever those in the call have to tell each other: offers, answers, candidates."""


class HangUpCall(CallSignal, frozen=True, tag="HangUpCall"):
    pass


class Callees(msgspec.Struct, frozen=True):
    """`member_ids` are all who may be in a call; `ringing_ids` those whom the actor can call."""

    member_ids: tuple[str, ...]
    ringing_ids: tuple[str, ...]


class FindCallees(Query[Callees], frozen=True, tag="FindCallees"):
    """Whom the actor would call in a conversation of at most `members_max`."""

    conversation_id: str
    members_max: int


# --- what nodes hold of a call --------------------------------------------------------------------------------------


class CallRecord(msgspec.Struct, frozen=True):
    """A call that goes on. `node_id` is its home: the node that carries it on. `member_ids` may be in it. `ringing_ids`
    were called and have not answered; nobody does once somebody has answered."""

    conversation_id: str
    call_id: str
    node_id: str
    caller_id: str
    member_ids: tuple[str, ...]
    ringing_ids: tuple[str, ...] = ()


class Claim(msgspec.Struct, frozen=True):
    """`holder` is the call that goes on in the conversation now. `replaced` was carried on by a node that is no
    more."""

    holder: CallRecord
    replaced: CallRecord | None = None


class ClaimCall(NodeCommand[Claim], frozen=True, tag="ClaimCall"):
    """A node begins a call, unless another one goes on in its conversation."""

    record: CallRecord


class KeepRinging(NodeCommand[None], frozen=True, tag="KeepRinging"):
    """Who has not answered yet in a call of this node."""

    conversation_id: str
    node_id: str
    ringing_ids: tuple[str, ...]


class DropCall(NodeCommand[None], frozen=True, tag="DropCall"):
    """A call of this node is over."""

    conversation_id: str
    node_id: str


class FindCall(Query[CallRecord | None], frozen=True, tag="FindCall"):
    """The call that goes on in a conversation."""

    conversation_id: str
