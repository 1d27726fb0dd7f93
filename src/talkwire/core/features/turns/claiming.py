"""Claims turns: gives pieces of an agent's work to the process that asks first."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from talkwire.core.commands.agents.turns import ClaimedTurn, TakeTurns
from talkwire.core.domain.access import acting_as, may_act, messages_for_reader, require
from talkwire.core.domain.agents.turns import CLAIMED_TURNS_MAX, Turn
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import Actor, Message, User
from talkwire.core.domain.nodes.peer import TURNS_KNOWN, not_known_to_all
from talkwire.core.domain.parts.streams import LEASE_MAX_S, LEASE_MIN_S
from talkwire.core.domain.texts import check_id
from talkwire.core.features.agents.turns import begin_attempt, end_turn
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Transaction

_ENDED_MAX = 100
"""Most turns without messages that a claim ends."""


def check_take(command: TakeTurns) -> None:
    if not 1 <= command.limit <= CLAIMED_TURNS_MAX:
        raise invalid("max", f"must be between 1 and {CLAIMED_TURNS_MAX}")
    check_turn_lease(command.lease_ms)
    if command.conversation_id is not None:
        check_id("conversationId", command.conversation_id)
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)


def check_turn_lease(lease_ms: int) -> None:
    if not LEASE_MIN_S * 1000 <= lease_ms <= LEASE_MAX_S * 1000:
        raise invalid("leaseS", f"must be between {LEASE_MIN_S} and {LEASE_MAX_S}")


def acting_agent(tx: Transaction, actor: Actor, sender_id: str | None) -> User:
    """Returns the agent that acts. Raises `forbidden` for a person, and for a user who may not act, and `unavailable`
    while a node of an older version runs."""
    if tx.has_nodes_before(TURNS_KNOWN):
        raise not_known_to_all("turns")
    agent = tx.user(acting_as(actor, sender_id))
    require(may_act(agent))
    if agent is None or agent.kind != "agent":
        message = "Only agents have turns. The role service names the agent as senderId."
        raise ChatError("forbidden", message, cause="not_agent")
    return agent


def take_turns(tx: Transaction, actor: Actor, command: TakeTurns) -> Sequence[ClaimedTurn]:
    """Claims turns that can be claimed now, the oldest first, one in each conversation. Returns none if there is none.
    Turns whose messages were all deleted end.

    Raises what `acting_agent` raises.
    """
    agent = acting_agent(tx, actor, command.sender_id)
    claimed: list[ClaimedTurn] = []
    for _ in range(command.limit + _ENDED_MAX):
        turn = tx.turns.first_claimable(agent.id, command.conversation_id, tx.now_ms)
        if turn is None or len(claimed) == command.limit:
            break
        found = _claim(tx, turn, command.lease_ms)
        if found is not None:
            claimed.append(found)
    return claimed


def _claim(tx: Transaction, turn: Turn, lease_ms: int) -> ClaimedTurn | None:
    """Claims a turn, or ends it if nothing of it is left."""
    messages = _messages_of(tx, turn)
    card = None if turn.card_id is None else tx.message(turn.card_id)
    if not messages and turn.note is None and card is None:
        end_turn(tx, turn)
        return None
    return ClaimedTurn(begin_attempt(tx, turn, lease_ms), messages, card)


def _messages_of(tx: Transaction, turn: Turn) -> Sequence[Message]:
    """Returns the messages that a turn answers, without deleted ones and those that the agent may not see."""
    member = tx.member(turn.conversation_id, turn.agent_id)
    found = [tx.message(id_) for id_ in tx.turns.messages_of(turn.id)]
    left = [message for message in found if message is not None and message.deleted_ms is None]
    return left if member is None else messages_for_reader(left, member.history)


CHANGES: Changes = MappingProxyType({TakeTurns: ChangeHandler(take_turns, check_take)})
