"""While a person handles a conversation, agents have no work there; on both databases."""

from __future__ import annotations

import pytest

from talkwire.core.commands.accounts import PutUser
from talkwire.core.commands.agents.turns import UpdateTurn
from talkwire.core.commands.conversations import CreateConversation, GetConversation
from talkwire.core.commands.desk.claims import (
    ClaimConversation,
    CloseConversation,
    HandOffConversation,
    ReleaseConversation,
)
from talkwire.core.commands.desk.teams import PutTeam
from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.events import TurnReady
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, Node
from tests.contracts.test_stream_rules import finish
from tests.contracts.test_turn_cards import ask, decide
from tests.contracts.turn_actions import (
    HELPER,
    OTHER,
    SECOND_MS,
    answer,
    claim,
    claims,
    contents,
    done,
    fail,
    ids,
    lapse,
    opened,
    recorded,
    refused,
    release,
    states,
    stored,
    turn_now,
    work,
    written,
)


@pytest.fixture(autouse=True)
async def _desk(node: Node) -> None:
    """A conversation `c` of the customer Alice and the agent Helper, with the team of Bob and Carol."""
    await node.users(ALICE, BOB, CAROL)
    for name in ("helper", "other"):
        await node.do(BACKEND, PutUser(name, name=name.title(), kind="agent"))
    await node.do(BACKEND, PutTeam("support", "Support", ("bob", "carol")))
    await node.do(
        BACKEND,
        CreateConversation("group", ("alice", "helper"), id="c", owner_id="alice", team_ids=("support",), agents="all"),
    )


async def take_over(node: Node) -> None:
    await node.do(BOB, ClaimConversation("c"))


async def give_back(node: Node) -> None:
    await node.do(BOB, ReleaseConversation("c"))


async def waiting_since(node: Node) -> int | None:
    found: int | None = (await node.do(BACKEND, GetConversation("c"))).conversation.waiting_since_ms
    return found


async def test_an_agent_has_no_turns_while_a_person_handles(node: Node) -> None:
    before = await node.send(ALICE, "Before")
    await take_over(node)
    await node.send(ALICE, "Meanwhile")
    assert work(node) == [before.id], "what comes meanwhile begins no turn"
    assert await claims(node) == []
    assert await claims(node, conversation_id="c") == []
    await lapse(node, 1000 * SECOND_MS)
    assert await claims(node) == []


async def test_an_agent_works_where_an_agent_handles(node: Node) -> None:
    await node.do(BACKEND, PutTeam("support", "Support", ("bob", "carol", "other")))
    await node.do(OTHER, ClaimConversation("c"))
    message = await node.send(ALICE, "A question")
    assert ids(await claim(node)) == [message.id]


async def test_what_was_answered_meanwhile_is_no_work_later(node: Node) -> None:
    await take_over(node)
    await node.send(ALICE, "A question")
    await node.send(BOB, "An answer")
    assert await waiting_since(node) is None
    await give_back(node)
    assert await claims(node) == []
    assert "working" not in await states(node)
    assert "waiting" not in await states(node)
    await node.send(ALICE, "Another question")
    assert contents(await claim(node)) == ["Another question"]


async def test_what_a_customer_waits_for_at_the_release_is_work(node: Node) -> None:
    await take_over(node)
    await node.send(ALICE, "Answered")
    node.clock.now_ms += 1000
    await node.send(BOB, "An answer")
    node.clock.now_ms += 1000
    waiting = [await node.send(ALICE, text) for text in ("Two", "Three")]
    assert await claims(node) == []
    before = len(await recorded(node, TurnReady))
    await give_back(node)
    assert [event.agent_id for event in (await recorded(node, TurnReady))[before:]] == ["helper"]
    claimed = await claim(node)
    assert ids(claimed) == [message.id for message in waiting]
    await answer(node, claimed.turn.token)
    assert await claims(node) == []


async def test_what_has_waited_since_before_is_work_once(node: Node) -> None:
    before = await node.send(ALICE, "Before")
    await take_over(node)
    later = await node.send(ALICE, "Meanwhile")
    await give_back(node)
    claimed = await claim(node)
    assert ids(claimed) == [before.id, later.id]
    await answer(node, claimed.turn.token)
    assert await claims(node) == []


@pytest.mark.parametrize("how", ["hand-off to the team", "close"])
async def test_other_ends_of_the_handling(node: Node, how: str) -> None:
    await take_over(node)
    message = await node.send(ALICE, "A question")
    if how == "close":
        await node.do(BOB, CloseConversation("c"))
        assert await claims(node) == []
        reopening = await node.send(ALICE, "Hello?")
        assert ids(await claim(node)) == [reopening.id]
    else:
        await node.do(BOB, HandOffConversation("c", to="support"))
        assert ids(await claim(node)) == [message.id]


async def test_a_hand_over_between_people_changes_nothing(node: Node) -> None:
    await take_over(node)
    await node.send(ALICE, "A question")
    await node.do(BOB, HandOffConversation("c", to="carol"))
    assert await claims(node) == []


# --- the agent that works ---------------------------------------------------------------------------------------------


async def test_a_take_over_asks_the_agent_to_stop(node: Node) -> None:
    await node.send(ALICE, "A question")
    claimed = await claim(node)
    assert (await node.do(HELPER, UpdateTurn(turn=claimed.turn.token))).stop is None
    await take_over(node)
    stop = (await node.do(HELPER, UpdateTurn(turn=claimed.turn.token))).stop
    assert stop is not None
    assert (stop.by, stop.at_ms) == ("bob", node.clock.now_ms)
    error = await refused(node, HELPER, SendMessage("c", "Late", turn=claimed.turn.token))
    assert (error.code, error.details) == ("conflict", {"reason": "handled", "handler": "bob"})
    with pytest.raises(Exception, match="handles this conversation"):
        await opened(node, claimed.turn.token)
    assert (await turn_now(node, claimed)).state == "working"
    await done(node, claimed.turn.token)


async def test_a_take_over_stops_the_stream_of_the_agent(node: Node) -> None:
    await node.send(ALICE, "A question")
    claimed = await claim(node)
    stream = await written(node, claimed.turn.token)
    await take_over(node)
    assert (await node.do(HELPER, finish(stream))).state == "stopped"
    assert await states(node) == ["done"]


async def test_the_server_ends_the_stream_of_an_agent_that_does_not_stop(node: Node) -> None:
    await node.send(ALICE, "A question")
    claimed = await claim(node)
    stream = await written(node, claimed.turn.token)
    await take_over(node)
    await lapse(node, 10 * SECOND_MS)
    assert (await stored(node, stream.message)).state == "stopped"
    assert await states(node) == ["done"]


@pytest.mark.parametrize("how", ["lapses", "fails", "is given back"])
async def test_an_attempt_that_ends_while_a_person_handles_is_not_tried_again(node: Node, how: str) -> None:
    await node.send(ALICE, "A question")
    claimed = await claim(node)
    await take_over(node)
    if how == "lapses":
        await lapse(node)
    elif how == "fails":
        await fail(node, claimed.turn.token)
    else:
        await release(node, claimed.turn.token)
    await node.send(BOB, "An answer")
    await give_back(node)
    await lapse(node, 1000 * SECOND_MS)
    assert await claims(node) == []


async def test_an_agent_that_still_works_at_the_release_is_the_only_one_to_answer(node: Node) -> None:
    await node.send(ALICE, "A question")
    claimed = await claim(node)
    await take_over(node)
    later = await node.send(ALICE, "Hello?")
    await give_back(node)
    stop = (await node.do(HELPER, UpdateTurn(turn=claimed.turn.token))).stop
    assert stop is None
    await answer(node, claimed.turn.token)
    again = await claims(node)
    assert [ids(each) for each in again] == [[later.id]], "the first message is answered once"


async def test_an_agent_that_has_stopped_when_the_person_gives_back_is_asked_again(node: Node) -> None:
    question = await node.send(ALICE, "A question")
    claimed = await claim(node)
    await take_over(node)
    await give_back(node)
    await release(node, claimed.turn.token)
    assert ids(await claim(node)) == [question.id]


async def test_a_turn_that_waits_for_a_decision_is_kept_and_its_messages_are_no_second_work(node: Node) -> None:
    await node.send(ALICE, "A question")
    claimed = await claim(node)
    message = await ask(node, claimed.turn.token)
    await node.send(ALICE, "Well?")
    await take_over(node)
    await give_back(node)
    assert (await turn_now(node, claimed)).state == "waiting"
    for each in await claims(node):
        assert contents(each) == ["Well?"]
        await done(node, each.turn.token)
    await decide(node, message)
    again = await claim(node)
    assert contents(again) == ["A question"]


async def test_a_decision_while_a_person_handles_is_announced_at_the_release(node: Node) -> None:
    await node.send(ALICE, "A question")
    claimed = await claim(node)
    message = await ask(node, claimed.turn.token)
    await take_over(node)
    await node.send(BOB, "I will look")
    await decide(node, message)
    assert await claims(node) == []
    before = len(await recorded(node, TurnReady))
    await give_back(node)
    assert [event.turn_id for event in (await recorded(node, TurnReady))[before:]] == [claimed.turn.id]
    again = await claim(node)
    assert again.card is not None
    assert again.card.id == message.id
