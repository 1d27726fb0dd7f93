"""Agents that answer each other stop at a depth, and each sends so many messages an hour; on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from talkwire.core.commands.accounts import PutUser
from talkwire.core.commands.agents.turns import RetryTurn
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import ForwardMessage, ListMessages, SendMessage
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.events import TurnFailed
from talkwire.core.domain.model import Message
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, Clock, Node, running
from tests.contracts.turn_actions import (
    HELPER,
    OTHER,
    SECOND_MS,
    answer,
    claim,
    claims,
    contents,
    done,
    group,
    lapse,
    reason_of,
    recorded,
    refused,
    scene,
    states,
    stored,
)
from tests.databases import Database

HOUR_MS = 3_600_000


@pytest.fixture
async def node(database: Database, clock: Clock) -> AsyncIterator[Node]:
    async with running(database, clock, policy=AccessPolicy(agent_messages_per_hour=60)) as node:
        await scene(node, "mentions", others=(OTHER,))
        yield node


async def converse(node: Node, most: int = 20) -> list[str]:
    """Lets the two agents answer each other, with a mention each time, until neither has a turn. Returns who wrote."""
    wrote: list[str] = []
    while len(wrote) < most:
        for agent, other in ((HELPER, "Other"), (OTHER, "Helper")):
            for claimed in await claims(node, agent):
                await answer(node, claimed.turn.token, f"@{other} and you?", by=agent)
                wrote.append(agent.user_id)
                break
            else:
                continue
            break
        else:
            return wrote
    return wrote


async def notices(node: Node) -> list[Message]:
    page = await node.do(BACKEND, ListMessages("c"))
    return [message for message in page.items if message.system]


async def depths(node: Node, *messages: Message) -> list[int]:
    found = [(await stored(node, message)).cause for message in messages]
    return [0 if cause is None else cause.depth for cause in found]


# --- depth ------------------------------------------------------------------------------------------------------------


async def test_two_agents_that_mention_each_other_stop(node: Node) -> None:
    await node.send(BOB, "@Helper Hello")
    assert await converse(node) == ["helper", "other", "helper"]
    assert await states(node) == ["done", "done", "done", "failed"]
    (failed,) = await recorded(node, TurnFailed)
    assert (failed.agent_id, failed.owner_id, failed.error.code) == ("other", "alice", "depth")
    (notice,) = await notices(node)
    newest = (await node.do(BACKEND, ListMessages("c"))).items[-2]
    assert notice.metadata == {"agents": {"action": "depth", "messageId": str(newest.id)}}
    assert "3 times" in notice.content
    assert await claims(node, OTHER) == []


@pytest.mark.parametrize("most", [1, 2, 5])
async def test_the_depth_is_a_setting(database: Database, clock: Clock, most: int) -> None:
    async with running(database, clock, policy=AccessPolicy(max_agent_depth=most)) as node:
        await scene(node, "mentions", others=(OTHER,))
        await node.send(BOB, "@Helper Hello")
        assert len(await converse(node)) == most


async def test_a_chain_has_one_notice_however_many_agents_it_has(node: Node) -> None:
    for name in ("third", "fourth"):
        await node.do(BACKEND, PutUser(name, name=name.title(), kind="agent"))
        await node.do(ALICE, AddMembers("c", (name,)))
    await node.send(BOB, "@Helper Hello")
    for agent, text in ((HELPER, "@Other?"), (OTHER, "@Helper?"), (HELPER, "@Other @Third @Fourth?")):
        await answer(node, (await claim(node, agent)).turn.token, text, by=agent)
    assert (await states(node)).count("failed") == 3
    assert len(await notices(node)) == 1


async def test_each_chain_has_its_notice(node: Node) -> None:
    for _ in range(2):
        await node.send(BOB, "@Helper Hello")
        await converse(node)
    assert len(await notices(node)) == 2


async def test_a_person_in_between_lets_agents_begin_again(node: Node) -> None:
    await node.send(BOB, "@Helper Hello")
    await converse(node)
    await node.send(ALICE, "@Other and you?")
    assert await converse(node) == ["other", "helper", "other"]


async def test_a_person_who_asks_meanwhile_makes_the_turn_one_of_people(node: Node) -> None:
    await node.send(BOB, "@Helper Hello")
    await answer(node, (await claim(node)).turn.token, "@Other hello")
    await node.send(BOB, "@Other what do you think?")
    claimed = await claim(node, OTHER)
    assert contents(claimed) == ["@Other hello", "@Other what do you think?"]
    assert claimed.turn.depth == 0
    message = await answer(node, claimed.turn.token, "Nothing", by=OTHER)
    assert await depths(node, message) == [1]


async def test_a_retry_begins_at_zero_and_stops_again(node: Node) -> None:
    await node.send(BOB, "@Helper Hello")
    await converse(node)
    (failed,) = await recorded(node, TurnFailed)
    await node.do(ALICE, RetryTurn(turn_id=str(failed.turn_id)))
    assert await converse(node) == ["other", "helper", "other"]
    assert len(await notices(node)) == 2
    assert [event.agent_id for event in await recorded(node, TurnFailed)] == ["other", "helper"]


async def test_messages_of_an_agent_are_deeper_than_what_they_answer(node: Node) -> None:
    person = await node.send(BOB, "Hello")
    first = await node.send(HELPER, "One")
    second = await node.send(OTHER, "Two")
    assert await depths(node, person, first, second) == [0, 1, 2]
    again = await node.send(OTHER, "Two and a half")
    assert await depths(node, again) == [2], "one's own messages are no cause"
    reply = await node.do(HELPER, SendMessage("c", "Three", reply_to_id=str(person.id)))
    assert await depths(node, reply) == [1], "the message that is answered counts, not the newest"
    deep = await node.do(HELPER, SendMessage("c", "Three", reply_to_id=str(again.id)))
    assert await depths(node, deep) == [3]
    error = await refused(node, OTHER, SendMessage("c", "Four"))
    assert (error.code, error.details) == ("conflict", {"reason": "depth", "limit": 3})
    assert await reason_of(node, OTHER, SendMessage("c", "Four", reply_to_id=str(deep.id))) == "depth"
    await node.send(CAROL, "Enough")
    assert await depths(node, await node.send(OTHER, "One")) == [1]


async def test_an_agent_that_nobody_has_written_to_speaks_first(node: Node) -> None:
    first = await node.send(HELPER, "Good morning")
    assert await depths(node, first) == [1]


async def test_deleted_messages_and_notices_are_no_cause(node: Node) -> None:
    await node.send(BOB, "@Helper Hello")
    await converse(node)
    assert [message.system for message in (await node.do(BACKEND, ListMessages("c"))).items][-1]
    assert await reason_of(node, OTHER, SendMessage("c", "Me again")) == "depth"


async def test_a_turn_counts_and_not_the_newest_message(node: Node) -> None:
    await node.send(BOB, "@Helper Hello")
    claimed = await claim(node)
    await node.send(BOB, "By the way")
    await node.send(OTHER, "One")
    message = await answer(node, claimed.turn.token)
    assert message.cause is not None
    assert (message.cause.depth, message.cause.turn_id) == (1, claimed.turn.id)


async def test_a_forward_is_refused_for_all_conversations_or_for_none(node: Node) -> None:
    await group(node, "d", ALICE, BOB, HELPER, OTHER, agents="off")
    source = await node.send(BOB, "Hello")
    for author in (HELPER, OTHER, HELPER):
        await node.send(author, "Deeper", to="d")
    forward = ForwardMessage(str(source.id), ("c", "d"))
    assert await reason_of(node, OTHER, forward) == "depth"
    assert [message.content for message in (await node.do(BACKEND, ListMessages("c"))).items] == ["Hello"]
    (copy,) = await node.do(OTHER, ForwardMessage(str(source.id), ("c",)))
    assert await depths(node, copy) == [1]


# --- messages an hour -------------------------------------------------------------------------------------------------


async def test_an_agent_sends_so_many_messages_an_hour_in_a_conversation(node: Node) -> None:
    await group(node, "d", ALICE, BOB, HELPER, agents="off")
    for number in range(60):
        await node.send(HELPER, str(number))
    error = await refused(node, HELPER, SendMessage("c", "61"))
    assert (error.code, error.details) == ("rate_limited", {"retryAfterMs": 60 * SECOND_MS})
    await node.send(HELPER, "Elsewhere", to="d")
    await node.send(OTHER, "Another agent")
    for number in range(61):
        await node.send(BOB, str(number))
    node.clock.now_ms += 60 * SECOND_MS - 1
    assert (await refused(node, HELPER, SendMessage("c", "61"))).details == {"retryAfterMs": 1}
    node.clock.now_ms += 1
    await node.send(HELPER, "61")
    assert await node.refusal(HELPER, SendMessage("c", "62")) == "rate_limited"
    node.clock.now_ms += HOUR_MS
    for number in range(60):
        await node.send(HELPER, str(number))
    assert await node.refusal(HELPER, SendMessage("c", "61")) == "rate_limited"


LIMITED: dict[str, Any] = {
    "an answer": lambda token, source: SendMessage("c", "Second", turn=token),
    "a forward": lambda token, source: ForwardMessage(source, ("c",)),
}


@pytest.mark.parametrize("what", LIMITED)
async def test_answers_and_forwards_count_too(database: Database, clock: Clock, what: str) -> None:
    async with running(database, clock, policy=AccessPolicy(agent_messages_per_hour=1)) as node:
        await scene(node, "mentions")
        source = await node.send(BOB, "@Helper Hello")
        claimed = await claim(node, lease_s=300)
        await answer(node, claimed.turn.token, "First", more=True, client_message_id="a")
        await answer(node, claimed.turn.token, "First", more=True, client_message_id="a")  # a retry counts nothing
        command = LIMITED[what](claimed.turn.token, str(source.id))
        error = await refused(node, HELPER, command)
        assert (error.code, error.details) == ("rate_limited", {"retryAfterMs": HOUR_MS})
        assert await states(node) == ["working"]
        await done(node, claimed.turn.token)
        node.clock.now_ms += HOUR_MS
        await node.send(HELPER, "Later")


async def test_people_and_their_back_end_are_not_counted(database: Database, clock: Clock) -> None:
    async with running(database, clock, policy=AccessPolicy(agent_messages_per_hour=1)) as node:
        await scene(node)
        for number in range(3):
            await node.send(BOB, str(number))
            await node.do(BACKEND, SendMessage("c", str(number), sender_id="carol"))


async def test_an_agent_that_has_come_back_has_sent_what_it_has_sent(database: Database, clock: Clock) -> None:
    async with running(database, clock, policy=AccessPolicy(agent_messages_per_hour=1)) as node:
        await scene(node)
        await node.send(HELPER, "One")
        await node.do(ALICE, RemoveMember("c", "helper"))
        await node.do(ALICE, AddMembers("c", ("helper",)))
        assert await node.refusal(HELPER, SendMessage("c", "Two")) == "rate_limited"


async def test_a_chain_that_was_stopped_is_removed_in_time(node: Node) -> None:
    await node.send(BOB, "@Helper Hello")
    await converse(node)
    await lapse(node, 31 * 24 * HOUR_MS)
    assert await states(node) == []
