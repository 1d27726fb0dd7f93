"""Random stories of agents that work: after each step at most one turn of a conversation is worked on, no message is
answered twice by an agent, and in the end everything has ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from talkwire.core.commands.agents.turns import (
    ClaimedTurn,
    ClaimTurns,
    EndTurn,
    FailTurn,
    ListTurns,
    ReleaseTurn,
    RetryTurn,
    UpdateTurn,
)
from talkwire.core.commands.cards.deciding import ActOnCard
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import DeleteMessage, SendMessage
from talkwire.core.commands.server.timers import FindTimer, FireTimers
from talkwire.core.commands.streams.storing import BeginStream, BegunStream, MarkStopped
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.model import Actor, Message
from talkwire.storage.schema import members, turn_messages, turns
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Clock, Node, running
from tests.contracts.test_stream_rules import HERE, TEXT, end, keep
from tests.contracts.turn_actions import HELPER, OTHER, asking, scene, stored
from tests.databases import Database
from tests.repetition import repetitions

STEPS = 80
AGENTS = {agent.user_id: agent for agent in (HELPER, OTHER)}
LONG_MS = 700_000
POLICY = AccessPolicy(agent_messages_per_hour=100_000, max_turn_tries=3)


@dataclass
class Story:
    node: Node
    random: Random
    claimed: list[ClaimedTurn] = field(default_factory=list)
    streams: list[tuple[Actor, BegunStream, ClaimedTurn]] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    cards: list[Message] = field(default_factory=list)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often an agent has ended a turn with a message, by the agent and the message that it answers."""

    async def do(self, actor: Actor, command: Any) -> Any:  # noqa: ANN401 (a command and its result)
        """Returns the result, or None if the command is refused."""
        try:
            return await self.node.do(actor, command)
        except ChatError:
            return None

    async def step(self) -> str:
        steps = {
            self._send: 4,
            self._claim: 6,
            self._answer: 4,
            self._open: 3,
            self._finish: 3,
            self._end: 3,
            self._ask: 1,
            self._decide: 1,
            self._wait: 3,
            self._delete: 1,
            self._come_or_go: 1,
            self._retry: 1,
            self._stop: 1,
        }
        (chosen,) = self.random.choices([*steps], [*steps.values()])
        await chosen()
        return chosen.__name__

    # --- steps --------------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        message = await self.do(self.random.choice([ALICE, BOB]), SendMessage("c", "A question"))
        self.sent.append(message)

    async def _claim(self) -> None:
        agent = self.random.choice([HELPER, OTHER])
        self.claimed += await self.do(agent, ClaimTurns(max=self.random.choice([1, 5])))

    def _token(self) -> tuple[Actor, ClaimedTurn] | None:
        """Returns one of the newest claims, whether it still holds or not."""
        if not self.claimed:
            return None
        claimed = self.random.choice(self.claimed[-3:])
        return AGENTS[claimed.turn.agent_id], claimed

    async def _answer(self) -> None:
        if (chosen := self._token()) is None:
            return
        agent, claimed = chosen
        more = self.random.random() < 0.2
        message = await self.do(agent, SendMessage("c", "An answer", turn=claimed.turn.token, more=more))
        if message is not None:
            self.sent.append(message)
            if not more:
                self._count(agent, claimed)

    def _count(self, agent: Actor, claimed: ClaimedTurn) -> None:
        self.answers.update((agent.user_id, message.id) for message in claimed.messages)

    async def _open(self) -> None:
        if (chosen := self._token()) is None:
            return
        agent, claimed = chosen
        send = SendMessage("c", "", turn=claimed.turn.token)
        begun = await self.do(agent, BeginStream(send, HERE, 15_000))
        if begun is None or begun.stream is None:
            return
        self.streams.append((agent, begun, claimed))
        if self.random.random() < 0.7:
            await self.do(OPERATOR, keep(begun, TEXT))

    async def _finish(self) -> None:
        if not self.streams:
            return
        agent, begun, claimed = self.random.choice(self.streams[-3:])
        state = self.random.choice(["done", "done", "failed", "interrupted"])
        message = await self.do(agent, end(begun, TEXT, state=state))
        if message is not None and message.state == "done":
            self._count(agent, claimed)

    async def _end(self) -> None:
        if (chosen := self._token()) is None:
            return
        agent, claimed = chosen
        kind: Any = self.random.choice([EndTurn, ReleaseTurn, ReleaseTurn, FailTurn, UpdateTurn])
        await self.do(agent, kind(turn=claimed.turn.token))

    async def _ask(self) -> None:
        if (chosen := self._token()) is None:
            return
        agent, claimed = chosen
        message = await self.do(agent, asking(claimed.turn.token))
        if message is not None:
            self.cards.append(message)

    async def _decide(self) -> None:
        if self.cards:
            await self.do(BOB, ActOnCard(str(self.cards.pop().id), ("yes",)))

    async def _wait(self) -> None:
        self.node.clock.now_ms += self.random.choice([500, 1_000, 6_000, 16_000, 61_000, LONG_MS])
        await self.fire()

    async def fire(self) -> None:
        while (found := await self.node.do(OPERATOR, FindTimer())) is not None and found.wait_ms <= 0:
            await self.node.do(OPERATOR, FireTimers(found.timer, 100, False))

    async def _delete(self) -> None:
        if self.sent:
            await self.do(ALICE, DeleteMessage(str(self.random.choice(self.sent[-5:]).id)))

    async def _come_or_go(self) -> None:
        name = self.random.choice([*AGENTS])
        if await self.do(ALICE, RemoveMember("c", name)) is None or self.random.random() < 0.7:
            await self.do(ALICE, AddMembers("c", (name,)))

    async def _retry(self) -> None:
        page = await self.node.do(BACKEND, ListTurns(in_state="failed"))
        if page.items:
            await self.do(BACKEND, RetryTurn(turn_id=str(page.items[0].turn.id)))

    async def _stop(self) -> None:
        if self.sent:
            await self.do(BACKEND, MarkStopped(reply_to_id=str(self.random.choice(self.sent[-3:]).id)))

    # --- what holds ---------------------------------------------------------------------------------------------------

    def check(self, what: object) -> None:
        assert max(self.answers.values(), default=0) <= 1, (what, "answered twice")
        with self.node.read_engine.connect() as connection:
            rows = connection.execute(select(turns)).all()
            there = {*connection.execute(select(members.c.user_id)).scalars()}
            given = connection.execute(
                select(turns.c.agent_id, turn_messages.c.message_id)
                .join(turns, turns.c.id == turn_messages.c.turn_id)
                .where(turns.c.state != "done")
            ).all()
        assert len([row for row in rows if row.state == "working"]) <= 1, (what, rows)
        for row in rows:
            if row.state in {"waiting", "working"}:
                assert row.agent_id in there, (what, row)
                waits_for_card = row.state == "waiting" and row.claimable_ms is None
                assert not waits_for_card or row.card_id is not None, (what, row)
                assert (row.until_ms is not None) == (row.state == "working"), (what, row)
            else:
                assert row.ended_ms is not None, (what, row)
                assert row.stream_id is None, (what, row)
        assert len({*given}) == len(given), (what, "a message is in two open turns of an agent")

    async def end(self) -> None:
        """Lets all that is open end: cards are decided, and an agent that has a turn answers it at once."""
        for card in self.cards:
            await self.do(BOB, ActOnCard(str(card.id), ("yes",)))
        for _ in range(60):
            self.node.clock.now_ms += LONG_MS
            await self.fire()
            for agent in AGENTS.values():
                for claimed in await self.do(agent, ClaimTurns(max=50)):
                    assert await self.do(agent, SendMessage("c", "The end", turn=claimed.turn.token)) is not None
                    self._count(agent, claimed)
            self.check("the end")
            if not await self._open_turns():
                return
        raise AssertionError(await self._open_turns())

    async def _open_turns(self) -> list[Any]:
        with self.node.read_engine.connect() as connection:
            is_open = turns.c.state.in_(("waiting", "working"))
            return [*connection.execute(select(turns).where(is_open))]


@pytest.mark.parametrize("seed", range(repetitions(60, 2)))
async def test_no_message_is_answered_twice_and_no_turn_is_left(database: Database, clock: Clock, seed: int) -> None:
    async with running(database, clock, policy=POLICY) as node:
        await scene(node, others=(OTHER,))
        story = Story(node, Random(seed))
        for number in range(STEPS):
            node.clock.now_ms += 100
            story.check((number, await story.step()))
        await story.end()
        begun = [e.message for e in await node.replay(limit=100_000) if isinstance(e, MessageSent) and e.message.state]
        left = [await stored(node, message) for message in begun]
        with node.read_engine.connect() as connection:
            known = {*connection.execute(select(turns.c.id)).scalars()}
        of_turns = [each for each in left if each.cause is not None and each.cause.turn_id in known]
        assert [each for each in of_turns if each.state in {"streaming", "interrupted"}] == []
