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
    """Starts a call that rings for the other members of a conversation, or only for `to_user_id`. If the actor has
    already joined the call `call_id`, the call rings again for those who have not joined. If `call_id` is empty, the
    server generates the id.

    Raises `conflict` if the conversation has another call.
    """


class AcceptCall(CallSignal, frozen=True, tag="AcceptCall"):
    """Makes the actor join a call. Any member of the conversation may join, including members who were not called."""


class RejectCall(CallSignal, frozen=True, tag="RejectCall"):
    pass


class SendCallSignal(CallSignal, frozen=True, tag="SendCallSignal"):
    """Relays WebRTC session descriptions, candidates and other data to the other participants of a call, or only to
    `to_user_id`."""


class HangUpCall(CallSignal, frozen=True, tag="HangUpCall"):
    pass


class Callees(msgspec.Struct, frozen=True):
    """The users of a call that is about to start.

    `member_ids` may join the call; `ringing_ids` are the users for whom it rings.
    """

    member_ids: tuple[str, ...]
    ringing_ids: tuple[str, ...]


class FindCallees(Query[Callees], frozen=True, tag="FindCallees"):
    """Returns which users may join a call that the actor wants to start in a conversation, and for which of them it
    would ring.

    Raises `forbidden` for channels and for groups of more than `members_max` members, `blocked` for a direct
    conversation with a block, and `muted` for an actor whom a moderator has muted.
    """

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
    """The result of `ClaimCall`, with which a node asks to manage a new call.

    `holder` is the call that the conversation has now: the new one, or one that another node manages already.
    `replaced` is a call that was removed because its node had died, so that the caller can publish its end; None
    without one.
    """

    holder: CallRecord
    replaced: CallRecord | None = None


class ClaimCall(NodeCommand[Claim], frozen=True, tag="ClaimCall"):
    """Stores that the node `record.node_id` manages the new call `record`, unless the conversation has a call on
    another living node. The result says which of the two calls the conversation has (`Claim`)."""

    record: CallRecord


class KeepRinging(NodeCommand[None], frozen=True, tag="KeepRinging"):
    """Stores the users for whom a conversation's call is still ringing, so that another node can end the ringing if
    this node dies. Does nothing unless the node `node_id` manages the call."""

    conversation_id: str
    node_id: str
    ringing_ids: tuple[str, ...]


class DropCall(NodeCommand[None], frozen=True, tag="DropCall"):
    """Removes the stored record of a conversation's call, because the call has ended. Does nothing unless the node
    `node_id` manages the call."""

    conversation_id: str
    node_id: str


class FindCall(Query[CallRecord | None], frozen=True, tag="FindCall"):
    """Internal: returns the call in progress in a conversation, or None. Does not check the actor's rights."""

    conversation_id: str
