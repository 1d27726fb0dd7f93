"""What the tests about turns, the pieces of agents' work, do and look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from talkwire.core.commands.accounts import PutUser
from talkwire.core.commands.agents.turns import ClaimedTurn, ClaimTurns, EndTurn, FailTurn, ListTurns, ReleaseTurn
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.messages import GetMessage, SendMessage
from talkwire.core.commands.streams.writing import OpenedStream, StreamMessage
from talkwire.core.domain.agents.turns import TURN_LEASE_MS, Turn
from talkwire.core.domain.cards.card import AskedCard
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import DurableEvent
from talkwire.core.domain.model import Actor, AgentsPolicy, Message
from talkwire.core.domain.parts.streams import StreamError
from talkwire.storage.schema import turn_messages, turns
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, Node
from tests.contracts.test_stream_rules import append, until_stored

HELPER = Actor("helper", "Helper")
OTHER = Actor("other", "Other")
"""The agents: of Carol, and of Alice."""

SECOND_MS = 1000
BROKEN = StreamError("broken", "The model did not answer.")
ASKED = {
    "title": "Pay?",
    "actions": [{"id": "yes", "label": "Yes"}, {"id": "no", "label": "No"}],
    "decide": "first",
}


async def scene(node: Node, agents: AgentsPolicy | None = "all", *, others: tuple[Actor, ...] = ()) -> None:
    """Makes a group `c` of Alice, its owner, Bob, Carol, the agent Helper, and others. Mallory is no member."""
    await node.users(ALICE, BOB, CAROL, MALLORY)
    await node.do(BACKEND, PutUser("helper", name="Helper", kind="agent", owner_id="carol"))
    await node.do(BACKEND, PutUser("other", name="Other", kind="agent", owner_id="alice"))
    await group(node, "c", ALICE, BOB, CAROL, HELPER, *others, agents=agents)


async def group(node: Node, conversation_id: str, *actors: Actor, agents: AgentsPolicy | None = "all") -> None:
    names = tuple(actor.user_id for actor in actors)
    created = CreateConversation("group", names, id=conversation_id, owner_id=names[0])
    await node.do(BACKEND, created if agents is None else msgspec.structs.replace(created, agents=agents))


async def claims(node: Node, agent: Actor = HELPER, **more: Any) -> Sequence[ClaimedTurn]:  # noqa: ANN401 (fields of the command)
    """Returns the turns that an agent claims now, without waiting for any."""
    found: Sequence[ClaimedTurn] = await node.do(agent, ClaimTurns(**more))
    return found


async def claim(node: Node, agent: Actor = HELPER, **more: Any) -> ClaimedTurn:  # noqa: ANN401 (fields of the command)
    (claimed,) = await claims(node, agent, **more)
    return claimed


async def ask_and_claim(node: Node, content: str = "A question") -> tuple[Message, ClaimedTurn]:
    """Lets Bob send a message, and Helper claim the turn that answers it."""
    question = await node.send(BOB, content)
    return question, await claim(node)


async def answer(
    node: Node,
    turn: str,
    content: str = "An answer",
    by: Actor = HELPER,
    **more: Any,  # noqa: ANN401 (fields of the command)
) -> Message:
    message = await node.do(by, SendMessage("c", content, turn=turn, **more))
    assert isinstance(message, Message)
    return message


def asking(turn: str | None = None, **more: Any) -> SendMessage:  # noqa: ANN401 (fields of the command)
    """Returns a command that sends a card."""
    return SendMessage("c", "", card=msgspec.convert(ASKED, AskedCard), turn=turn, **more)


async def fail(node: Node, turn: str, by: Actor = HELPER, error: StreamError | None = BROKEN) -> None:
    await node.do(by, FailTurn(turn=turn, error=error))


async def release(node: Node, turn: str, by: Actor = HELPER) -> None:
    await node.do(by, ReleaseTurn(turn=turn))


async def done(node: Node, turn: str, by: Actor = HELPER) -> None:
    await node.do(by, EndTurn(turn=turn))


async def lapse(node: Node, by_ms: int = TURN_LEASE_MS) -> None:
    """Lets time pass, by default the lease of a claim without a socket, and fires the timers that are due."""
    node.clock.now_ms += by_ms
    await node.fire()


async def opened(node: Node, turn: str | None, by: Actor = HELPER, **more: Any) -> OpenedStream:  # noqa: ANN401 (fields of the command)
    stream = await node.do(by, StreamMessage(conversation_id="c", turn=turn, **more))
    assert isinstance(stream, OpenedStream)
    return stream


async def written(node: Node, turn: str, text: str = "Half of", **more: Any) -> OpenedStream:  # noqa: ANN401 (fields of the command)
    """Opens a stream in a turn, writes a text, and waits until it is stored."""
    stream = await opened(node, turn, **more)
    await node.do(HELPER, append(stream, text, at=0))
    await until_stored(node, stream, text)
    return stream


async def stored(node: Node, message: Message) -> Message:
    found = await node.do(BACKEND, GetMessage(str(message.id)))
    assert isinstance(found, Message)
    return found


async def turn_now(node: Node, claimed: ClaimedTurn) -> Turn:
    """Returns a turn as it is now."""
    page = await node.do(BACKEND, ListTurns(limit=100))
    (found,) = [each.turn for each in page.items if each.turn.id == claimed.turn.id]
    assert isinstance(found, Turn)
    return found


async def states(node: Node) -> list[str]:
    """Returns the states of all turns, oldest first."""
    page = await node.do(BACKEND, ListTurns(limit=100))
    return [each.turn.state for each in reversed(page.items)]


async def refused(node: Node, actor: Actor, command: Any) -> ChatError:  # noqa: ANN401 (a command)
    with pytest.raises(ChatError) as refusal:
        await node.do(actor, command)
    return refusal.value


async def reason_of(node: Node, actor: Actor, command: Any) -> str:  # noqa: ANN401 (a command)
    """Returns the `reason` in a conflict."""
    error = await refused(node, actor, command)
    assert error.code == "conflict", error
    assert isinstance(error.details, dict)
    return str(error.details["reason"])


async def recorded(node: Node, kind: type[DurableEvent]) -> list[Any]:
    """Returns the events of a kind in the stored log."""
    return [event for event in await node.replay() if isinstance(event, kind)]


def work(node: Node, agent: Actor = HELPER) -> list[int]:
    """Returns the ids of the messages that are in turns of an agent, in ascending order."""
    found = select(turn_messages.c.message_id).join(turns, turns.c.id == turn_messages.c.turn_id)
    with node.read_engine.connect() as connection:
        rows = connection.execute(found.where(turns.c.agent_id == agent.user_id)).scalars().all()
    return sorted(rows)


def ids(claimed: ClaimedTurn) -> list[int]:
    return [message.id for message in claimed.messages]


def contents(claimed: ClaimedTurn) -> list[str]:
    return [message.content for message in claimed.messages]
