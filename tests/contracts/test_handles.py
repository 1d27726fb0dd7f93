"""Handles: who chooses them, that each is unique, and how users are found and mentioned by them."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.core.commands.accounts import EraseUser, GetUser, PutUser, PutUsers, SearchUsers, UpdateUser
from talkwire.core.commands.conversations import GetConversation
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import UserUpdated
from talkwire.core.domain.model import Actor
from tests.contracts.cluster import running_cluster
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, Clock, Node, running
from tests.databases import Database


async def _found(node: Node, actor: Actor, text: str) -> list[str]:
    return [user.id for user in (await node.do(actor, SearchUsers(text))).items]


async def test_a_user_chooses_a_handle_in_any_case_and_gives_it_up(node: Node) -> None:
    await node.users(ALICE, BOB)
    changed = await node.do(ALICE, UpdateUser(handle="Ann.Smith"))
    assert changed.handle == "ann.smith"
    assert node.log[-1] == UserUpdated(node.log[-1].pos, node.clock.now_ms, changed)
    assert (await node.do(BOB, GetUser("alice"))).handle == "ann.smith"
    before = len(node.log)
    assert await node.do(ALICE, UpdateUser(handle="ANN.SMITH")) == changed
    assert len(node.log) == before, "nothing changed"
    assert await node.do(ALICE, UpdateUser(name="Ann")) != changed
    assert (await node.do(ALICE, UpdateUser(handle=None))).handle is None
    assert (await node.do(BOB, UpdateUser(handle="ann.smith"))).handle == "ann.smith"
    assert await node.replay() == node.log


@pytest.mark.parametrize(
    "handle",
    [
        "",
        "ab",
        "a" * 33,
        "ann smith",
        "änn",
        "ann.",
        "-ann",
        "_ann",
        "@ann",
        "all",
        "Online",
        "ann\n",
        "\uff21\uff2e\uff2e",
    ],
)
async def test_an_invalid_handle_is_refused(node: Node, handle: str) -> None:
    await node.users(ALICE)
    assert await node.refusal(ALICE, UpdateUser(handle=handle)) == "invalid_request"
    assert await node.refusal(BACKEND, PutUser("bob", handle=handle)) == "invalid_request"


async def test_a_handle_is_refused_while_it_is_another_users_handle_or_id(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.do(ALICE, UpdateUser(handle="ann"))
    with pytest.raises(ChatError) as refused:
        await node.do(BOB, UpdateUser(handle="ANN"))
    assert (refused.value.code, refused.value.details) == ("conflict", {"handle": "ann"})
    assert await node.refusal(BOB, UpdateUser(handle="alice")) == "conflict"
    assert await node.refusal(BACKEND, PutUser("carol", handle="ann")) == "conflict"
    assert (await node.do(BOB, UpdateUser(handle="bob"))).handle == "bob", "one's own id"
    assert (await node.do(BACKEND, PutUser("alice", handle="ann", name="Ann"))).handle == "ann"


async def test_of_two_commands_in_one_batch_the_first_gets_the_handle(node: Node) -> None:
    await node.users(ALICE, BOB)
    first, refused, moved, taken = await node.in_one_batch(
        (ALICE, UpdateUser(handle="ann")),
        (BOB, UpdateUser(handle="ann")),
        (ALICE, UpdateUser(handle="anna")),
        (BOB, UpdateUser(handle="ann")),
    )
    assert (first.handle, refused.code, moved.handle, taken.handle) == ("ann", "conflict", "anna", "ann")


async def test_the_backend_sets_handles_of_many_users_at_once(node: Node) -> None:
    users = await node.do(BACKEND, PutUsers((PutUser("a", handle="Ann"), PutUser("b", handle="ben"))))
    assert [user.handle for user in users] == ["ann", "ben"]
    twice = PutUsers((PutUser("c", handle="cat"), PutUser("d", handle="CAT")))
    assert await node.refusal(BACKEND, twice) == "invalid_request"
    with pytest.raises(ChatError) as refused:
        await node.do(BACKEND, PutUsers((PutUser("c"), PutUser("d", handle="ben"))))
    assert refused.value.message.startswith("users[1]: ")
    assert await node.refusal(BACKEND, PutUsers((PutUser("c", handle="x"),))) == "invalid_request"


async def test_where_the_application_manages_users_only_the_backend_sets_handles(
    database: Database, clock: Clock
) -> None:
    async with running(database, clock, policy=AccessPolicy(accounts="off")) as node:
        await node.users(ALICE)
        assert await node.refusal(ALICE, UpdateUser(handle="ann")) == "forbidden"
        await node.do(BACKEND, PutUser("alice", handle="ann"))
        assert (await node.do(ALICE, UpdateUser(name="Ann", handle="ann"))).handle == "ann"


async def test_users_are_found_by_the_start_of_their_handle(node: Node) -> None:
    await node.users(ALICE, BOB, CAROL)
    await node.do(BOB, UpdateUser(handle="zoe_bee"))
    await node.do(CAROL, UpdateUser(handle="zoe.cat"))
    assert await _found(node, ALICE, "ZOE") == ["carol", "bob"]
    assert await _found(node, ALICE, "@zoe_") == ["bob"]
    assert await _found(node, ALICE, "oe") == []
    await node.do(BOB, UpdateUser(name="Zoe"))
    assert await _found(node, ALICE, "zoe") == ["carol", "bob"], "each once"


async def test_the_directory_applies_to_handles(database: Database, clock: Clock) -> None:
    async with running(database, clock, policy=AccessPolicy(directory="contacts")) as node:
        await node.group("c", ALICE, BOB)
        await node.users(MALLORY)
        await node.do(BOB, UpdateUser(handle="zoe"))
        assert await _found(node, ALICE, "@zoe") == ["bob"]
        assert await _found(node, MALLORY, "@zoe") == []


async def test_a_handle_mentions_its_user(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    await node.do(BOB, UpdateUser(handle="zoe.bee"))
    await node.users(MALLORY)
    await node.do(MALLORY, UpdateUser(handle="outside"))
    for text, mentioned in (
        ("Hi @zoe.bee!", ("bob",)),
        ("Hi @Zoe.Bee.", ("bob",)),
        ("@zoe and @zoe.bees", ()),
        ("@outside", ()),
        ("@bob and @zoe.bee", ("bob",)),
    ):
        assert (await node.send(ALICE, text)).mentions == mentioned, text
    views = (await node.do(ALICE, GetConversation("c"))).members
    assert {view.member.user_id: view.handle for view in views} == {"alice": None, "bob": "zoe.bee", "carol": None}


async def test_the_handle_of_an_erased_user_is_free_and_nothing_keeps_it(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.do(ALICE, UpdateUser(handle="ann"))
    await node.do(BACKEND, EraseUser("alice", redact=False))
    assert (await node.do(BACKEND, GetUser("alice"))).handle is None
    assert (await node.do(BOB, UpdateUser(handle="ann"))).handle == "ann"


async def test_of_two_nodes_only_one_gives_a_handle_out(postgresql_database: Database, clock: Clock) -> None:
    async with running_cluster(postgresql_database, clock) as cluster:
        await cluster.a.node.users(ALICE, BOB)
        asked = [
            cluster.a.node.do(ALICE, UpdateUser(handle="ann")),
            cluster.b.node.do(BOB, UpdateUser(handle="ann")),
        ]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, ChatError)]
        assert [error.code for error in refused] == ["conflict"]
        holders = [await cluster.a.node.do(BACKEND, GetUser(name)) for name in ("alice", "bob")]
        assert sorted(user.handle or "" for user in holders) == ["", "ann"]
