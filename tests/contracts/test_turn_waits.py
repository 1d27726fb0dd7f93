"""Claims that wait until there is a turn, on this node and on another one, and what becomes of those whose process has
gone; and how an agent that asks is shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from talkwire.core.commands.accounts import PutUser
from talkwire.core.commands.agents.turns import ClaimTurns, ListTurns, RetryTurn, UpdateTurn
from talkwire.core.commands.members import AddMembers
from talkwire.core.commands.presence import GetPresenceOf
from talkwire.core.domain.events import TurnWorking
from talkwire.core.domain.model import Actor
from talkwire.core.signals.agents import turn_claims
from talkwire.core.signals.signals import SignalOptions
from tests.contracts.cluster import Cluster, running_cluster
from tests.contracts.node import ALICE, BACKEND, BOB, Clock, Node
from tests.contracts.test_stream_rules import refused
from tests.contracts.turn_actions import (
    HELPER,
    OTHER,
    SECOND_MS,
    ask_and_claim,
    claim,
    claims,
    contents,
    done,
    fail,
    release,
    scene,
    states,
)
from tests.databases import Database
from tests.waiting import deadline, until, until_asked


def start(node: Node, agent: Actor = HELPER, wait: int = 60, **more: Any) -> asyncio.Task[Any]:  # noqa: ANN401 (fields of the command)
    """Starts a claim that waits."""

    async def run() -> Any:  # noqa: ANN401 (the turns)
        return await node.ask(agent, ClaimTurns(wait=wait, **more))

    return asyncio.ensure_future(run())


async def waiting(node: Node, agent: Actor = HELPER, **more: Any) -> asyncio.Task[Any]:  # noqa: ANN401 (fields of the command)
    """Starts a claim that waits, and returns once it has found nothing."""
    claims_of = node.chat.signals.turns
    count = claims_of.count
    task = start(node, agent, **more)
    await until(lambda: claims_of.count == count + 1)
    await node.do(BACKEND, ListTurns())  # the claim was queued before
    await until(lambda: agent.user_id in claims_of._asked)
    return task


async def end_of(task: asyncio.Task[Any]) -> Any:  # noqa: ANN401 (the turns)
    async with deadline():
        return await task


# --- waking -----------------------------------------------------------------------------------------------------------


async def test_a_claim_that_waits_is_woken_by_a_message(node: Node) -> None:
    await scene(node)
    task = await waiting(node)
    await node.send(BOB, "A question")
    (claimed,) = await end_of(task)
    assert contents(claimed) == ["A question"]
    assert node.chat.signals.turns.count == 0


async def test_of_two_that_wait_one_has_the_turn(node: Node) -> None:
    await scene(node)
    both = [await waiting(node), await waiting(node)]
    await node.send(BOB, "A question")
    finished, left = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    assert (len(finished), len(left)) == (1, 1)
    (claimed,) = finished.pop().result()
    await done(node, claimed.turn.token)
    await node.send(BOB, "Another")
    (second,) = await end_of(left.pop())
    assert contents(second) == ["Another"]


@pytest.mark.parametrize("how", ["is released", "fails for good and is retried", "has a pause", "ends"])
async def test_a_claim_that_waits_is_woken_when_a_turn_is_free(node: Node, how: str) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    token = claimed.turn.token
    if how == "ends":
        await node.send(BOB, "Another")
    elif how == "fails for good and is retried":
        for pause_s in (1, 5, 30, 120):
            await fail(node, token)
            node.clock.now_ms += pause_s * SECOND_MS
            token = (await claim(node)).turn.token
        await fail(node, token)
    task = await waiting(node)
    if how == "is released":
        await release(node, token)
    elif how == "ends":
        await done(node, token)
    elif how == "has a pause":
        await fail(node, token)
        node.clock.now_ms += SECOND_MS
        await node.fire()
    else:
        await node.do(BACKEND, RetryTurn(turn_id=str(claimed.turn.id)))
    (again,) = await end_of(task)
    assert (again.turn.id != claimed.turn.id) is (how == "ends")


async def test_a_claim_that_finds_nothing_is_answered_after_its_time(node: Node) -> None:
    await scene(node)
    assert [*await end_of(start(node, wait=1))] == []
    assert node.chat.signals.turns.count == 0
    await node.send(BOB, "A question")
    assert await states(node) == ["waiting"]


async def test_turns_of_other_agents_and_conversations_wake_nobody_else(node: Node) -> None:
    await scene(node, "mentions", others=(OTHER,))
    task, elsewhere = await waiting(node), await waiting(node, conversation_id="d")
    await node.send(BOB, "@Other hello")
    assert contents(await claim(node, OTHER)) == ["@Other hello"]
    assert not task.done()
    await node.send(BOB, "@Helper hello")
    assert (await states(node))[0] == "working"
    page = await node.do(BACKEND, ListTurns(in_state="working"))
    assert [each.turn.agent_id for each in page.items] == ["other"], "the conversation is worked on"
    for each in (task, elsewhere):
        each.cancel()
        with suppress(asyncio.CancelledError):
            await each


async def test_so_many_wait_and_others_are_answered_at_once(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_claims, "WAITING_CLAIMS_MAX", 2)
    await scene(node)
    both = [await waiting(node), await waiting(node)]
    assert [*await end_of(start(node))] == []
    assert not any(task.done() for task in both)
    for task in both:
        task.cancel()


async def test_a_node_that_drains_answers_those_that_wait_and_those_that_come(node: Node) -> None:
    await scene(node)
    task = await waiting(node)
    node.chat.signals.turns.drain()
    assert [*await end_of(task)] == []
    assert [*await end_of(start(node))] == []
    await node.send(BOB, "A question")
    assert contents(await claim(node, wait=60)) == ["A question"]


# --- those who have gone ----------------------------------------------------------------------------------------------


async def test_a_claim_that_is_cancelled_is_given_nothing(node: Node) -> None:
    await scene(node)
    task = await waiting(node)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert node.chat.signals.turns.count == 0
    await node.send(BOB, "A question")
    assert await states(node) == ["waiting"]


async def test_the_claims_of_a_socket_that_closes_are_cancelled(node: Node) -> None:
    await scene(node)
    task, other = await waiting(node, source="gone"), await waiting(node, source="there")
    node.chat.signals.turns.socket_closed("gone")
    with pytest.raises(asyncio.CancelledError):
        await end_of(task)
    await node.send(BOB, "A question")
    (claimed,) = await end_of(other)
    assert contents(claimed) == ["A question"]


async def given_back(node: Node) -> None:
    """Waits until the only turn was claimed and given back."""

    async def is_back() -> bool:
        page = await node.do(BACKEND, ListTurns())
        return [(each.turn.state, each.turn.attempt) for each in page.items] == [("waiting", 1)]

    await until_asked(is_back)
    claimed = await claim(node)
    assert (claimed.turn.attempt, claimed.turn.tries) == (2, 0)


async def test_a_turn_that_is_claimed_for_one_who_has_gone_is_given_back(node: Node) -> None:
    await scene(node)
    await node.send(BOB, "A question")
    with node.clock.stopped():
        task = start(node)
        await node.clock.wait_until_asked()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await given_back(node)


async def test_a_turn_is_given_back_if_the_process_goes_just_after_the_claim(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene(node)
    await node.send(BOB, "A question")
    reached = asyncio.Event()

    async def hang(user_id: str) -> None:
        reached.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(node.chat.directory, "find", hang)
        task = start(node)
        async with deadline():
            await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await given_back(node)


# --- presence and signals ---------------------------------------------------------------------------------------------


async def status(node: Node) -> str:
    return str((await node.do(BOB, GetPresenceOf("helper"))).status)


async def test_an_agent_that_asks_is_online_for_a_while(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert turn_claims.ASKED_S == 60
    node = Node(database, clock, options=SignalOptions(grace_s=0.0))
    await node.start()
    try:
        await _asks_and_goes(node, monkeypatch)
    finally:
        await node.close()


async def _asks_and_goes(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene(node)
    assert await status(node) == "offline"
    await claims(node)
    assert await status(node) == "online"
    assert node.chat.signals.turns.users_without_socket == 1
    loop = asyncio.get_running_loop()
    assert node.chat.signals.turns._asked["helper"].when() > loop.time() + 30
    monkeypatch.setattr(turn_claims, "ASKED_S", 0.01)
    await claims(node)

    async def is_offline() -> bool:
        return await status(node) == "offline"

    await until_asked(is_offline)


async def test_an_agent_whose_claim_waits_stays_online(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_claims, "ASKED_S", 0.01)
    await scene(node)
    task = start(node)
    turns = node.chat.signals.turns
    await until(lambda: "helper" in turns._asked)
    first = turns._asked["helper"]
    await until(lambda: turns._asked["helper"] is not first)
    assert await status(node) == "online"
    task.cancel()


async def test_a_refused_claim_makes_nobody_online(node: Node) -> None:
    await scene(node)
    assert await node.refusal(BOB, ClaimTurns()) == "forbidden"
    assert node.chat.signals.turns._asked == {}


async def test_members_see_that_an_agent_works_and_on_what(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    await node.do(HELPER, UpdateTurn(turn=claimed.turn.token, label="Searching"))
    await node.do(HELPER, UpdateTurn(turn=claimed.turn.token))
    working = [event for event in node.events if isinstance(event, TurnWorking)]
    assert [(each.conversation_id, each.user_id, each.label) for each in working] == [
        ("c", "helper", None),
        ("c", "helper", "Searching"),
        ("c", "helper", "Searching"),
    ]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"max": 0}, "max"),
        ({"max": 51}, "max"),
        ({"lease_s": 1}, "leaseS"),
        ({"lease_s": 301}, "leaseS"),
        ({"lease_s": 86_400}, "leaseS"),
        ({"lease_s": 0}, "leaseS"),
        ({"wait": 61}, "wait"),
        ({"wait": -1}, "wait"),
        ({"conversation_id": "x" * 1000}, "conversationId"),
        ({"sender_id": ""}, "senderId"),
    ],
)
async def test_a_bad_claim_is_refused_and_leaves_nothing(node: Node, fields: dict[str, Any], path: str) -> None:
    await scene(node)
    actor = BACKEND if "sender_id" in fields else HELPER
    error = await refused(node, actor, ClaimTurns(**fields))
    assert error.code == "invalid_request"
    assert isinstance(error.details, list)
    assert [each["path"] for each in error.details] == [path]
    assert node.chat.signals.turns.count == 0
    assert dict(node.chat.signals.turns._waiting) == {}


# --- two nodes --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def cluster(postgresql_database: Database, clock: Clock) -> AsyncIterator[Cluster]:
    async with running_cluster(postgresql_database, clock) as cluster:
        await cluster.a.node.do(BACKEND, PutUser("helper", name="Helper", kind="agent"))
        await cluster.a.node.do(ALICE, AddMembers("c", ("helper",)))
        yield cluster


async def test_a_claim_is_woken_by_a_message_on_another_node(cluster: Cluster) -> None:
    task = await waiting(cluster.b.node)
    await cluster.a.node.send(BOB, "@Helper hello")
    (claimed,) = await end_of(task)
    assert contents(claimed) == ["@Helper hello"]
    working = await cluster.a.next(TurnWorking)
    assert (working.conversation_id, working.user_id) == ("c", "helper")


async def test_two_nodes_never_give_one_turn_twice(cluster: Cluster) -> None:
    tasks = [await waiting(place.node) for place in (cluster.a, cluster.b) for _ in range(3)]
    for number in range(6):
        await cluster.a.node.send(BOB, f"@Helper {number}")
        async with deadline():
            finished, _ = await asyncio.wait(
                [task for task in tasks if not task.done()], return_when=asyncio.FIRST_COMPLETED
            )
        assert len(finished) == 1
        (claimed,) = finished.pop().result()
        assert contents(claimed) == [f"@Helper {number}"]
        await done(cluster.b.node, claimed.turn.token)
    assert await claims(cluster.a.node) == []
