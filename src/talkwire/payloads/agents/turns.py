"""Payloads of turns, the pieces of agents' work."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from talkwire.core.commands.agents.turns import AgentNumbers, ClaimedTurn, ListedTurn, RenewedTurn
from talkwire.core.domain.agents.turns import TurnState
from talkwire.core.domain.events import TurnFailed, TurnReady, TurnUnanswered, TurnWorking
from talkwire.core.domain.parts.streams import StreamError
from talkwire.core.domain.times import iso, iso_or_none
from talkwire.payloads.messages import MessagePayload, message_payload
from talkwire.payloads.payload import Payload
from talkwire.payloads.streams import KeptPayload, StopMark, stop_mark


class ClaimedTurnPayload(Payload, frozen=True):
    """A turn that was claimed: the `messages` that the agent has not answered in a conversation, oldest first. `token`
    names this attempt, and is the `turn` of the commands that answer or end it. `leaseUntil` is when another process
    can claim it, unless it is renewed. `tries` is how often it has failed before. `note` is what a member of the
    conversation's teams wrote for the agent. `card` is the message with the card for whose decision the turn has
    waited."""

    id: str
    conversation_id: str
    agent_id: str
    state: TurnState
    attempt: int
    token: str
    messages: tuple[MessagePayload, ...]
    lease_until: str
    created_at: str
    tries: int = 0
    note: str | None = None
    card: MessagePayload | None = None


class ClaimedTurnsPayload(Payload, frozen=True, omit_defaults=False):
    """The turns that were claimed; none if there was none to claim."""

    turns: tuple[ClaimedTurnPayload, ...]


class TurnPayload(Payload, frozen=True):
    """A turn in a list. `messages` are the ids of those that it answers. `claimableAt` is when it can be claimed, and
    `cardMessageId` the message with the card for whose decision it waits, or has waited. `error` says why it has
    failed the last time."""

    id: str
    conversation_id: str
    agent_id: str
    state: TurnState
    attempt: int
    messages: tuple[str, ...]
    created_at: str
    tries: int = 0
    label: str | None = None
    lease_until: str | None = None
    claimable_at: str | None = None
    ended_at: str | None = None
    card_message_id: str | None = None
    error: StreamError | None = None


class AgentNumbersPayload(Payload, frozen=True, omit_defaults=False):
    """The work of an agent. `oldestAt` is when the oldest open turn began that does not wait for a decision, `failed`
    counts the turns that have failed and were not tried again, `answered` those that were done within the last
    hour."""

    agent_id: str
    name: str
    open: int
    oldest_at: str | None
    failed: int
    answered: int


class TurnReadyPayload(Payload, frozen=True):
    """A turn of the agent can be claimed, unless a process has claimed it already."""

    turn_id: str
    conversation_id: str
    agent_id: str


class TurnUnansweredPayload(Payload, frozen=True):
    """A turn of the agent has been open since `createdAt`, which is too long."""

    turn_id: str
    conversation_id: str
    agent_id: str
    created_at: str


class TurnFailedPayload(Payload, frozen=True):
    """A turn of the agent has failed too often, or at once, with the `error.code` `depth`."""

    turn_id: str
    conversation_id: str
    agent_id: str
    error: StreamError


class TurnWorkingPayload(Payload, frozen=True):
    """The agent works on an answer. `label` says what it is doing."""

    conversation_id: str
    agent_id: str
    label: str | UnsetType = UNSET


def claimed_turn_payload(claimed: ClaimedTurn) -> ClaimedTurnPayload:
    turn = claimed.turn
    return ClaimedTurnPayload(
        id=str(turn.id),
        conversation_id=turn.conversation_id,
        agent_id=turn.agent_id,
        state=turn.state,
        attempt=turn.attempt,
        token=turn.token,
        messages=tuple(map(message_payload, claimed.messages)),
        lease_until=iso(turn.until_ms or 0),
        created_at=iso(turn.created_ms),
        tries=turn.tries,
        note=turn.note,
        card=None if claimed.card is None else message_payload(claimed.card),
    )


def claimed_turns_payload(claimed: Sequence[ClaimedTurn]) -> ClaimedTurnsPayload:
    return ClaimedTurnsPayload(tuple(map(claimed_turn_payload, claimed)))


def turn_payload(listed: ListedTurn) -> TurnPayload:
    turn = listed.turn
    return TurnPayload(
        id=str(turn.id),
        conversation_id=turn.conversation_id,
        agent_id=turn.agent_id,
        state=turn.state,
        attempt=turn.attempt,
        messages=tuple(map(str, listed.message_ids)),
        created_at=iso(turn.created_ms),
        tries=turn.tries,
        label=turn.label,
        lease_until=iso_or_none(turn.until_ms),
        claimable_at=iso_or_none(turn.claimable_ms),
        ended_at=iso_or_none(turn.ended_ms),
        card_message_id=None if turn.card_id is None else str(turn.card_id),
        error=turn.error,
    )


def agent_numbers_payload(numbers: AgentNumbers) -> AgentNumbersPayload:
    oldest_at = iso_or_none(numbers.oldest_ms)
    return AgentNumbersPayload(
        numbers.agent_id, numbers.name, numbers.open, oldest_at, numbers.failed, numbers.answered
    )


def renewed_turn_payload(renewed: RenewedTurn) -> KeptPayload:
    return KeptPayload(stop_of(renewed))


def stop_of(renewed: RenewedTurn) -> StopMark | UnsetType:
    return stop_mark(renewed.stop)


def turn_ready_payload(event: TurnReady) -> TurnReadyPayload:
    return TurnReadyPayload(str(event.turn_id), event.conversation_id, event.agent_id)


def turn_unanswered_payload(event: TurnUnanswered) -> TurnUnansweredPayload:
    return TurnUnansweredPayload(str(event.turn_id), event.conversation_id, event.agent_id, iso(event.created_ms))


def turn_failed_payload(event: TurnFailed) -> TurnFailedPayload:
    return TurnFailedPayload(str(event.turn_id), event.conversation_id, event.agent_id, event.error)


def turn_working_payload(event: TurnWorking) -> TurnWorkingPayload:
    return TurnWorkingPayload(event.conversation_id, event.user_id, UNSET if event.label is None else event.label)
