"""A turn that has asked people for a decision waits without a lease, and any process of the agent continues it; on both
databases."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from talkwire.core.commands.cards.deciding import ActOnCard, CancelCard, CloseCard
from talkwire.core.commands.messages import DeleteMessage, SendMessage
from talkwire.core.domain.agents.turns import TURN_LEASE_MS
from talkwire.core.domain.cards.card import AskedCard
from talkwire.core.domain.events import TurnReady
from talkwire.core.domain.model import Message
from talkwire.core.domain.times import iso
from tests.contracts.node import ALICE, BOB, CAROL, Node
from tests.contracts.turn_actions import (
    ASKED,
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
    ids,
    lapse,
    reason_of,
    recorded,
    scene,
    states,
    turn_now,
)

DAY_MS = 86_400_000


def card(turn: str | None = None, **more: Any) -> SendMessage:  # noqa: ANN401 (fields of the card)
    asked = msgspec.convert({**ASKED, **more}, AskedCard)
    return SendMessage("c", "", card=asked, turn=turn)


async def ask(node: Node, turn: str, **more: Any) -> Message:  # noqa: ANN401 (fields of the card)
    message = await node.do(HELPER, card(turn, **more))
    assert isinstance(message, Message)
    return message


async def test_a_card_lets_its_turn_wait_without_a_lease(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    message = await ask(node, claimed.turn.token)
    turn = await turn_now(node, claimed)
    assert (turn.state, turn.card_id, turn.until_ms, turn.claimable_ms) == ("waiting", message.id, None, None)
    assert await reason_of(node, HELPER, SendMessage("c", "Late", turn=claimed.turn.token)) == "superseded"
    await lapse(node, 30 * DAY_MS)
    assert await states(node) == ["waiting"]
    assert await claims(node) == []


async def test_a_turn_that_waits_for_a_decision_blocks_nothing(node: Node) -> None:
    await scene(node, others=(OTHER,))
    question, first = await ask_and_claim(node)
    await ask(node, first.turn.token)
    other = await claim(node, OTHER)
    assert question.id in ids(other)
    await answer(node, other.turn.token, by=OTHER)
    await node.send(BOB, "Another question")
    second = await claim(node)
    assert second.turn.id != first.turn.id
    assert "Another question" in contents(second)
    await answer(node, second.turn.token)
    assert (await turn_now(node, first)).state == "waiting"


async def test_a_card_announces_the_next_turn_of_the_conversation(node: Node) -> None:
    await scene(node, others=(OTHER,))
    _, first = await ask_and_claim(node)
    before = len(await recorded(node, TurnReady))
    await ask(node, first.turn.token)
    assert "other" in [event.agent_id for event in (await recorded(node, TurnReady))[before:]]


async def decide(node: Node, message: Message) -> None:
    await node.do(BOB, ActOnCard(str(message.id), ("yes",)))


async def expire(node: Node, message: Message) -> None:
    await lapse(node, DAY_MS)


async def cancel(node: Node, message: Message) -> None:
    await node.do(CAROL, CancelCard(str(message.id)))


async def supersede(node: Node, message: Message) -> None:
    await node.do(HELPER, card(supersedes=str(message.id)))


async def delete(node: Node, message: Message) -> None:
    await node.do(ALICE, DeleteMessage(str(message.id)))


async def become_unreachable(node: Node, message: Message) -> None:
    for actor, choice in ((ALICE, "yes"), (BOB, "no")):
        await node.do(actor, ActOnCard(str(message.id), (choice,)))


async def close(node: Node, message: Message) -> None:
    await node.do(ALICE, CloseCard(str(message.id)))


ENDS: dict[str, tuple[dict[str, Any], Any, str | None]] = {
    "decided": ({}, decide, "decided"),
    "expired": ({"expiresAt": True}, expire, "expired"),
    "cancelled": ({}, cancel, "cancelled"),
    "superseded": ({}, supersede, "superseded"),
    "unreachable": ({"decide": {"yes": 3, "no": 3}}, become_unreachable, "unreachable"),
    "closed": ({"decide": "poll"}, close, "closed"),
    "deleted": ({}, delete, None),
}


@pytest.mark.parametrize("how", ENDS)
async def test_the_end_of_a_card_makes_its_turn_claimable_and_is_brought_with_it(node: Node, how: str) -> None:
    await scene(node)
    question, first = await ask_and_claim(node)
    fields, end, state = ENDS[how]
    if "expiresAt" in fields:
        fields = {"expiresAt": iso(node.clock.now_ms + DAY_MS)}
    message = await ask(node, first.turn.token, **fields)
    before = len(await recorded(node, TurnReady))
    await end(node, message)
    ready = (await recorded(node, TurnReady))[before:]
    assert [event.turn_id for event in ready] == [first.turn.id]
    again = await claim(node)
    assert (again.turn.id, again.turn.attempt, again.turn.tries, ids(again)) == (first.turn.id, 2, 0, [question.id])
    assert again.card is not None
    assert again.card.id == message.id
    if state is None:
        assert again.card.deleted_ms is not None
    else:
        assert again.card.card is not None
        assert again.card.card.state == state
    await answer(node, again.turn.token)
    assert await states(node) == ["done"]


async def test_the_decision_is_brought_by_each_later_attempt(node: Node) -> None:
    await scene(node)
    _, first = await ask_and_claim(node)
    message = await ask(node, first.turn.token)
    await decide(node, message)
    second = await claim(node)
    await fail(node, second.turn.token)
    await lapse(node, SECOND_MS)
    third = await claim(node)
    assert third.card is not None
    assert third.card.id == message.id
    await lapse(node, TURN_LEASE_MS)
    assert (await turn_now(node, third)).tries == 2


async def test_a_turn_asks_again_after_a_decision(node: Node) -> None:
    await scene(node)
    _, first = await ask_and_claim(node)
    await decide(node, await ask(node, first.turn.token))
    second = await ask(node, (await claim(node)).turn.token)
    assert await claims(node) == []
    await decide(node, second)
    again = await claim(node)
    assert again.card is not None
    assert again.card.id == second.id


async def test_the_end_of_an_earlier_card_does_not_wake_a_turn_that_waits_for_another(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    first = await node.do(HELPER, card(None))  # in no turn
    await ask(node, claimed.turn.token)
    await node.do(BOB, ActOnCard(str(first.id), ("yes",)))
    await node.do(ALICE, DeleteMessage(str(first.id)))
    assert await claims(node) == []


async def test_a_decision_while_the_turn_is_worked_on_changes_nothing(node: Node) -> None:
    await scene(node)
    _, first = await ask_and_claim(node)
    message = await ask(node, first.turn.token)
    await decide(node, message)
    again = await claim(node)
    await node.do(ALICE, DeleteMessage(str(message.id)))
    assert (await turn_now(node, again)).state == "working"
    await done(node, again.turn.token)


async def test_a_turn_with_a_card_has_no_messages_left_and_goes_on_with_the_decision(node: Node) -> None:
    await scene(node)
    question, first = await ask_and_claim(node)
    message = await ask(node, first.turn.token)
    await node.do(BOB, DeleteMessage(str(question.id)))
    await decide(node, message)
    again = await claim(node)
    assert again.messages == []
    assert again.card is not None


async def test_a_failed_card_leaves_the_turn_with_the_agent(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    assert await node.refusal(HELPER, card(claimed.turn.token, expiresAt="2001-01-01T00:00:00Z")) == "invalid_request"
    assert await node.refusal(HELPER, card(claimed.turn.token, decide={"yes": 99})) == "invalid_request"
    assert (await turn_now(node, claimed)).state == "working"


async def test_a_decision_of_a_card_is_no_work_by_itself(node: Node) -> None:
    await scene(node)
    message = await node.do(HELPER, card(None))
    await node.do(BOB, ActOnCard(str(message.id), ("yes",)))
    assert await claims(node) == []
