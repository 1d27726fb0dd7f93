"""The demo's agent: what it says, and that each question has one answer, whatever interrupts it; on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from talkwire.core.commands.accounts import PutUser
from talkwire.core.commands.cards.deciding import ActOnCard
from talkwire.core.commands.conversations import UpdateConversation
from talkwire.core.commands.members import AddMembers
from talkwire.core.commands.messages import EditMessage, SendMessage
from talkwire.core.commands.streams.writing import AppendToMessage, StopMessage
from talkwire.core.domain.events import MessageSent, TurnWorking
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.parts.message_parts import ToolPart
from talkwire.demo.assistant import ASSISTANT, LEASE_S, Assistant
from talkwire.demo.assistant_script import GREETING
from tests.contracts.cluster import running_cluster
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, Clock, Node
from tests.contracts.turn_actions import SECOND_MS, group, lapse, recorded, states, stored
from tests.databases import Database
from tests.waiting import deadline, until, until_asked

HURRY = 1e6
FOUND = "Order 2107 is a **Heron, blue**. It is in the paint shop, and leaves on Thursday."


class Held(Assistant):
    """Waits after it has written so many times."""

    def __init__(self, node: Node, writes: int) -> None:
        super().__init__(node.chat, HURRY)
        self.is_there = asyncio.Event()
        self.may_continue = asyncio.Event()
        self._left = writes

    async def _append(self, append: AppendToMessage, pause_s: float) -> bool:
        if self._left == 0:
            self.is_there.set()
            await self.may_continue.wait()
        self._left -= 1
        return await super()._append(append, pause_s)


async def scene(node: Node) -> None:
    """Makes a group `c` of Alice, Bob and the agent."""
    await node.users(ALICE, BOB, CAROL)
    await node.do(BACKEND, PutUser(ASSISTANT.user_id, ASSISTANT.name, kind="agent"))
    await group(node, "c", ALICE, BOB, ASSISTANT)


@asynccontextmanager
async def running(*assistants: Assistant) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run()) for each in assistants]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def turns_are(node: Node, *wanted: str) -> None:
    """Waits until the turns have these states."""

    async def have_them() -> bool:
        return await states(node) == list(wanted)

    await until_asked(have_them)


async def asked(node: Node) -> Message:
    """Waits until the agent asks for a decision, and returns that message."""

    async def card() -> Message | None:
        return next((message for message in await agents_messages(node) if message.card is not None), None)

    found = await until_asked(card)
    assert found is not None
    return found


async def agents_messages(node: Node) -> list[Message]:
    """Returns the agent's messages that were not deleted."""
    sent = [event.message for event in await recorded(node, MessageSent)]
    found = [await stored(node, message) for message in sent if message.sender_id == ASSISTANT.user_id]
    return [message for message in found if message.deleted_ms is None]


async def answers(node: Node, content: str) -> Sequence[Message]:
    """Returns the agent's messages after a message of Bob."""
    await node.send(BOB, content)
    async with running(Assistant(node.chat, HURRY)):
        await turns_are(node, "done")
    return await agents_messages(node)


def tools(message: Message) -> list[tuple[str, str, Any]]:
    return [(part.name, part.state, part.input) for part in message.parts or () if isinstance(part, ToolPart)]


async def test_it_uses_a_tool_and_says_what_it_does(node: Node) -> None:
    await scene(node)
    question = await node.send(BOB, "Where is order 2107?")
    async with running(Assistant(node.chat, HURRY)):
        await turns_are(node, "done")
    (answer,) = await agents_messages(node)
    assert (answer.content, answer.state) == (FOUND, "done")
    assert answer.reply_to is not None
    assert answer.reply_to.id == question.id
    assert tools(answer) == [("find_order", "output-available", {"order": 2107})]
    labels = [event.label for event in node.events if isinstance(event, TurnWorking)]
    assert labels == [None, "Looking for the order…"]


async def test_of_an_unknown_order_it_says_which_there_are(node: Node) -> None:
    await scene(node)
    (answer,) = await answers(node, "Refund 9999, please")
    assert answer.content == "I have no order 9999. There are 2104, 2107, 2111."
    assert tools(answer) == [("find_order", "output-error", {"order": 9999})]


@pytest.mark.parametrize("content", ["Hello", "Order 12", "My number is 0170123456"])
async def test_to_anything_else_it_says_what_it_can_do(node: Node, content: str) -> None:
    await scene(node)
    (answer,) = await answers(node, content)
    assert (answer.content, tools(answer)) == (GREETING, [])


async def test_a_question_in_a_thread_is_answered_there(node: Node) -> None:
    await scene(node)
    root = await node.send(ALICE, "About the orders")
    async with running(Assistant(node.chat, HURRY)):
        await turns_are(node, "done")
        await node.do(BOB, SendMessage("c", "Refund order 2104", thread_id=str(root.id)))
        await asked(node)
    assert [message.thread_id for message in await agents_messages(node)] == [None, root.id, root.id]


async def test_an_approved_refund_has_the_amount_of_whoever_approves(node: Node) -> None:
    await scene(node)
    await node.send(BOB, "Refund order 2104")
    async with running(Assistant(node.chat, HURRY)):
        card = await asked(node)
        await node.do(ALICE, ActOnCard(str(card.id), ("approve",), {"amount": 100}))
        await turns_are(node, "done")
    first, _, last = await agents_messages(node)
    assert first.content == "Order 2104 is a Sparrow, red, paid with 940 EUR. Somebody has to approve a refund."
    assert last.content == "Done: 100 EUR for order 2104 are on their way back."
    assert tools(last) == [("refund", "output-available", {"order": 2104, "amount": 100})]


async def test_a_declined_refund_is_not_made(node: Node) -> None:
    await scene(node)
    await node.send(BOB, "Refund order 2104")
    async with running(Assistant(node.chat, HURRY)):
        card = await asked(node)
        await node.do(ALICE, ActOnCard(str(card.id), ("decline",)))
        await turns_are(node, "done")
    *_, last = await agents_messages(node)
    assert (last.content, tools(last)) == ("Then order 2104 is not refunded.", [])


@pytest.mark.parametrize(("writes", "content"), [(1, "Find the order"), (2, "Order "), (4, "Order 2104 is ")])
async def test_it_stops_where_it_is_asked_to_and_asks_for_nothing(node: Node, writes: int, content: str) -> None:
    await scene(node)
    question = await node.send(BOB, "Refund order 2104")
    assistant = Held(node, writes)
    async with running(assistant):
        async with deadline():
            await assistant.is_there.wait()
        await node.do(BOB, StopMessage(reply_to_id=str(question.id)))
        assistant.may_continue.set()
        await turns_are(node, "done")
    (answer,) = await agents_messages(node)
    assert (answer.content, answer.state) == (content, "stopped")


@pytest.mark.parametrize("writes", [0, 1, 5])
async def test_an_interrupted_answer_is_written_again_in_its_place(node: Node, writes: int) -> None:
    await scene(node)
    question = await node.send(BOB, "Where is order 2104?")
    assistant = Held(node, writes)
    async with running(assistant):
        async with deadline():
            await assistant.is_there.wait()
        (half,) = await agents_messages(node)

        async def is_stored() -> bool:
            return (await stored(node, half)).parts != ()

        if writes > 0:
            await until_asked(is_stored)
    await lapse(node, LEASE_S * SECOND_MS)
    await lapse(node, SECOND_MS)
    # The answer is another one then, so nothing of the first may stay.
    await node.do(BOB, EditMessage(str(question.id), "Where is order 2107?"))
    async with running(Assistant(node.chat, HURRY)):
        await turns_are(node, "done")
    (whole,) = await agents_messages(node)
    assert (whole.content, whole.state) == (FOUND, "done")
    assert tools(whole) == [("find_order", "output-available", {"order": 2107})]
    # The server deletes an interrupted message that has nothing.
    assert (whole.id == half.id) is (writes > 0)


async def test_of_two_one_answers(node: Node) -> None:
    await scene(node)
    async with running(Assistant(node.chat, HURRY), Assistant(node.chat, HURRY)):
        await until(lambda: node.chat.signals.turns.count == 2)
        await node.send(BOB, "Where is order 2107?")
        await turns_are(node, "done")
        await until(lambda: node.chat.signals.turns.count == 2)
    assert [message.content for message in await agents_messages(node)] == [FOUND]


async def test_of_two_nodes_one_answers(postgresql_database: Database, clock: Clock) -> None:
    async with running_cluster(postgresql_database, clock) as cluster:
        node, other = cluster.a.node, cluster.b.node
        await node.do(BACKEND, PutUser(ASSISTANT.user_id, ASSISTANT.name, kind="agent"))
        await node.do(ALICE, AddMembers("c", (ASSISTANT.user_id,)))
        await node.do(BACKEND, UpdateConversation("c", agents="all"))
        async with running(Assistant(node.chat, HURRY), Assistant(other.chat, HURRY)):
            await node.send(BOB, "Where is order 2107?")
            await turns_are(node, "done")
            await until(lambda: node.chat.signals.turns.count == other.chat.signals.turns.count == 1)
        assert [message.content for message in await agents_messages(node)] == [FOUND]


@pytest.mark.parametrize("known", [(), (ASSISTANT,)])
async def test_without_the_agent_it_ends(node: Node, known: tuple[Actor, ...]) -> None:
    """Of that id there may be nobody, or a person."""
    await node.users(*known)
    async with deadline():
        await Assistant(node.chat, HURRY).run()
    assert await recorded(node, MessageSent) == []
