"""Kinds of users: people and agents, and the people who own agents."""

from __future__ import annotations

import pytest

from talkwire.core.commands.accounts import EnsureUser, EraseUser, GetUser, PutUser, PutUsers
from talkwire.core.commands.conversations import GetConversation
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import UserUpdated
from talkwire.core.domain.model import Actor
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Node

HELPER = Actor("helper", "Helper")
AGENT = PutUser("helper", name="Helper", kind="agent", owner_id="alice")


@pytest.mark.parametrize("actor", [BACKEND, OPERATOR])
async def test_the_backend_and_admins_make_agents_with_an_owner(node: Node, actor: Actor) -> None:
    await node.users(ALICE)
    assert (await node.do(ALICE, GetUser("alice"))).kind == "person"
    agent = await node.do(actor, AGENT)
    assert (agent.kind, agent.owner_id) == ("agent", "alice")
    assert await node.do(actor, AGENT) == agent
    assert [type(event) for event in node.log].count(UserUpdated) == 0, "nothing changed"
    seen = await node.do(BOB, GetUser("helper"))
    assert (seen.kind, seen.owner_id) == ("agent", "alice")
    assert (await node.do(actor, PutUser("helper", text="Ready"))).owner_id == "alice"
    assert (await node.do(actor, PutUser("helper", owner_id=None))).owner_id is None
    assert await node.replay() == node.log


async def test_an_agent_that_becomes_a_person_loses_its_owner(node: Node) -> None:
    await node.users(ALICE)
    await node.do(BACKEND, AGENT)
    person = await node.do(BACKEND, PutUser("helper", kind="person"))
    assert (person.kind, person.owner_id) == ("person", None)
    await node.do(BACKEND, AGENT)
    assert (await node.do(BACKEND, PutUser("helper", kind="person", owner_id=None))).owner_id is None


async def test_a_token_makes_people_and_leaves_an_agent_one(node: Node) -> None:
    await node.users(ALICE)
    await node.do(BACKEND, AGENT)
    assert (await node.do(HELPER, EnsureUser("helper", "Other"))).kind == "agent"
    assert (await node.do(BOB, EnsureUser("bob", "Bob"))).kind == "person"


async def _people_and_agents(node: Node) -> None:
    await node.users(ALICE, BOB, CAROL)
    await node.do(BACKEND, EraseUser("carol", redact=False))
    await node.do(BACKEND, AGENT)


@pytest.mark.parametrize(
    "command",
    [
        PutUser("new", kind="agent", owner_id="nobody"),
        PutUser("new", kind="agent", owner_id="new"),
        PutUser("new", kind="agent", owner_id="helper"),
        PutUser("new", kind="agent", owner_id="carol"),
        PutUser("new", kind="agent", owner_id="a b"),
        PutUser("new", kind="agent", owner_id=""),
        PutUser("new", owner_id="bob"),
        PutUser("new", kind="person", owner_id="bob"),
        PutUser("bob", owner_id="alice"),
        PutUser("bob", kind="agent", owner_id="bob"),
        PutUser("helper", owner_id="helper"),
        PutUser("helper", kind="person", owner_id="alice"),
        PutUser("helper", kind="person", owner_id="bob"),
    ],
    ids=lambda command: f"{command.user_id} {command.kind} of {command.owner_id}",
)
async def test_an_owner_that_a_user_cannot_have_is_refused_by_name(node: Node, command: PutUser) -> None:
    await _people_and_agents(node)
    before = len(node.log)
    error = await _error_of(node, command)
    assert (error.code, _paths(error)) == ("invalid_request", ["ownerId"])
    error = await _error_of(node, PutUsers((PutUser("other"), command)))
    assert (error.code, _paths(error)) == ("invalid_request", ["users[1].ownerId"])
    assert len(node.log) == before


async def _error_of(node: Node, command: PutUser | PutUsers) -> ChatError:
    with pytest.raises(ChatError) as refused:
        await node.do(BACKEND, command)
    return refused.value


def _paths(error: ChatError) -> list[object]:
    assert isinstance(error.details, list)
    return [each["path"] for each in error.details]


async def test_a_person_who_owns_agents_stays_one(node: Node) -> None:
    await _people_and_agents(node)
    error = await _error_of(node, PutUser("alice", kind="agent"))
    assert (error.code, error.details) == ("conflict", {"agentIds": ["helper"]})
    await node.do(BACKEND, PutUser("helper", owner_id="bob"))
    assert (await node.do(BACKEND, PutUser("alice", kind="agent", owner_id="bob"))).kind == "agent"


@pytest.mark.parametrize(
    ("users", "code"),
    [
        ((PutUser("p"), PutUser("a", kind="agent", owner_id="p")), None),
        ((PutUser("a", kind="agent", owner_id="p"), PutUser("p")), "invalid_request"),
        ((PutUser("p", kind="agent"), PutUser("a", kind="agent", owner_id="p")), "invalid_request"),
        ((PutUser("a", kind="agent", owner_id="bob"), PutUser("bob", kind="agent")), "conflict"),
        ((PutUser("helper", owner_id="bob"), PutUser("alice", kind="agent")), None),
        ((PutUser("helper", kind="person"), PutUser("alice", kind="agent", owner_id="helper")), None),
        ((PutUser("alice", kind="agent"), PutUser("helper", owner_id="bob")), "conflict"),
    ],
)
async def test_a_batch_is_decided_in_its_order(node: Node, users: tuple[PutUser, ...], code: str | None) -> None:
    await _people_and_agents(node)
    before = len(node.log)
    if code is None:
        assert len(await node.do(BACKEND, PutUsers(users))) == 2
    else:
        assert await node.refusal(BACKEND, PutUsers(users)) == code
        assert len(node.log) == before


async def test_lists_of_members_say_who_is_an_agent(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.do(BACKEND, AGENT)
    await node.group("c", ALICE, BOB, HELPER)
    view = await node.do(ALICE, GetConversation("c"))
    assert {each.member.user_id: each.kind for each in view.members} == {
        "alice": "person",
        "bob": "person",
        "helper": "agent",
    }
