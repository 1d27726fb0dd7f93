"""Commands about calls in a conversation.

The server relays signals and tracks who is in a call. Audio and video do not pass through it.
"""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import NodeCommand, Query, SocketSignal


class CallSignal(SocketSignal[str], frozen=True):
    """The base of call signals; the result is the call's id.

    `to_user_id`: send only to that member. `data` is defined by the clients and relayed unchanged.
    """

    conversation_id: str
    call_id: str
    to_user_id: str | None = None
    data: object = None


class InviteToCall(CallSignal, frozen=True, tag="InviteToCall"):
    """Calls the other members of a conversation, or only `to_user_id`. The server generates an empty `call_id`."""


class AcceptCall(CallSignal, frozen=True, tag="AcceptCall"):
    """Joins a call. Any member of the conversation may, including members who were not called."""


class RejectCall(CallSignal, frozen=True, tag="RejectCall"):
    pass


class SendCallSignal(CallSignal, frozen=True, tag="SendCallSignal"):
    """Relays WebRTC session descriptions, candidates and other data between the participants of a call."""


class HangUpCall(CallSignal, frozen=True, tag="HangUpCall"):
    pass


class Callees(msgspec.Struct, frozen=True):
    """The users of a call that is about to start.

    `member_ids` may join the call; `ringing_ids` are the users for whom it rings.
    """

    member_ids: tuple[str, ...]
    ringing_ids: tuple[str, ...]


class FindCallees(Query[Callees], frozen=True, tag="FindCallees"):
    """Returns the users whom the actor would call in a conversation. Refused above `members_max` members."""

    conversation_id: str
    members_max: int


# --- the stored part of a call ----------------------------------------------------------------------------------------


class CallRecord(msgspec.Struct, frozen=True):
    """A call in progress.

    `node_id` is the node that manages the call. The users in `member_ids` may join it. `ringing_ids` were called and
    have not responded; empty once somebody has accepted.
    """

    conversation_id: str
    call_id: str
    node_id: str
    caller_id: str
    member_ids: tuple[str, ...]
    ringing_ids: tuple[str, ...] = ()


class Claim(msgspec.Struct, frozen=True):
    """The result of claiming a call.

    `holder` is the call now in progress in the conversation. `replaced` is a call that it replaced because the call's
    node had died.
    """

    holder: CallRecord
    replaced: CallRecord | None = None


class ClaimCall(NodeCommand[Claim], frozen=True, tag="ClaimCall"):
    """Starts a call on a node, unless another call is in progress in its conversation."""

    record: CallRecord


class KeepRinging(NodeCommand[None], frozen=True, tag="KeepRinging"):
    """Stores which users a call of this node is still ringing for."""

    conversation_id: str
    node_id: str
    ringing_ids: tuple[str, ...]


class DropCall(NodeCommand[None], frozen=True, tag="DropCall"):
    """Removes a call of this node, which has ended."""

    conversation_id: str
    node_id: str


class FindCall(Query[CallRecord | None], frozen=True, tag="FindCall"):
    """Returns the call in progress in a conversation, or None."""

    conversation_id: str
