"""Commands about calls in a conversation.

The server relays the clients' signals and tracks who is in a call. Audio and video do not pass through it.
"""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import NodeCommand, Query, SocketSignal


class CallSignal(SocketSignal[str], frozen=True):
    """The base class of commands that a client sends during a call; the result is the call's id.

    With `to_user_id`, only that member receives the signal. `data` is defined by the clients and relayed unchanged.
    """

    conversation_id: str
    call_id: str
    to_user_id: str | None = None
    data: object = None


class InviteToCall(CallSignal, frozen=True, tag="InviteToCall"):
    """Starts a call to the other members of a conversation, or only to `to_user_id`. If `call_id` is empty, the server
    generates it."""


class AcceptCall(CallSignal, frozen=True, tag="AcceptCall"):
    """Makes the actor join a call. Any member of the conversation may join, including members who were not called."""


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
    """Returns the users whom the actor would call in a conversation. Refused for a conversation with more than
    `members_max` members."""

    conversation_id: str
    members_max: int


# --- the stored part of a call ----------------------------------------------------------------------------------------


class CallRecord(msgspec.Struct, frozen=True):
    """The stored state of a call in progress.

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
    """The result of `ClaimCall`, with which a node starts to manage a call.

    `holder` is the call now in progress in the conversation. `replaced` is an earlier call that was removed because its
    node had died, None without one.
    """

    holder: CallRecord
    replaced: CallRecord | None = None


class ClaimCall(NodeCommand[Claim], frozen=True, tag="ClaimCall"):
    """Stores that a node manages a new call, unless another call is in progress in its conversation."""

    record: CallRecord


class KeepRinging(NodeCommand[None], frozen=True, tag="KeepRinging"):
    """Stores which users a call managed by the node `node_id` is still ringing for."""

    conversation_id: str
    node_id: str
    ringing_ids: tuple[str, ...]


class DropCall(NodeCommand[None], frozen=True, tag="DropCall"):
    """Removes the stored record of a call that has ended. The node `node_id` managed it."""

    conversation_id: str
    node_id: str


class FindCall(Query[CallRecord | None], frozen=True, tag="FindCall"):
    """Returns the call in progress in a conversation, or None."""

    conversation_id: str
