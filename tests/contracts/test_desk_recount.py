"""What a desk keeps beside its conversations is what a count of them gives, after random commands and after nodes that
ended in the middle of a team's change: `waitingSince`, a team's numbers, memberships and member counts."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import ConversationView, CreateConversation, GetConversation
from talkwire.core.commands.desk.claims import ClaimConversation, CloseConversation, ReleaseConversation
from talkwire.core.commands.desk.numbers import CountDesk, DeskNumbers
from talkwire.core.commands.desk.teams import GetTeam, PutTeam
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import DeleteMessage, SendMessage
from talkwire.core.domain.actors import DESK_COUNTER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    ConversationHandled,
    ConversationUpdated,
    DurableEvent,
    MessageDeleted,
    MessageSent,
)
from talkwire.core.domain.model import Actor, Message
from talkwire.core.engine.desk import team_changer
from talkwire.core.engine.desk.team_changer import TeamChanger
from tests.contracts.node import BACKEND, Clock, Node, running
from tests.databases import Database
from tests.repetition import repetitions

CUSTOMERS = ("alice", "dave")
STAFF = ("bob", "carol", "erin")
TEAMS = ("support", "sales")
PLACES = ("p1", "p2", "p3", "p4")
LIVES = 3
STEPS = 40


def _command(chance: random.Random, sent: Sequence[Message]) -> tuple[Actor, Command[object]]:
    """Returns a random command, which may be refused."""
    place, team = chance.choice(PLACES), chance.choice(TEAMS)
    staff, customer = (Actor(user_id, user_id) for user_id in (chance.choice(STAFF), chance.choice(CUSTOMERS)))
    members = tuple(user_id for user_id in STAFF if chance.random() < 0.6)
    choices: list[tuple[Actor, Command[object], int]] = [
        (customer, SendMessage(place, "Where is it?"), 8),
        (staff, SendMessage(place, "On its way"), 4),
        (staff, ClaimConversation(place), 4),
        (staff, ReleaseConversation(place), 1),
        (staff, CloseConversation(place), 2),
        (BACKEND, PutTeam(team, team, members), 3),
        (BACKEND, AddMembers(place, team_ids=(team,)), 3),
        (BACKEND, RemoveMember(place, team_ids=(team,)), 1),
    ]
    if sent:
        choices.append((BACKEND, DeleteMessage(str(chance.choice(sent[-6:]).id)), 3))
    ((actor, command, _),) = chance.choices(choices, [weight for _, _, weight in choices])
    return actor, command


def _waiting(events: Sequence[DurableEvent], place: str) -> int | None:
    """Counts since when a customer waits, from the log: the first message of a customer that is left, after the last
    answer, close or time without a team."""
    has_team, waiting = False, dict[int, int]()
    for event in events:
        match event:
            case MessageSent(message=message) if message.conversation_id == place and not message.system:
                if message.sender_id in CUSTOMERS and has_team:
                    waiting[message.id] = message.created_ms
                elif message.sender_id in STAFF:
                    waiting.clear()
            case MessageDeleted(message=message):
                waiting.pop(message.id, None)
            case ConversationHandled(conversation_id=id_, closed=True) if id_ == place:
                waiting.clear()
            case ConversationUpdated(conversation=conversation) if conversation.id == place:
                has_team = bool(conversation.team_ids)
                if not has_team:
                    waiting.clear()
    return next(iter(waiting.values()), None)


def _numbers(team_id: str, members: tuple[str, ...], views: Sequence[ConversationView]) -> DeskNumbers:
    found = [view.conversation for view in views if team_id in view.conversation.team_ids]
    is_open = [conversation for conversation in found if not conversation.closed]
    waiting = [each.waiting_since_ms for each in is_open if each.waiting_since_ms is not None]
    unhandled = [conversation for conversation in is_open if conversation.handler_id is None]
    return DeskNumbers(team_id, members, len(is_open), len(unhandled), len(waiting), min(waiting, default=None))


async def _check(node: Node) -> None:
    await TeamChanger(node.chat).finish()
    teams = {team_id: (await node.do(BACKEND, GetTeam(team_id))).team.member_ids for team_id in TEAMS}
    views = [await node.do(BACKEND, GetConversation(place)) for place in PLACES]
    events = await node.replay(limit=10_000)
    for place, view in zip(PLACES, views, strict=True):
        conversation, staff = view.conversation, {each.member.user_id: each.member.via for each in view.members}
        via = {user: tuple(team for team in conversation.team_ids if user in teams[team]) for user in STAFF}
        assert staff == {**dict.fromkeys(CUSTOMERS, ()), **{user: of for user, of in via.items() if of}}
        assert conversation.member_count == len(CUSTOMERS)
        assert conversation.handler_id is None or via[conversation.handler_id]
        assert conversation.waiting_since_ms == _waiting(events, place)
    counted = await node.do(DESK_COUNTER, CountDesk(TEAMS))
    assert {each.team_id: each for each in counted} == {
        team_id: _numbers(team_id, members, views) for team_id, members in teams.items()
    }


@pytest.mark.parametrize("seed", range(repetitions(15, 2)))
async def test_a_desk_is_as_a_count_says(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Each node ends with memberships that are not written yet, which the next one has to find."""
    monkeypatch.setattr("talkwire.core.features.conversations.grounds.MEMBERSHIPS_BATCH_MAX", 1)
    monkeypatch.setattr("talkwire.core.features.conversations.grounds.FURTHER_MEMBERSHIPS_BATCH_MAX", 2)
    monkeypatch.setattr(team_changer, "MEMBERSHIPS_WAIT_S", 0.0)
    chance, sent = random.Random(seed), list[Message]()
    async with running(database, clock) as node:
        await node.users(*(Actor(user_id, user_id) for user_id in (*CUSTOMERS, *STAFF)))
        for team_id in TEAMS:
            await node.do(BACKEND, PutTeam(team_id, team_id, STAFF[:2]))
        for place in PLACES:
            await node.do(BACKEND, CreateConversation("group", CUSTOMERS, id=place))
            await node.do(BACKEND, AddMembers(place, team_ids=(chance.choice(TEAMS),)))
    for _ in range(LIVES):
        async with running(database, clock) as node:
            for _ in range(STEPS):
                clock.now_ms += 1000
                await _try(node, *_command(chance, sent), sent)
            if chance.random() < 0.5:
                await _check(node)
    async with running(database, clock) as node:
        await _check(node)


async def _try(node: Node, actor: Actor, command: Command[object], sent: list[Message]) -> None:
    try:
        result = await node.do(actor, command)
    except ChatError:
        return
    if isinstance(command, SendMessage):
        assert isinstance(result, Message)
        sent.append(result)
