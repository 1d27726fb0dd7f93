"""Stops agents that answer each other without end.

Each message of an agent has a cause, and is one deeper than it (`core/domain/agents/turns.py`). A chain that is as deep
as the setting `max_agent_depth` ends: what would be the next answer is a turn that has failed already. Beside that, an
agent sends a limited number of messages in a conversation within an hour.
"""

from __future__ import annotations

from msgspec.structs import replace

from talkwire.core.domain.agents.turns import Cause, Turn, too_deep
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageSent, TurnFailed
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import Message, User
from talkwire.core.domain.parts.streams import StreamError
from talkwire.core.ports.transaction import Transaction

_HOUR_MS = 60 * 60 * 1000
_STOPPED = "The agents here have answered each other {most} times, so they wait for a person now."


def depth_of(message: Message) -> int:
    """Returns how many messages of agents answer each other up to a message: 0 for one of a person."""
    return 0 if message.cause is None else message.cause.depth


def root_of(message: Message) -> int:
    """Returns the id of the message with which the chain of agents' messages began in which a message is."""
    return message.id if message.cause is None else message.cause.root_id


def is_too_deep(tx: Transaction, depth: int) -> bool:
    return depth > tx.policy.max_agent_depth


def cause_of(tx: Transaction, conversation_id: str, agent_id: str, turn: Turn | None, answered: int | None) -> Cause:
    """Returns the cause of an agent's message: its turn, else the message `answered` that it replies to, else the
    newest message of somebody else. Raises `conflict` if it would be too deep."""
    if turn is not None:
        cause = Cause(turn.depth + 1, turn.root_id, turn.id)
    else:
        message = tx.turns.newest_of_others(conversation_id, agent_id) if answered is None else tx.message(answered)
        cause = Cause(1, 0) if message is None else Cause(depth_of(message) + 1, root_of(message))
    if is_too_deep(tx, cause.depth):
        raise too_deep(tx.policy.max_agent_depth)
    return cause


def used_until_ms(tx: Transaction, conversation_id: str, agent_id: str) -> int:
    """Returns what to store as `sent_until_ms` of an agent that sends one more message in a conversation. Raises
    `rate_limited` if the agent has sent too many there.

    This is when the agent will have no message left to wait for, as if it sent them at equal distances (the
    generic cell rate algorithm): it may be at most an hour ahead.
    """
    each_ms = _HOUR_MS // max(1, tx.policy.agent_messages_per_hour)
    sent_until_ms = max(tx.turns.sent_until_ms(conversation_id, agent_id), tx.now_ms) + each_ms
    wait_ms = sent_until_ms - tx.now_ms - _HOUR_MS
    if wait_ms > 0:
        message = f"An agent sends at most {tx.policy.agent_messages_per_hour} messages an hour in a conversation."
        raise ChatError("rate_limited", message, {"retryAfterMs": wait_ms}, cause="too_many")
    return sent_until_ms


def stop_chain(tx: Transaction, turn: Turn, message: Message) -> Turn:
    """Stores a new turn as failed, because its message is at the end of a chain, and returns it. The first such turn of
    a chain writes a system message."""
    most = tx.policy.max_agent_depth
    is_first = not tx.turns.has_stopped(turn.conversation_id, turn.root_id)
    error = StreamError("depth", too_deep(most).message)
    agent = tx.user(turn.agent_id)
    failed = replace(
        turn,
        state="failed",
        claimable_ms=None,
        ended_ms=tx.now_ms,
        error_code=error.code,
        error_message=error.message,
    )
    tx.turns.put(failed)
    owner_id = None if agent is None else agent.owner_id
    tx.record(TurnFailed(tx.next_pos(), tx.now_ms, turn.id, turn.conversation_id, turn.agent_id, error, owner_id))
    author = tx.user(message.sender_id)
    if is_first and author is not None:
        _write_notice(tx, author, message, most)
    return failed


def _write_notice(tx: Transaction, by: User, message: Message, most: int) -> None:
    conversation = tx.conversation(message.conversation_id)
    assert conversation is not None, "the message is in it"
    pos = tx.next_pos()
    notice = Message(
        id=id_at(pos),
        conversation_id=conversation.id,
        seq=conversation.last_seq + 1,
        sender_id=by.id,
        sender_name=by.name,
        sender_avatar=by.avatar,
        content=_STOPPED.format(most=most),
        created_ms=tx.now_ms,
        metadata={"agents": {"action": "depth", "messageId": str(message.id)}},
        system=True,
        notes_of=conversation.notes_of,
    )
    tx.record(MessageSent(pos, tx.now_ms, notice))
