"""Messages that agents write in turns: each ends its turn in the transaction that stores it, on both databases."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from talkwire.core.commands.accounts import EraseUser
from talkwire.core.commands.agents.turns import UpdateTurn
from talkwire.core.commands.conversations import GetConversation
from talkwire.core.commands.messages import GivenGenerated, SendMessage
from talkwire.core.commands.notifications import ListNotifications
from talkwire.core.commands.streams.writing import StreamMessage
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.agents.turns import TURN_LEASE_MS
from talkwire.core.domain.events import MessageSent, MessagesRead
from talkwire.core.domain.model import Actor
from talkwire.core.features.agents import turns as features
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, Clock, Node, running
from tests.contracts.test_stream_rules import append, finish
from tests.contracts.turn_actions import (
    HELPER,
    OTHER,
    answer,
    ask_and_claim,
    asking,
    claim,
    claims,
    contents,
    done,
    fail,
    group,
    ids,
    lapse,
    opened,
    reason_of,
    recorded,
    refused,
    release,
    scene,
    states,
    turn_now,
)
from tests.databases import Database


async def test_an_answer_ends_its_turn_in_the_transaction_that_stores_it(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    with node.statements() as transactions:
        message = await answer(node, claimed.turn.token)
    writes = [[each for each in one if "turns" in each or "INTO messages" in each] for one in transactions]
    assert len([one for one in writes if one]) == 1, writes
    assert (message.content, message.sender_id, message.generated is not None) == ("An answer", "helper", True)
    turn = await turn_now(node, claimed)
    assert (turn.state, turn.ended_ms, turn.until_ms, turn.label) == ("done", node.clock.now_ms, None, None)
    assert await claims(node) == []
    await lapse(node)
    assert await states(node) == ["done"]


@pytest.mark.parametrize("broken", ["end_turn", "_read"])
async def test_a_failure_at_the_end_stores_neither_the_answer_nor_the_end(node: Node, broken: str) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    before = await node.replay()
    with patch.object(features, broken, side_effect=OSError("the database has gone")), pytest.raises(Exception):  # noqa: B017, PT011 (whatever the writer makes of it)
        await answer(node, claimed.turn.token, client_message_id="a")
    assert await node.replay() == before
    assert await states(node) == ["working"]
    await answer(node, claimed.turn.token, client_message_id="a")
    assert await states(node) == ["done"]


async def test_with_more_the_agent_goes_on_and_has_a_whole_lease(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    node.clock.now_ms += TURN_LEASE_MS - 1
    await answer(node, claimed.turn.token, "First", more=True)
    turn = await turn_now(node, claimed)
    assert (turn.state, turn.until_ms) == ("working", node.clock.now_ms + TURN_LEASE_MS)
    await lapse(node, TURN_LEASE_MS - 1)
    await answer(node, claimed.turn.token, "Second", more=True)
    await answer(node, claimed.turn.token, "Last")
    assert await states(node) == ["done"]


async def test_an_attempt_that_is_lost_after_a_first_message_is_tried_again(node: Node) -> None:
    await scene(node)
    question, claimed = await ask_and_claim(node)
    await answer(node, claimed.turn.token, "First", more=True)
    await lapse(node)
    await lapse(node, 1000)
    again = await claim(node)
    assert (ids(again), again.turn.attempt) == ([question.id], 2)


@pytest.mark.parametrize("after", ["the end", "another claim", "the lapse"])
async def test_a_retry_of_an_answer_returns_the_first(node: Node, after: str) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    more = after != "the end"
    message = await answer(node, claimed.turn.token, client_message_id="a", more=more)
    if after == "another claim":
        await release(node, claimed.turn.token)
        await claim(node)
    elif after == "the lapse":
        await lapse(node)
    assert await answer(node, claimed.turn.token, client_message_id="a", more=more) == message
    error = await refused(node, HELPER, SendMessage("c", "Other", "a", turn=claimed.turn.token))
    assert error.code == "conflict"
    sent = [event.message.id for event in await recorded(node, MessageSent) if event.message.sender_id == "helper"]
    assert sent == [message.id]


async def test_the_next_attempt_finds_the_answer_of_the_one_before_by_its_client_message_id(node: Node) -> None:
    """So an agent that chooses ids by the turn never says a thing twice."""
    await scene(node)
    _, claimed = await ask_and_claim(node)
    message = await answer(node, claimed.turn.token, client_message_id="a", more=True)
    await release(node, claimed.turn.token)
    again = await claim(node)
    assert await answer(node, again.turn.token, client_message_id="a", more=True) == message


async def test_an_answer_goes_into_the_conversation_of_its_turn(node: Node) -> None:
    await scene(node)
    await group(node, "d", ALICE, BOB, HELPER)
    _, claimed = await ask_and_claim(node)
    for command in (
        SendMessage("d", "An answer", turn=claimed.turn.token),
        StreamMessage(conversation_id="d", turn=claimed.turn.token),
        StreamMessage(conversation_id="d", client_message_id="s", turn=claimed.turn.token),
    ):
        assert await node.refusal(HELPER, command) == "invalid_request"
    assert await states(node) == ["working"]


async def test_a_message_without_a_turn_ends_none(node: Node) -> None:
    await scene(node)
    await ask_and_claim(node)
    await node.send(HELPER, "By the way")
    assert await states(node) == ["working"]


# --- in whose name ----------------------------------------------------------------------------------------------------

BEHALF: dict[str, tuple[Actor, bool]] = {
    "its owner": (CAROL, True),
    "the one who asked": (BOB, True),
    "another member": (ALICE, False),
    "a stranger": (MALLORY, False),
    "itself": (HELPER, False),
}


@pytest.mark.parametrize("who", BEHALF)
async def test_on_whose_behalf_an_agent_answers(node: Node, who: str) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    user, may = BEHALF[who]
    command = SendMessage("c", "An answer", turn=claimed.turn.token, on_behalf_of=user.user_id)
    if may:
        assert (await node.do(HELPER, command)).on_behalf_of == user.user_id
        assert await states(node) == ["done"]
    else:
        assert await node.refusal(HELPER, command) == "forbidden"
        assert await states(node) == ["working"]


async def test_without_a_turn_an_agent_writes_on_behalf_of_its_owner_only(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    assert await node.refusal(HELPER, SendMessage("c", "A text", on_behalf_of="bob")) == "forbidden"
    assert (await node.do(HELPER, SendMessage("c", "A text", on_behalf_of="carol"))).on_behalf_of == "carol"
    await done(node, claimed.turn.token)


@pytest.mark.parametrize("user", [BOB, CAROL], ids=["the one who asked", "its owner"])
async def test_nobody_writes_on_behalf_of_an_erased_user(node: Node, user: Actor) -> None:
    await scene(node)
    await node.send(ALICE, "Another question")
    _, claimed = await ask_and_claim(node)
    await node.do(BACKEND, EraseUser(user.user_id, redact=True))
    command = SendMessage("c", "An answer", turn=claimed.turn.token, on_behalf_of=user.user_id)
    assert await node.refusal(HELPER, command) == "forbidden"
    assert await states(node) == ["working"]


@pytest.mark.parametrize(
    "fields",
    [{"on_behalf_of": "mallory"}, {"content": "", "attachments": ()}, {"reply_to_id": "1"}, {"thread_id": "1"}],
    ids=lambda fields: next(iter(fields)),
)
async def test_a_refused_answer_leaves_the_turn_and_the_budget_as_they_were(
    database: Database,
    clock: Clock,
    fields: dict[str, Any],
) -> None:
    async with running(database, clock, policy=AccessPolicy(agent_messages_per_hour=1)) as node:
        await scene(node)
        _, claimed = await ask_and_claim(node)
        before = await turn_now(node, claimed)
        refused_one = SendMessage(**{"conversation_id": "c", "content": "An answer", **fields, "turn": before.token})
        assert await node.refusal(HELPER, refused_one) in {"forbidden", "invalid_request"}
        assert await turn_now(node, claimed) == before
        await answer(node, claimed.turn.token)


async def test_a_refused_card_leaves_the_turn_and_the_budget_as_they_were(database: Database, clock: Clock) -> None:
    async with running(database, clock, policy=AccessPolicy(agent_messages_per_hour=1)) as node:
        await scene(node)
        _, claimed = await ask_and_claim(node)
        assert await node.refusal(HELPER, asking(claimed.turn.token, on_behalf_of="mallory")) == "forbidden"
        nobody = asking(claimed.turn.token, reply_to_id="1")
        assert await node.refusal(HELPER, nobody) == "forbidden"
        await answer(node, claimed.turn.token)


async def test_people_write_in_no_turn(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    for actor in (BOB, CAROL, OTHER):
        assert await node.refusal(actor, SendMessage("c", "Mine", turn=claimed.turn.token)) == "forbidden"
    generated = SendMessage("c", "Mine", generated=GivenGenerated(model="m"))
    assert await node.refusal(BOB, generated) == "forbidden"


# --- what the agent has read ------------------------------------------------------------------------------------------


async def read_seq(node: Node) -> int:
    view = await node.do(BACKEND, GetConversation("c"))
    (own,) = [each.member for each in view.members if each.member.user_id == "helper"]
    return int(own.read_seq)


@pytest.mark.parametrize("how", ["answers", "done", "stream"])
async def test_the_end_of_a_turn_moves_the_agents_read_position(node: Node, how: str) -> None:
    await scene(node)
    question, claimed = await ask_and_claim(node)
    later = await node.send(BOB, "Later")
    assert await read_seq(node) < question.seq
    if how == "answers":
        await answer(node, claimed.turn.token)
    elif how == "done":
        await done(node, claimed.turn.token)
    else:
        stream = await opened(node, claimed.turn.token)
        await node.do(HELPER, append(stream, "Done", at=0))
        await node.do(HELPER, finish(stream))
    assert question.seq <= await read_seq(node)
    read = [event.seq for event in await recorded(node, MessagesRead) if event.user_id == "helper"]
    assert read[0] == question.seq
    assert contents(await claim(node)) == [later.content]


@pytest.mark.parametrize("how", ["fails", "is given back", "lapses", "waits for a card"])
async def test_a_turn_that_has_not_ended_moves_nothing(node: Node, how: str) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    if how == "fails":
        await fail(node, claimed.turn.token)
    elif how == "is given back":
        await release(node, claimed.turn.token)
    elif how == "lapses":
        await lapse(node)
    else:
        await node.do(HELPER, asking(claimed.turn.token))
    read = [event for event in await recorded(node, MessagesRead) if event.user_id == "helper"]
    assert read == []


async def test_the_agents_notifications_about_what_it_has_answered_are_read(node: Node) -> None:
    await scene(node, "mentions")
    _, claimed = await ask_and_claim(node, "@Helper A question")
    await node.send(BOB, "@Helper Later")
    listed = ListNotifications(node.clock.now_ms)
    page = await node.do(HELPER, listed)
    assert len(page.items) == page.unread == 2
    await done(node, claimed.turn.token)
    assert (await node.do(HELPER, listed)).unread == 1


# --- labels and stops -------------------------------------------------------------------------------------------------


async def test_a_label_lasts_until_the_attempt_ends(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    await node.do(HELPER, UpdateTurn(turn=claimed.turn.token, label="Searching"))
    assert (await turn_now(node, claimed)).label == "Searching"
    await node.do(HELPER, UpdateTurn(turn=claimed.turn.token))
    assert (await turn_now(node, claimed)).label == "Searching"
    await release(node, claimed.turn.token)
    assert (await turn_now(node, claimed)).label is None
    for label in ("", "x" * 101, "a\x00b"):
        assert await node.refusal(HELPER, UpdateTurn(turn=claimed.turn.token, label=label)) == "invalid_request"
    assert await reason_of(node, HELPER, UpdateTurn(turn=claimed.turn.token, label="x")) == "superseded"
