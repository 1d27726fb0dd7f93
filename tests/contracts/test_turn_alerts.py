"""A turn that stays open for too long is reported once, but not while it waits for people; on both databases."""

from __future__ import annotations

from talkwire.core.commands.agents.turns import UpdateTurn
from talkwire.core.commands.desk.claims import ClaimConversation, ReleaseConversation
from talkwire.core.commands.desk.teams import PutTeam
from talkwire.core.commands.members import AddMembers
from talkwire.core.domain.access_policy import DEFAULT_POLICY
from talkwire.core.domain.events import TurnUnanswered
from tests.contracts.node import BACKEND, BOB, Node
from tests.contracts.test_turn_cards import ask, decide
from tests.contracts.turn_actions import (
    HELPER,
    answer,
    ask_and_claim,
    claim,
    lapse,
    recorded,
    scene,
    turn_now,
)

ALERT_MS = DEFAULT_POLICY.turn_alert_s * 1000


async def alerts(node: Node) -> int:
    return len(await recorded(node, TurnUnanswered))


async def test_a_turn_that_nobody_claims_is_reported_once(node: Node) -> None:
    await scene(node)
    began_ms = node.clock.now_ms
    await node.send(BOB, "A question")
    await lapse(node, ALERT_MS - 1)
    await node.send(BOB, "Well?")
    assert await alerts(node) == 0
    await lapse(node, 1)
    (event,) = await recorded(node, TurnUnanswered)
    assert (event.agent_id, event.owner_id, event.conversation_id) == ("helper", "carol", "c")
    assert event.created_ms == began_ms
    await lapse(node, 10 * ALERT_MS)
    assert await alerts(node) == 1
    claimed = await claim(node)
    assert claimed.turn.id == event.turn_id
    await lapse(node, 10 * ALERT_MS)
    assert await alerts(node) == 1


async def test_a_turn_that_is_worked_on_for_too_long_is_reported_too(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    for _ in range(ALERT_MS // 30_000):
        await node.do(HELPER, UpdateTurn(turn=claimed.turn.token))
        await lapse(node, 30_000)
    assert (await turn_now(node, claimed)).state == "working"
    assert await alerts(node) == 1


async def test_a_turn_that_has_ended_in_time_is_not_reported(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    await answer(node, claimed.turn.token)
    await lapse(node, 10 * ALERT_MS)
    assert await alerts(node) == 0


async def test_a_turn_that_waits_for_a_decision_is_reported_only_when_it_waits_for_the_agent(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    message = await ask(node, claimed.turn.token)
    await lapse(node, 10 * ALERT_MS)
    assert await alerts(node) == 0
    await decide(node, message)
    await lapse(node, ALERT_MS - 1)
    assert await alerts(node) == 0
    await lapse(node, 1)
    assert await alerts(node) == 1


async def test_a_turn_is_not_reported_while_a_person_handles_the_conversation(node: Node) -> None:
    await scene(node)
    await node.do(BACKEND, PutTeam("support", "Support", ("bob",)))
    await node.do(BACKEND, AddMembers("c", team_ids=("support",)))
    await node.send(BOB, "A question")
    await node.do(BOB, ClaimConversation("c"))
    await lapse(node, 10 * ALERT_MS)
    assert await alerts(node) == 0
    await node.do(BOB, ReleaseConversation("c"))
    await lapse(node, 10 * ALERT_MS)
    assert await alerts(node) == 0, "what came before the release is no work any more"
