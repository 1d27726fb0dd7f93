"""Random stories of a desk: the handler, the state and `waitingSince` are those of a small model after each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from talkwire.core.commands.accounts import PutUser
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import CreateConversation, GetConversation
from talkwire.core.commands.desk.claims import (
    ClaimConversation,
    CloseConversation,
    HandOffConversation,
    ReleaseConversation,
)
from talkwire.core.commands.desk.teams import PutTeam
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import DeleteMessage, SendMessage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, Message
from tests.contracts.node import BACKEND, Node
from tests.repetition import repetitions

PEOPLE = ("alice", "bob", "carol", "dave")
ROBOT = "robot"
TEAMS = ("support", "sales")
STEPS = 60

Step = tuple[Actor, Command[Any], Callable[[], bool]]
"""Who does what, and the model's part: returns whether it is done."""


@dataclass
class Sent:
    """A message as the model knows it: when it was sent, and whether it came from a customer."""

    id: str
    sender: str
    at_ms: int
    of_customer: bool
    deleted: bool = False


@dataclass
class Model:
    """What the conversation should be."""

    own: set[str] = field(default_factory=lambda: {"alice", ROBOT})
    teams: dict[str, set[str]] = field(default_factory=lambda: {"support": {"bob", "carol"}, "sales": {"dave"}})
    added: list[str] = field(default_factory=lambda: ["support"])
    handler: str | None = None
    closed: bool = False
    waiting_ms: int | None = None
    messages: list[Sent] = field(default_factory=list)

    def is_staff(self, user_id: str) -> bool:
        return any(user_id in self.teams[team] for team in self.added)

    def is_member(self, user_id: str) -> bool:
        return user_id in self.own or self.is_staff(user_id)

    # --- steps --------------------------------------------------------------------------------------------------------

    def claim(self, user_id: str, expected: str | None) -> bool:
        if not self.is_staff(user_id) or self.handler not in {user_id, expected}:
            return False
        self.handler, self.closed = user_id, False
        return True

    def release(self, user_id: str) -> bool:
        if self.is_staff(user_id):
            self.handler = None
        return self.is_staff(user_id)

    def hand_off(self, user_id: str, to: str) -> bool:
        if not self.is_staff(user_id) or not (to in self.teams or self.is_staff(to)):
            return False
        if to in self.teams and to not in self.added:
            self.added.append(to)
        self.handler, self.closed = None if to in self.teams else to, False
        return True

    def close(self, user_id: str) -> bool:
        if self.is_staff(user_id):
            self.handler, self.closed, self.waiting_ms = None, True, None
        return self.is_staff(user_id)

    def send(self, user_id: str, now_ms: int) -> bool:
        if not self.is_member(user_id):
            return False
        of_customer = not self.is_staff(user_id) and user_id != ROBOT
        self.messages.append(Sent("", user_id, now_ms, of_customer))
        if not self.added:
            return True
        if of_customer:
            self.closed = False
            self.waiting_ms = now_ms if self.waiting_ms is None else self.waiting_ms
        else:
            self.waiting_ms = None
        return True

    def delete(self, sent: Sent) -> bool:
        sent.deleted = True
        if self.waiting_ms == sent.at_ms:
            later = self.messages[self.messages.index(sent) :]
            # A customer who has become staff, or who has left, does not wait any more.
            waits = (m for m in later if m.of_customer and not m.deleted and self.is_customer(m.sender))
            self.waiting_ms = next((each.at_ms for each in waits), None)
        return True

    def is_customer(self, user_id: str) -> bool:
        return user_id in self.own and not self.is_staff(user_id)

    def change(self, *, own: set[str] | None = None, team: str = "", members: set[str] | None = None) -> bool:
        if own is not None:
            self.own = own
        if members is not None:
            self.teams[team] = members
        return self.settle()

    def settle(self) -> bool:
        if self.handler is not None and not self.is_staff(self.handler):
            self.handler = None
        if not self.added:
            self.closed, self.waiting_ms = False, None
        return True

    def set_teams(self, added: list[str]) -> bool:
        self.added = added
        return self.settle()


class Story:
    """Chooses the steps."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.model = Model()
        self.now_ms = 0

    def next(self) -> Step:
        chosen = self.random.choices(
            [self._claim, self._release, self._hand_off, self._close, self._send, self._delete, self._people],
            [4, 2, 2, 2, 10, 4, 4],
        )
        return chosen[0]()

    def _person(self) -> Actor:
        user_id = self.random.choice(PEOPLE)
        return Actor(user_id, user_id)

    def _claim(self) -> Step:
        actor, expected = self._person(), self.random.choice([None, *PEOPLE])
        return actor, ClaimConversation("c", expected), lambda: self.model.claim(actor.user_id, expected)

    def _release(self) -> Step:
        actor = self._person()
        return actor, ReleaseConversation("c"), lambda: self.model.release(actor.user_id)

    def _hand_off(self) -> Step:
        actor, to = self._person(), self.random.choice([*PEOPLE, *TEAMS, "nobody"])
        return actor, HandOffConversation("c", to), lambda: self.model.hand_off(actor.user_id, to)

    def _close(self) -> Step:
        actor = self._person()
        return actor, CloseConversation("c"), lambda: self.model.close(actor.user_id)

    def _send(self) -> Step:
        user_id = self.random.choice([*PEOPLE, "alice", ROBOT])
        now_ms = self.now_ms
        return Actor(user_id, user_id), SendMessage("c", "x"), lambda: self.model.send(user_id, now_ms)

    def _delete(self) -> Step:
        there = [each for each in self.model.messages if not each.deleted]
        if not there:
            return self._send()
        sent = self.random.choice(there[-5:])
        return BACKEND, DeleteMessage(sent.id), lambda: self.model.delete(sent)

    def _people(self) -> Step:
        match self.random.randrange(4):
            case 0:
                user_id = self.random.choice(["bob", "dave"])
                if user_id in self.model.own:
                    without = self.model.own - {user_id}
                    return BACKEND, RemoveMember("c", user_id), lambda: self.model.change(own=without)
                with_user = self.model.own | {user_id}
                return BACKEND, AddMembers("c", (user_id,)), lambda: self.model.change(own=with_user)
            case 1:
                team, members = self.random.choice(TEAMS), {each for each in PEOPLE[1:] if self.random.random() < 0.6}
                command = PutTeam(team, team, tuple(sorted(members)))
                return BACKEND, command, lambda: self.model.change(team=team, members=members)
            case _:
                team = self.random.choice(TEAMS)
                if team in self.model.added:
                    left = [each for each in self.model.added if each != team]
                    return BACKEND, RemoveMember("c", team_ids=(team,)), lambda: self.model.set_teams(left)
                more = [*self.model.added, team]
                return BACKEND, AddMembers("c", team_ids=(team,)), lambda: self.model.set_teams(more)


@pytest.mark.parametrize("seed", range(repetitions(40, 3)))
async def test_a_desk_is_as_its_model(node: Node, seed: int) -> None:
    await node.users(*(Actor(user_id, user_id) for user_id in PEOPLE))
    await node.do(BACKEND, PutUser(ROBOT, name="Robot", kind="agent"))
    story = Story(Random(seed))
    for team_id, members in story.model.teams.items():
        await node.do(BACKEND, PutTeam(team_id, team_id, tuple(sorted(members))))
    await node.do(BACKEND, CreateConversation("group", ("alice", ROBOT), id="c", team_ids=("support",)))
    for number in range(STEPS):
        node.clock.now_ms += 1000
        story.now_ms = node.clock.now_ms
        actor, command, play = story.next()
        result: object = None
        is_done = True
        try:
            result = await node.do(actor, command)
        except ChatError:
            is_done = False
        model = story.model
        assert play() == is_done, (number, actor.user_id, command)
        if is_done and isinstance(command, SendMessage):
            assert isinstance(result, Message)
            model.messages[-1].id = str(result.id)
        now = (await node.do(BACKEND, GetConversation("c"))).conversation
        found = (now.handler_id, now.closed, now.waiting_since_ms)
        assert found == (model.handler, model.closed, model.waiting_ms), (number, actor.user_id, command)
