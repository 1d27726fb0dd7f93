"""Commands about turns, the pieces of an agent's work (`core/domain/agents/turns.py`).

An agent's processes claim turns, and answer or end them. `turn` is always the token of the present attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from talkwire.core.commands.command import Change, Page, Query, Signal, SocketSignal
from talkwire.core.commands.meanings import a_text
from talkwire.core.domain.agents.turns import CLAIMED_TURNS_MAX, TURN_LABEL_MAX_LENGTH, Turn, TurnState
from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.streams import (
    LEASE_MAX_S,
    LEASE_MIN_S,
    StopRequest,
    StreamError,
)

TURN_TIMER = "turn"
"""Kind of the timers that look whether a turn's lease has ended, or whether it can be claimed again. The key is the
turn's id."""

TURN_ALERT_TIMER = "turn-alert"
"""Kind of the timers that look whether a turn has been open for too long. The key is the turn's id."""

CLAIM_WAIT_MAX_S = 60
"""Longest time that a claim may wait for turns, in seconds."""

TurnLease = Annotated[
    int,
    Meta(
        description="Seconds after which others can claim the turn, unless it is renewed; by default 15 for a claim by "
        "a socket, and 60 over REST",
        ge=LEASE_MIN_S,
        le=LEASE_MAX_S,
    ),
]

TurnText = Annotated[str, a_text("The token of the turn, as the claim has returned it", longest=64)]
Label = Annotated[str, a_text("What the agent is doing, for the members to see", longest=TURN_LABEL_MAX_LENGTH)]


class ClaimedTurn(NamedTuple):
    """A turn that was claimed, with the messages that it answers, and the message with the card for which it has
    waited, if any."""

    turn: Turn
    messages: Sequence[Message]
    card: Message | None = None


class ListedTurn(NamedTuple):
    """A turn, and the ids of the messages that it answers."""

    turn: Turn
    message_ids: Sequence[int]


class TakeTurns(Change[Sequence[ClaimedTurn]], frozen=True, tag="TakeTurns"):
    """Claims turns of an agent, the oldest first: at most `limit`, and only those of the conversation
    `conversation_id` if that is set. Returns none if none can be claimed now."""

    limit: int
    lease_ms: int
    conversation_id: str | None = None
    sender_id: str | None = None


class ClaimTurns(SocketSignal[Sequence[ClaimedTurn]], frozen=True, kw_only=True, tag="ClaimTurns"):
    """Claims turns of an agent, the oldest first. If none can be claimed, it waits for one for `wait` seconds."""

    max: Annotated[int, Meta(description="How many turns to claim at most", ge=1, le=CLAIMED_TURNS_MAX)] = 1
    lease_s: TurnLease | None = None
    wait: Annotated[int, Meta(description="Seconds to wait while there is no turn", ge=0, le=CLAIM_WAIT_MAX_S)] = 0
    conversation_id: Annotated[str | None, Meta(description="Claim turns in this conversation only")] = None
    sender_id: Annotated[str | None, Meta(description="The agent; the role `service` names one")] = None


class RenewedTurn(msgspec.Struct, frozen=True):
    """The agent still has the turn, with this label. `stop` says who has asked the agent to stop."""

    conversation_id: str
    label: str | None = None
    stop: StopRequest | None = None


class RenewTurn(Change[RenewedTurn], frozen=True, tag="RenewTurn"):
    """Renews the lease of a turn, and stores its label. A field that is None stays the same."""

    turn: str
    label: str | None = None
    lease_ms: int | None = None
    turn_id: str | None = None
    sender_id: str | None = None


class UpdateTurn(Signal[RenewedTurn], frozen=True, kw_only=True, tag="UpdateTurn"):
    """Renews the lease of a turn, and shows members its label."""

    turn_id: str | None = None
    turn: TurnText
    label: Label | None = None
    lease_s: TurnLease | None = None
    sender_id: Annotated[str | None, Meta(description="The agent; the role `service` names one")] = None


class EndTurn(Change[None], frozen=True, kw_only=True, tag="EndTurn"):
    """Ends a turn without a message: there is nothing to say."""

    turn_id: str | None = None
    turn: TurnText
    sender_id: Annotated[str | None, Meta(description="The agent; the role `service` names one")] = None


class ReleaseTurn(Change[None], frozen=True, kw_only=True, tag="ReleaseTurn"):
    """Gives a turn back, for another process of the agent. It counts as no try."""

    turn_id: str | None = None
    turn: TurnText
    sender_id: Annotated[str | None, Meta(description="The agent; the role `service` names one")] = None


class FailTurn(Change[None], frozen=True, kw_only=True, tag="FailTurn"):
    """Says that an attempt has failed. The turn can be claimed again after a while, until it has failed too often."""

    turn_id: str | None = None
    turn: TurnText
    error: StreamError | None = None
    sender_id: Annotated[str | None, Meta(description="The agent; the role `service` names one")] = None


class RetryTurn(Change[None], frozen=True, kw_only=True, tag="RetryTurn"):
    """Lets a failed turn begin again. For the agent's owner, the backend and operators."""

    turn_id: str


class AgentNumbers(msgspec.Struct, frozen=True):
    """The work of an agent: how many turns are `open`, when the oldest of them began that does not wait for a decision
    (`oldest_ms`, in milliseconds since 1970), how many have `failed` and were not tried again, and how many the agent
    has `answered` within the last hour."""

    agent_id: str
    name: str
    open: int
    oldest_ms: int | None
    failed: int
    answered: int


class SummarizeAgents(Query[Sequence[AgentNumbers]], frozen=True, tag="SummarizeAgents"):
    """Returns the numbers of the agents that have turns, the one with the oldest open turn first, at most `PAGE_MAX`.
    Only for the backend and admins."""


class ListTurns(Query[Page[ListedTurn]], frozen=True, kw_only=True, tag="ListTurns"):
    """Lists turns, the newest first: an agent's own, those of an owner's agents, or all for the backend and admins."""

    agent_id: str | None = None
    in_state: TurnState | None = None
    cursor: str | None = None
    limit: int = 50
