"""Which process of an agent has which turn, and for how long, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from talkwire.core.commands.accounts import BanUser, PutUser
from talkwire.core.commands.agents.turns import (
    ClaimTurns,
    EndTurn,
    FailTurn,
    ListTurns,
    ReleaseTurn,
    RetryTurn,
    UpdateTurn,
)
from talkwire.core.commands.command import Command
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import DeleteMessage, SendMessage
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.agents.turns import TURN_LEASE_BY_SOCKET_MS, TURN_LEASE_MS, TURN_MESSAGES_MAX, TURNS_KEPT_MS
from talkwire.core.domain.events import TurnFailed, TurnReady
from talkwire.core.domain.model import Actor
from talkwire.core.domain.parts.streams import StreamError
from talkwire.storage.schema import turn_messages
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.contracts.turn_actions import (
    BROKEN,
    HELPER,
    OTHER,
    SECOND_MS,
    answer,
    ask_and_claim,
    claim,
    claims,
    contents,
    done,
    fail,
    group,
    ids,
    lapse,
    reason_of,
    recorded,
    refused,
    release,
    scene,
    states,
    turn_now,
)
from tests.databases import Database

PAUSES_S = (1, 5, 30, 120)
"""Between the five attempts."""


# --- claiming ---------------------------------------------------------------------------------------------------------


async def test_a_turn_has_all_unanswered_messages_of_a_conversation(node: Node) -> None:
    await scene(node)
    first, second = await node.send(BOB, "One"), await node.send(ALICE, "Two")
    claimed = await claim(node)
    turn = claimed.turn
    assert ids(claimed) == [first.id, second.id]
    assert (turn.conversation_id, turn.agent_id, turn.state, turn.attempt) == ("c", "helper", "working", 1)
    assert turn.until_ms == node.clock.now_ms + TURN_LEASE_MS
    assert (turn.token, turn.created_ms, turn.tries) == (f"{turn.id}.1", node.clock.now_ms, 0)
    assert await claims(node) == []


async def test_messages_that_come_during_a_turn_are_the_next_one(node: Node) -> None:
    await scene(node)
    _, first = await ask_and_claim(node, "One")
    await node.send(BOB, "Two")
    await node.send(BOB, "Three")
    assert await claims(node) == []
    await answer(node, first.turn.token)
    assert contents(await claim(node)) == ["Two", "Three"]


async def test_a_turn_has_at_most_a_hundred_messages(node: Node) -> None:
    await scene(node)
    for number in range(TURN_MESSAGES_MAX + 1):
        await node.send(BOB, str(number))
    claimed = await claim(node)
    assert contents(claimed) == [str(number) for number in range(TURN_MESSAGES_MAX)]
    await done(node, claimed.turn.token)
    assert contents(await claim(node)) == [str(TURN_MESSAGES_MAX)]


async def test_the_oldest_turns_come_first_and_one_of_each_conversation(node: Node) -> None:
    await scene(node)
    for name in ("d", "e", "f"):
        await group(node, name, ALICE, BOB, HELPER)
    for name in ("e", "c", "f", "e", "d"):
        await node.send(BOB, name, to=name)
    two = await claims(node, max=2)
    assert [each.turn.conversation_id for each in two] == ["e", "c"]
    assert [contents(each) for each in two] == [["e", "e"], ["c"]]
    await node.send(BOB, "later", to="e")
    rest = await claims(node, max=50)
    assert [each.turn.conversation_id for each in rest] == ["f", "d"]


async def test_a_claim_may_name_the_conversation(node: Node) -> None:
    await scene(node)
    await group(node, "d", ALICE, BOB, HELPER)
    await node.send(BOB, "One")
    await node.send(BOB, "Two", to="d")
    assert contents(await claim(node, conversation_id="d", max=50)) == ["Two"]
    assert await claims(node, conversation_id="d") == []
    assert await claims(node, conversation_id="nowhere") == []


async def test_turns_of_several_agents_in_one_conversation_follow_each_other(node: Node) -> None:
    await scene(node, others=(OTHER,))
    question = await node.send(BOB, "One")
    first = await claim(node)
    assert await claims(node, OTHER) == []
    await done(node, first.turn.token)
    second = await claim(node, OTHER)
    assert (ids(second), second.turn.agent_id) == ([question.id], "other")


@pytest.mark.parametrize("actor", [BOB, MALLORY, CAROL, OPERATOR, BACKEND], ids=lambda actor: actor.user_id)
async def test_only_agents_claim(node: Node, actor: Actor) -> None:
    await scene(node)
    await node.send(BOB, "One")
    assert await node.refusal(actor, ClaimTurns()) == "forbidden"
    assert await states(node) == ["waiting"]


async def test_the_back_end_claims_for_an_agent_and_nobody_else_does(node: Node) -> None:
    await scene(node)
    await node.send(BOB, "One")
    for actor in (BOB, CAROL, OTHER):
        assert await node.refusal(actor, ClaimTurns(sender_id="helper")) == "forbidden"
    assert await node.refusal(BACKEND, ClaimTurns(sender_id="bob")) == "forbidden"
    claimed = await claim(node, BACKEND, sender_id="helper")
    assert claimed.turn.agent_id == "helper"
    sent = SendMessage("c", "An answer", sender_id="helper", turn=claimed.turn.token)
    assert (await node.do(BACKEND, sent)).sender_id == "helper"
    assert await states(node) == ["done"]


async def test_the_back_end_keeps_ends_releases_and_fails_turns_of_an_agent(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    await node.do(BACKEND, UpdateTurn(turn=claimed.turn.token, sender_id="helper"))
    await node.do(BACKEND, ReleaseTurn(turn=claimed.turn.token, sender_id="helper"))
    again = await claim(node)
    await node.do(BACKEND, FailTurn(turn=again.turn.token, sender_id="helper"))
    await lapse(node, SECOND_MS)
    last = await claim(node)
    assert await node.refusal(BACKEND, EndTurn(turn=last.turn.token, sender_id="other")) == "forbidden"
    await node.do(BACKEND, EndTurn(turn=last.turn.token, sender_id="helper"))
    assert await states(node) == ["done"]


async def test_a_banned_agent_claims_nothing(node: Node) -> None:
    await scene(node)
    await node.send(BOB, "One")
    await node.do(BACKEND, BanUser("helper"))
    assert await node.refusal(HELPER, ClaimTurns()) == "banned"
    assert await node.refusal(BACKEND, ClaimTurns(sender_id="helper")) == "banned"


async def test_a_claim_brings_no_deleted_messages_and_a_turn_without_any_ends(node: Node) -> None:
    await scene(node)
    await group(node, "d", ALICE, BOB, HELPER)
    gone = [await node.send(BOB, "One"), await node.send(BOB, "Two")]
    left = [await node.send(BOB, "Three", to="d"), await node.send(BOB, "Four", to="d")]
    for message in (*gone, left[0]):
        await node.do(BOB, DeleteMessage(str(message.id)))
    claimed = await claim(node, max=1)
    assert ids(claimed) == [left[1].id]
    assert await states(node) == ["done", "working"]


# --- leases and tries -------------------------------------------------------------------------------------------------


async def test_a_lease_of_a_socket_is_shorter_and_both_can_be_chosen(node: Node) -> None:
    await scene(node)
    leases: list[tuple[dict[str, Any], int]] = [
        ({}, TURN_LEASE_MS),
        ({"source": "socket"}, TURN_LEASE_BY_SOCKET_MS),
        ({"lease_s": 5}, 5_000),
        ({"lease_s": 300, "source": "socket"}, 300_000),
    ]
    await node.send(BOB, "One")
    for fields, lease_ms in leases:
        claimed = await claim(node, **fields)
        assert claimed.turn.until_ms == node.clock.now_ms + lease_ms
        await release(node, claimed.turn.token)


async def test_a_lease_that_is_not_renewed_ends_the_attempt_and_no_earlier(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    await lapse(node, TURN_LEASE_MS - 1)
    assert (await turn_now(node, claimed)).state == "working"
    await node.do(HELPER, UpdateTurn(turn=claimed.turn.token))
    await lapse(node, TURN_LEASE_MS - 1)
    assert (await turn_now(node, claimed)).state == "working"
    await node.do(HELPER, UpdateTurn(turn=claimed.turn.token, lease_s=5))
    await lapse(node, 5_000)
    turn = await turn_now(node, claimed)
    assert (turn.state, turn.tries, turn.claimable_ms) == ("waiting", 1, node.clock.now_ms + SECOND_MS)
    assert turn.error is not None
    assert turn.error.code == "lapsed"
    assert await reason_of(node, HELPER, UpdateTurn(turn=claimed.turn.token)) == "superseded"
    assert await reason_of(node, HELPER, SendMessage("c", "Late", turn=claimed.turn.token)) == "superseded"


@pytest.mark.parametrize("how", ["fails", "lapses"])
async def test_it_can_be_claimed_again_after_growing_pauses_and_fails_for_good(node: Node, how: str) -> None:
    await scene(node)
    question, claimed = await ask_and_claim(node)
    for tries in range(5):
        assert (claimed.turn.tries, claimed.turn.attempt, ids(claimed)) == (tries, tries + 1, [question.id])
        if how == "fails":
            await fail(node, claimed.turn.token)
        else:
            await lapse(node)
        if tries < 4:
            await lapse(node, PAUSES_S[tries] * 1000 - 1)
            assert await claims(node) == []
            await lapse(node, 1)
            claimed = await claim(node)
    turn = await turn_now(node, claimed)
    error = BROKEN if how == "fails" else turn.error
    assert (turn.state, turn.tries, turn.error) == ("failed", 5, error)
    (failed,) = await recorded(node, TurnFailed)
    assert (failed.turn_id, failed.agent_id, failed.owner_id, failed.error) == (turn.id, "helper", "carol", error)
    await lapse(node, 24 * 3600 * SECOND_MS)
    assert await claims(node) == []


async def test_a_turn_that_can_be_claimed_again_is_announced_then(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    await fail(node, claimed.turn.token)
    assert len(await recorded(node, TurnReady)) == 1
    await lapse(node, SECOND_MS - 1)
    assert len(await recorded(node, TurnReady)) == 1
    await lapse(node, 1)
    assert [event.turn_id for event in await recorded(node, TurnReady)] == [claimed.turn.id] * 2


async def test_the_last_pause_is_ten_minutes(database: Database, clock: Clock) -> None:
    async with running(database, clock, policy=AccessPolicy(max_turn_tries=8)) as node:
        await scene(node)
        await node.send(BOB, "A question")
        for pause_s in (*PAUSES_S, 600, 600, 600):
            await fail(node, (await claim(node)).turn.token)
            await lapse(node, pause_s * 1000 - 1)
            assert await claims(node) == []
            await lapse(node, 1)
        await fail(node, (await claim(node)).turn.token)
        assert await states(node) == ["failed"]


async def test_a_release_counts_nothing(node: Node) -> None:
    await scene(node)
    await node.send(BOB, "A question")
    for attempt in range(1, 8):
        claimed = await claim(node)
        assert (claimed.turn.attempt, claimed.turn.tries) == (attempt, 0)
        await release(node, claimed.turn.token)
    assert await states(node) == ["waiting"]


async def test_a_turn_that_fails_without_a_reason_has_one(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    await fail(node, claimed.turn.token, error=None)
    assert (await turn_now(node, claimed)).error == StreamError("failed", "")


MAY_RETRY = {
    "the owner of the agent": (CAROL, True),
    "the back end": (BACKEND, True),
    "an operator": (OPERATOR, True),
    "the agent": (HELPER, False),
    "the owner of the conversation": (ALICE, False),
    "the one who asked": (BOB, False),
    "a stranger": (MALLORY, False),
}


@pytest.mark.parametrize("who", MAY_RETRY)
async def test_who_retries_a_failed_turn(database: Database, clock: Clock, who: str) -> None:
    async with running(database, clock, policy=AccessPolicy(max_turn_tries=1)) as node:
        await scene(node)
        question, claimed = await ask_and_claim(node)
        await fail(node, claimed.turn.token)
        actor, may = MAY_RETRY[who]
        retry = RetryTurn(turn_id=str(claimed.turn.id))
        if not may:
            assert await node.refusal(actor, retry) == "forbidden"
            assert await states(node) == ["failed"]
            return
        await node.do(actor, retry)
        await node.do(actor, retry)  # again changes nothing
        again = await claim(node)
        assert (again.turn.id, again.turn.tries, ids(again)) == (claimed.turn.id, 0, [question.id])
        assert await reason_of(node, HELPER, SendMessage("c", "Late", turn=claimed.turn.token)) == "superseded"
        await answer(node, again.turn.token)
        assert (await refused(node, actor, retry)).details == {"reason": "ended", "state": "done"}


async def test_a_turn_that_never_was_cannot_be_retried(node: Node) -> None:
    await scene(node)
    for turn_id in ("1", "x", "0"):
        assert await node.refusal(CAROL, RetryTurn(turn_id=turn_id)) == "forbidden"


async def test_turns_that_ended_long_ago_are_removed(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    await done(node, claimed.turn.token)
    await lapse(node, TURNS_KEPT_MS - 1)
    assert await states(node) == ["done"]
    await lapse(node, 1)
    assert await states(node) == []
    with node.read_engine.connect() as connection:
        assert connection.execute(turn_messages.select()).all() == []
    assert await node.next_timer_ms() is None


# --- tokens -----------------------------------------------------------------------------------------------------------

OF_TURN: dict[str, Callable[[str], Command[Any]]] = {
    "update": lambda token: UpdateTurn(turn=token),
    "done": lambda token: EndTurn(turn=token),
    "release": lambda token: ReleaseTurn(turn=token),
    "fail": lambda token: FailTurn(turn=token),
    "send": lambda token: SendMessage("c", "An answer", turn=token),
}


@pytest.mark.parametrize("name", OF_TURN)
async def test_a_token_names_one_attempt(node: Node, name: str) -> None:
    await scene(node, others=(OTHER,))
    await node.send(BOB, "A question")
    first = await claim(node)
    await release(node, first.turn.token)
    command = OF_TURN[name]
    assert await reason_of(node, HELPER, command(first.turn.token)) == "superseded"
    second = await claim(node)
    assert await reason_of(node, HELPER, command(first.turn.token)) == "superseded"
    assert await node.refusal(HELPER, command(f"{second.turn.id}.3")) == "invalid_request"
    assert await node.refusal(OTHER, command(second.turn.token)) == "forbidden"
    assert await node.refusal(BOB, command(second.turn.token)) == "forbidden"
    assert await node.refusal(HELPER, command("1.1")) == "forbidden"
    assert (await turn_now(node, second)).state == "working"
    await done(node, second.turn.token)
    assert (await refused(node, HELPER, command(second.turn.token))).details == {"reason": "ended", "state": "done"}


@pytest.mark.parametrize("text", ["", "1", "1.", ".1", "0.1", "1.0", "a.b", "1.1.1", " 1.1", "1.1\n", "9" * 30 + ".1"])
@pytest.mark.parametrize("name", OF_TURN)
async def test_another_text_is_no_token(node: Node, name: str, text: str) -> None:
    await scene(node)
    assert await node.refusal(HELPER, OF_TURN[name](text)) == "invalid_request"


async def test_the_turn_in_a_path_is_that_of_the_token(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    wrong = EndTurn(turn_id="1", turn=claimed.turn.token)
    assert await node.refusal(HELPER, wrong) == "invalid_request"
    await node.do(HELPER, EndTurn(turn_id=str(claimed.turn.id), turn=claimed.turn.token))


# --- members and kinds ------------------------------------------------------------------------------------------------


async def test_an_agent_that_leaves_has_no_turns_there_any_more(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    await node.send(BOB, "Another question")
    await node.do(ALICE, RemoveMember("c", "helper"))
    assert await states(node) == []
    assert await claims(node) == []
    assert await node.refusal(HELPER, EndTurn(turn=claimed.turn.token)) == "forbidden"
    await node.do(ALICE, AddMembers("c", ("helper",)))
    assert await claims(node) == []
    assert contents((await ask_and_claim(node, "New"))[1]) == ["New"]


async def test_a_user_who_is_no_agent_any_more_has_no_turns(node: Node) -> None:
    await scene(node)
    await ask_and_claim(node)
    await node.do(BACKEND, PutUser("helper", kind="person"))
    assert await states(node) == []
    assert await node.refusal(HELPER, ClaimTurns()) == "forbidden"


@pytest.mark.parametrize("how", ["leaves", "becomes a person"])
async def test_the_turn_of_another_agent_is_announced_when_one_that_works_goes(node: Node, how: str) -> None:
    await scene(node, others=(OTHER,))
    await node.send(BOB, "A question")
    await claim(node)
    before = len(await recorded(node, TurnReady))
    if how == "leaves":
        await node.do(ALICE, RemoveMember("c", "helper"))
    else:
        await node.do(BACKEND, PutUser("helper", kind="person"))
    assert [event.agent_id for event in (await recorded(node, TurnReady))[before:]] == ["other"]


async def test_all_agents_with_a_turn_are_woken_when_one_ends(node: Node) -> None:
    """The first of them may have no process that could claim it."""
    third = Actor("third", "Third")
    await node.do(BACKEND, PutUser("third", name="Third", kind="agent"))
    await scene(node, others=(OTHER, third))
    await node.send(BOB, "A question")
    first = await claim(node)
    before = len(await recorded(node, TurnReady))
    await done(node, first.turn.token)
    assert [event.agent_id for event in (await recorded(node, TurnReady))[before:]] == ["other", "third"]


# --- lists ------------------------------------------------------------------------------------------------------------


async def test_turns_are_listed_for_the_agent_its_owner_and_operators(node: Node) -> None:
    await scene(node, others=(OTHER,))
    question = await node.send(BOB, "A question")
    await claim(node)

    async def listed(actor: Actor, **more: Any) -> list[tuple[str, str]]:  # noqa: ANN401 (fields of the command)
        page = await node.do(actor, ListTurns(**more))
        assert all(each.message_ids == [question.id] for each in page.items)
        return [(each.turn.agent_id, each.turn.state) for each in page.items]

    both = [("other", "waiting"), ("helper", "working")]
    assert await listed(OPERATOR) == await listed(BACKEND) == both
    assert await listed(HELPER) == await listed(CAROL) == await listed(CAROL, agent_id="helper") == both[1:]
    assert await listed(OTHER) == await listed(ALICE) == both[:1]
    assert await listed(BOB) == []
    assert await listed(BACKEND, in_state="waiting") == await listed(BACKEND, agent_id="other") == both[:1]
    for actor in (BOB, CAROL, HELPER):
        assert await node.refusal(actor, ListTurns(agent_id="other")) == "forbidden"
    first = await node.do(BACKEND, ListTurns(limit=1))
    assert [each.turn.agent_id for each in first.items] == ["other"]
    rest = await node.do(BACKEND, ListTurns(limit=1, cursor=first.next))
    assert ([each.turn.agent_id for each in rest.items], rest.next) == (["helper"], None)
