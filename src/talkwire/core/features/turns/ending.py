"""Keeps, ends, gives back and retries turns that were claimed, and lists turns."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.agents.turns import (
    TURN_TIMER,
    AgentNumbers,
    EndTurn,
    FailTurn,
    ListedTurn,
    ListTurns,
    ReleaseTurn,
    RenewedTurn,
    RenewTurn,
    RetryTurn,
    SummarizeAgents,
)
from talkwire.core.commands.command import Page
from talkwire.core.domain.access import may_act, must_be_trusted, require
from talkwire.core.domain.agents.turns import TURN_LABEL_MAX_LENGTH, TURN_STATES, Turn, ended_turn
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.model import Actor, User, message_number
from talkwire.core.domain.nodes.peer import TURNS_KNOWN, not_known_to_all
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.domain.parts.streams import StreamError
from talkwire.core.domain.texts import check_id, check_short_text, check_text
from talkwire.core.features.agents.turns import (
    announce,
    current_turn,
    end_turn,
    expect_alert,
    fail_turn,
    must_not_stream,
    open_stream_of,
    put_working,
    release_turn,
)
from talkwire.core.features.turns.claiming import acting_agent, check_turn_lease
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

OfTurn = RenewTurn | EndTurn | ReleaseTurn | FailTurn

_HOUR_MS = 60 * 60 * 1000

_NO_REASON = StreamError("failed", "")


def check_of_turn(command: OfTurn) -> None:
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)


def check_renew(command: RenewTurn) -> None:
    check_of_turn(command)
    if command.label is not None:
        check_short_text("label", command.label, TURN_LABEL_MAX_LENGTH)
    if command.lease_ms is not None:
        check_turn_lease(command.lease_ms)


def check_fail(command: FailTurn) -> None:
    check_of_turn(command)
    if command.error is not None:
        check_text("error.code", command.error.code)
        check_text("error.message", command.error.message)


def _own(tx: Transaction, actor: Actor, command: OfTurn) -> Turn:
    """Returns the turn that the command names. Raises what `acting_agent` and `current_turn` raise."""
    agent = acting_agent(tx, actor, command.sender_id)
    return current_turn(tx, agent.id, command.turn, command.turn_id)


def renew(tx: Transaction, actor: Actor, command: RenewTurn) -> RenewedTurn:
    turn = _own(tx, actor, command)
    lease_ms = turn.lease_ms if command.lease_ms is None else command.lease_ms
    label = turn.label if command.label is None else command.label
    renewed = put_working(tx, replace(turn, lease_ms=lease_ms, label=label or None))
    stream = open_stream_of(tx, turn)
    if stream is not None:  # they have one lease
        tx.streams.put(replace(stream, lease_ms=lease_ms, until_ms=tx.now_ms + lease_ms))
    return RenewedTurn(turn.conversation_id, renewed.label, turn.stop)


def end(tx: Transaction, actor: Actor, command: EndTurn) -> None:
    turn = _own(tx, actor, command)
    must_not_stream(tx, turn)
    end_turn(tx, turn)


def release(tx: Transaction, actor: Actor, command: ReleaseTurn) -> None:
    release_turn(tx, _own(tx, actor, command))


def fail(tx: Transaction, actor: Actor, command: FailTurn) -> None:
    turn = _own(tx, actor, command)
    must_not_stream(tx, turn)
    fail_turn(tx, turn, command.error or _NO_REASON)


def retry(tx: Transaction, actor: Actor, command: RetryTurn) -> None:
    """Lets a failed turn begin again, as if no agent had answered before it. One that waits or is worked on stays as it
    is. Raises `forbidden` for an actor who may not, and `conflict` for a turn that is done."""
    if tx.has_nodes_before(TURNS_KNOWN):
        raise not_known_to_all("turns")
    number = message_number(command.turn_id)
    turn = None if number is None else tx.turns.find(number)
    if turn is None or not _is_responsible(actor, tx.user(turn.agent_id)):
        raise forbidden("not_found")
    if not actor.is_service:
        require(may_act(tx.user(actor.user_id)))
    if turn.state == "done":
        raise ended_turn(turn)
    if turn.state == "failed":
        anew = replace(
            turn,
            state="waiting",
            attempt=turn.attempt + 1,  # tokens of before are void
            tries=0,
            depth=0,
            root_id=turn.id,
            claimable_ms=tx.now_ms,
            ended_ms=None,
            error_code=None,
            error_message=None,
        )
        tx.turns.put(anew)
        tx.timers.set(TURN_TIMER, str(anew.id), None)
        announce(tx, anew)
        expect_alert(tx, anew)


def _is_responsible(actor: Actor, agent: User | None) -> bool:
    """Returns whether an actor is an agent's owner, the backend or an operator."""
    return actor.is_trusted or (agent is not None and agent.owner_id == actor.user_id)


def list_turns(snapshot: Snapshot, actor: Actor, query: ListTurns) -> Page[ListedTurn]:
    """Returns a page of turns, the newest first. Raises `forbidden` for turns of an agent that is neither the actor nor
    owned by the actor."""
    if query.in_state is not None and query.in_state not in TURN_STATES:
        raise invalid("state", f"must be one of {', '.join(TURN_STATES)}")
    before_id = None if query.cursor is None else message_number(query.cursor)
    if query.cursor is not None and before_id is None:
        raise invalid("cursor", "is not a cursor of this list")
    limit = max(1, min(query.limit, PAGE_MAX))
    found = snapshot.turns.page(_agent_ids(snapshot, actor, query.agent_id), query.in_state, before_id, limit + 1)
    items = tuple(ListedTurn(turn, snapshot.turns.messages_of(turn.id)) for turn in found[:limit])
    return Page(items, str(found[limit - 1].id) if len(found) > limit else None)


def summarize_agents(snapshot: Snapshot, actor: Actor, query: SummarizeAgents) -> Sequence[AgentNumbers]:
    must_be_trusted(actor)
    numbers = snapshot.turns.numbers(snapshot.now_ms - _HOUR_MS)
    first = sorted(numbers, key=lambda each: (each.oldest_ms is None, each.oldest_ms or 0, each.agent_id))
    return first[:PAGE_MAX]


def _agent_ids(snapshot: Snapshot, actor: Actor, agent_id: str | None) -> tuple[str, ...] | None:
    """Returns the agents whose turns are listed, None for all."""
    if agent_id is not None:
        check_id("agentId", agent_id)
    if actor.is_trusted:
        return None if agent_id is None else (agent_id,)
    user = snapshot.user(actor.user_id)
    require(may_act(user))
    own = (actor.user_id, *snapshot.turns.agents_owned_by(actor.user_id))
    if agent_id is None:
        return own
    if agent_id not in own:
        raise forbidden("other_user")
    return (agent_id,)


CHANGES: Changes = MappingProxyType(
    {
        RenewTurn: ChangeHandler(renew, check_renew),
        EndTurn: ChangeHandler(end, check_of_turn),
        ReleaseTurn: ChangeHandler(release, check_of_turn),
        FailTurn: ChangeHandler(fail, check_fail),
        RetryTurn: ChangeHandler(retry),
    }
)

QUERIES: Queries = MappingProxyType({ListTurns: list_turns, SummarizeAgents: summarize_agents})
