"""Several users' commands in any order and any batches, compared with a simple model of the chat."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from talkwire.core.commands.accounts import BanUser, EnsureUser, UnbanUser
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import CreateConversation, GetConversation
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import ListMessages, SendMessage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, Message
from talkwire.storage.engine import sqlite_url
from tests.contracts.node import BACKEND, OPERATOR, Clock, Node, running
from tests.databases import Database
from tests.repetition import repetitions

USERS = ("alice", "bob", "carol")
CONVERSATIONS = ("c", "d")
Asked = tuple[Actor, Command[Any]]

_users = st.sampled_from(USERS)
_conversations = st.sampled_from(CONVERSATIONS)
_actors = _users.map(lambda user_id: Actor(user_id, user_id))
_sends = st.tuples(
    _actors,
    st.builds(
        SendMessage,
        _conversations,
        st.sampled_from(["x", "y"]),
        st.sampled_from([None, "m1", "m2"]),
    ),
)
_others = st.one_of(
    st.tuples(st.just(BACKEND), st.builds(AddMembers, _conversations, st.tuples(_users))),
    st.tuples(_actors, st.builds(AddMembers, _conversations, st.tuples(_users))),
    st.tuples(_actors, st.builds(RemoveMember, _conversations, _users)),
    st.tuples(st.just(OPERATOR), st.builds(BanUser, _users)),
    st.tuples(st.just(OPERATOR), st.builds(UnbanUser, _users)),
)
_batches = st.lists(st.lists(_sends | _sends | _others, min_size=1, max_size=12), max_size=6)


@dataclass
class Talk:
    """A conversation of the model: its members and messages. Without members it is deleted."""

    owner: str
    members: set[str]
    posted: list[tuple[str, str, str | None]] = field(default_factory=list)


@dataclass
class SmallChat:
    """A model of the chat's behaviour, as simple as possible."""

    talks: dict[str, Talk]
    banned: set[str] = field(default_factory=set)
    events: int = 0

    def expect(self, actor: Actor, command: Command[Any]) -> object:
        """Returns the code of a refusal, a message's seq, or None."""
        if actor.user_id in self.banned:
            return "banned"
        match command:
            case SendMessage():
                return self._send(actor.user_id, command)
            case AddMembers():
                return self._add(actor, command)
            case RemoveMember():
                return self._remove(actor, command)
            case BanUser():
                self._count(command.user_id not in self.banned)
                self.banned.add(command.user_id)
            case UnbanUser():
                self._count(command.user_id in self.banned)
                self.banned.discard(command.user_id)
        return None

    def _send(self, user_id: str, command: SendMessage) -> object:
        talk = self.talks[command.conversation_id]
        if user_id not in talk.members:
            return "forbidden"
        if command.client_message_id is not None:
            for seq, (sender, content, client_message_id) in enumerate(talk.posted, start=1):
                if (sender, client_message_id) == (user_id, command.client_message_id):
                    return seq if content == command.content else "conflict"
        talk.posted.append((user_id, command.content, command.client_message_id))
        self._count(1)
        return len(talk.posted)

    def _add(self, actor: Actor, command: AddMembers) -> object:
        talk = self.talks[command.conversation_id]
        if not talk.members and actor == BACKEND:
            return "not_found"
        if actor.user_id not in {BACKEND.user_id, talk.owner}:
            return "forbidden"
        self._count(not talk.members.issuperset(command.user_ids))
        talk.members.update(command.user_ids)
        return None

    def _remove(self, actor: Actor, command: RemoveMember) -> object:
        """Removes a member. The last member deletes the conversation; an owner passes it on."""
        talk = self.talks[command.conversation_id]
        if actor.user_id not in {command.user_id, talk.owner} or command.user_id not in talk.members:
            return "forbidden"
        talk.members.discard(command.user_id)
        self._count(1)
        if command.user_id == talk.owner or not talk.members:
            # All have joined at the same time, so the first one by id becomes the owner.
            talk.owner = min(talk.members, default="")
            self._count(1)
        return None

    def _count(self, events: int) -> None:
        self.events += events


@settings(max_examples=repetitions(60), deadline=None)
@given(batches=_batches, restarts=st.sets(st.integers(0, 5), max_size=2))
def test_commands_do_the_same_as_in_a_small_model_however_they_interleave(
    sqlite_template: Path, batches: list[list[Asked]], restarts: set[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "talkwire.db"
        shutil.copyfile(sqlite_template, path)
        asyncio.run(_compare(Database("sqlite", sqlite_url(path)), batches, restarts))


async def _compare(database: Database, batches: list[list[Asked]], restarts: set[int]) -> None:
    model = SmallChat({name: Talk(USERS[index], {USERS[index]}) for index, name in enumerate(CONVERSATIONS)})
    node = Node(database, Clock())
    await node.start()
    try:
        await _prepare(node, model)
        for number, batch in enumerate(batches):
            if number in restarts:
                await node.close()
                node = Node(database, Clock())
                await node.start()
            outcomes = await node.in_one_batch(*batch)
            expected = [model.expect(actor, command) for actor, command in batch]
            assert [_notified(outcome) for outcome in outcomes] == expected
    finally:
        await node.close()
    async with running(database, Clock()) as fresh:
        await _check(fresh, model)


async def _prepare(node: Node, model: SmallChat) -> None:
    for user_id in USERS:
        await node.do(Actor(user_id, user_id), EnsureUser(user_id, user_id))
    for name, talk in model.talks.items():
        await node.do(BACKEND, CreateConversation("group", (talk.owner,), id=name, owner_id=talk.owner))
    model.events = len(node.log)


def _notified(outcome: object) -> object:
    match outcome:
        case ChatError():
            return outcome.code
        case Message():
            return outcome.seq
        case BaseException():
            raise outcome
        case _:
            return None


async def _check(node: Node, model: SmallChat) -> None:
    """Compares the model with what a fresh process reads from the database."""
    for name, talk in model.talks.items():
        if not talk.members:
            assert await node.refusal(BACKEND, GetConversation(name)) == "not_found"
            continue
        page = await node.do(BACKEND, ListMessages(name, limit=100))
        assert [
            (message.sender_id, message.content, message.client_message_id) for message in page.items
        ] == talk.posted
        assert [message.seq for message in page.items] == list(range(1, len(talk.posted) + 1))
        view = await node.do(BACKEND, GetConversation(name))
        assert {member.member.user_id for member in view.members} == talk.members
        assert (view.conversation.member_count, view.conversation.last_seq) == (len(talk.members), len(talk.posted))
    events = await node.replay()
    assert [event.pos for event in events] == list(range(1, model.events + 1))
