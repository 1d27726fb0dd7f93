"""Which messages are work for agents, and the turns that begin with them."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from talkwire.core.commands.agents.turns import TURN_TIMER
from talkwire.core.domain.agents.turns import TURN_MESSAGES_MAX, TURNS_KEPT_MS, Turn
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import Conversation, Message
from talkwire.core.features.agents.loops import depth_of, is_too_deep, root_of, stop_chain
from talkwire.core.features.agents.turns import announce, expect_alert, is_handled_by_person
from talkwire.core.ports.transaction import Transaction


def add_work(tx: Transaction, conversation: Conversation, message: Message, *, may_be_known: bool = False) -> None:
    """Gives a new message to the agents for which it is work. The caller has checked that the conversation may have
    agents. Messages while a person handles the conversation are work for nobody. With `may_be_known`, the
    message is left out of the work of agents that have an open turn with it."""
    if message.system or message.imported or message.deleted_ms is not None:
        return
    agent_ids = _addressed(tx, conversation, message)
    if not agent_ids or is_handled_by_person(tx, conversation):
        return
    known = tx.turns.agents_with(message.id) if may_be_known else ()
    for agent_id in agent_ids:
        if agent_id not in known and not tx.has_blocked(agent_id, message.sender_id):
            _give(tx, conversation.id, agent_id, message)


def _addressed(tx: Transaction, conversation: Conversation, message: Message) -> Collection[str]:
    """Returns the agents for which a message is work, by the rule of its conversation, in a fixed order. All messages
    are work for an agent that handles the conversation."""
    policy = conversation.agents or ("all" if conversation.kind == "direct" else "mentions")
    if policy == "off":
        return ()
    if policy == "all":
        found = tx.turns.agents_in(conversation.id)
    else:
        named = [*message.mentions, *(() if conversation.handler_id is None else (conversation.handler_id,))]
        if message.reply_to is not None:
            named.append(message.reply_to.sender_id)
        following = () if message.thread_id is None else tx.turns.agents_following(conversation.id, message.thread_id)
        found = [*_agents_among(tx, conversation.id, named), *following]
    return sorted({*found} - {message.sender_id})


def _agents_among(tx: Transaction, conversation_id: str, user_ids: Collection[str]) -> Collection[str]:
    """Returns those of the users who are agents and members, and not banned."""
    if not user_ids:
        return ()
    users, members = tx.users(user_ids), tx.members(conversation_id, user_ids)
    return [id_ for id_, user in users.items() if id_ in members and user.kind == "agent" and not user.banned]


def _give(tx: Transaction, conversation_id: str, agent_id: str, message: Message) -> None:
    """Adds a message to the turn that the agent has not claimed yet, or begins a turn with it. Where agents have
    answered each other too often, the new turn has failed at once."""
    depth = depth_of(message)
    turn = tx.turns.new_in(conversation_id, agent_id)
    if turn is not None and turn.message_count < TURN_MESSAGES_MAX:
        known = turn.message_count > 0 and turn.depth <= depth
        depth, root_id = (turn.depth, turn.root_id) if known else (depth, root_of(message))
        tx.turns.put(replace(turn, depth=depth, root_id=root_id, message_count=turn.message_count + 1))
        tx.turns.add_message(turn.id, message.id)
        return
    new = Turn(
        id=id_at(tx.next_pos()),
        conversation_id=conversation_id,
        agent_id=agent_id,
        created_ms=tx.now_ms,
        depth=depth,
        root_id=root_of(message),
        message_count=1,
        claimable_ms=tx.now_ms,
    )
    if is_too_deep(tx, depth + 1):
        _begin_stopped(tx, new, message)
        return
    note, note_by = tx.turns.take_note(conversation_id, agent_id)
    new = replace(new, note=note, note_by=note_by)
    tx.turns.put(new)
    tx.turns.add_message(new.id, message.id)
    announce(tx, new)
    expect_alert(tx, new)


def _begin_stopped(tx: Transaction, turn: Turn, message: Message) -> None:
    stopped = stop_chain(tx, turn, message)
    tx.turns.add_message(stopped.id, message.id)
    tx.timers.set(TURN_TIMER, str(stopped.id), tx.now_ms + TURNS_KEPT_MS)


def leave_note(tx: Transaction, conversation_id: str, agent_ids: Collection[str], note: str, by: str) -> None:
    """Gives agents what the user `by` wrote for them: with the turn that they can claim now, or else with their next
    turn in the conversation."""
    for agent_id in sorted(agent_ids):
        turn = tx.turns.new_in(conversation_id, agent_id)
        if turn is None:
            tx.turns.keep_note(conversation_id, agent_id, note, by)
        else:
            tx.turns.put(replace(turn, note=note, note_by=by))
