"""What the operator's policy lets users do, and conversations without an owner."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from talkwire.core.commands.command import IdempotencyKey
from talkwire.core.commands.conversations import (
    ConversationView,
    CreateConversation,
    DeleteConversation,
    GetConversation,
    UpdateConversation,
)
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import ConversationCreated, ConversationDeleted, MemberRemoved
from talkwire.core.domain.model import Actor, ConversationKind
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Clock, Node, running
from tests.databases import Database


async def _refused(node: Node, actor: Actor, command: Any) -> ChatError:  # noqa: ANN401 (any command)
    with pytest.raises(ChatError) as refused:
        await node.do(actor, command)
    return refused.value


# --- who creates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["direct", "group", "channel"])
async def test_only_the_backend_creates_what_is_left_to_it(
    database: Database, clock: Clock, kind: ConversationKind
) -> None:
    creators: dict[str, Any] = {f"create_{kind}": "service"}
    async with running(database, clock, policy=AccessPolicy(**creators)) as node:
        await node.users(ALICE, BOB, CAROL, OPERATOR)
        refusal = await _refused(node, ALICE, CreateConversation(kind, ("bob",)))
        assert (refusal.code, "cannot create" in refusal.message) == ("forbidden", True)
        await node.do(BACKEND, CreateConversation(kind, ("alice", "bob")))
        await node.do(OPERATOR, CreateConversation(kind, ("carol",)))
        others: set[ConversationKind] = {"direct", "group", "channel"}
        for other in others - {kind}:
            await node.do(ALICE, CreateConversation(other, ("bob",)))


async def test_users_open_a_direct_conversation_that_the_backend_created(database: Database, clock: Clock) -> None:
    async with running(database, clock, policy=AccessPolicy(create_direct="service")) as node:
        await node.users(ALICE, BOB)
        created = await node.do(BACKEND, CreateConversation("direct", ("alice", "bob")))
        found = await node.do(BOB, CreateConversation("direct", ("alice",)))
        assert (found.conversation.id, found.existed, created.existed) == (created.conversation.id, True, False)


async def test_users_own_what_they_create_wherever_they_name_themselves(node: Node) -> None:
    await node.users(ALICE, BOB)
    view = await node.do(ALICE, CreateConversation("group", ("bob", "alice")))
    assert view.conversation.owner_id == "alice"
    assert await node.roles(view.conversation.id) == {"alice": "owner", "bob": "member"}


# --- who deletes ----------------------------------------------------------------------------------------------------


async def test_owners_delete_nothing_where_that_is_left_to_the_backend(database: Database, clock: Clock) -> None:
    async with running(database, clock, policy=AccessPolicy(delete_conversation="service")) as node:
        for name in ("c", "d"):
            await node.group(name, ALICE, BOB)
            refusal = await _refused(node, ALICE, DeleteConversation(name))
            assert (refusal.code, refusal.message) == ("forbidden", "Users cannot delete conversations here.")
        await node.do(BACKEND, DeleteConversation("c"))
        await node.do(OPERATOR, DeleteConversation("d"))


async def test_the_last_member_deletes_nothing_where_only_the_backend_deletes(database: Database, clock: Clock) -> None:
    async with running(database, clock, policy=AccessPolicy(delete_conversation="service")) as node:
        await node.group("c", ALICE, BOB)
        await node.send(ALICE, "Hello")
        await node.do(ALICE, RemoveMember("c", "alice"))
        assert await node.roles("c") == {"bob": "owner"}
        await node.do(BOB, RemoveMember("c", "bob"))
        assert isinstance(node.log[-1], MemberRemoved)
        view = await node.do(BACKEND, GetConversation("c"))
        assert (view.conversation.member_count, view.conversation.owner_id, view.conversation.last_seq) == (0, None, 1)
        # A former owner is an ordinary member when the backend adds them again.
        await node.do(BACKEND, AddMembers("c", ("bob",)))
        assert await node.roles("c") == {"bob": "member"}
        assert await node.refusal(BOB, UpdateConversation("c", name="Mine")) == "forbidden"


# --- without an owner -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["group", "channel"])
async def test_conversations_of_the_backend_have_no_owner(node: Node, kind: ConversationKind) -> None:
    roles: dict[str, Any] = {"carol": "admin"}
    view = await node.do(BACKEND, CreateConversation(kind, ("alice", "bob", "carol"), id="c", roles=roles))
    assert view.conversation.owner_id is None
    assert await node.roles("c") == {"alice": "member", "bob": "member", "carol": "admin"}
    for actor in (ALICE, CAROL):
        assert await node.refusal(actor, DeleteConversation("c")) == "forbidden"
        assert await node.refusal(actor, RemoveMember("c", "bob")) == "forbidden"
        assert await node.refusal(actor, RestrictMember("c", "bob", "ban")) == "forbidden"
        assert await node.refusal(actor, UpdateMember("c", "alice", "admin")) == "forbidden"
    # The admins have their usual rights.
    await node.do(CAROL, UpdateConversation("c", name="Order 17"))
    await node.do(CAROL, RestrictMember("c", "bob", "mute"))
    await node.do(CAROL, UpdateMember("c", "carol", "member"))
    assert await node.refusal(CAROL, UpdateConversation("c", name="Order 18")) == "forbidden"
    await node.do(OPERATOR, RemoveMember("c", "bob"))
    await node.do(BACKEND, RemoveMember("c", "carol"))
    await node.do(BACKEND, DeleteConversation("c"))


async def test_a_conversation_without_an_owner_outlasts_its_members(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="c"))
    for actor in (ALICE, BOB):
        await node.do(actor, RemoveMember("c", actor.user_id))
    assert not any(isinstance(event, ConversationDeleted) for event in node.log)
    assert (await node.do(BACKEND, GetConversation("c"))).conversation.owner_id is None
    await node.do(BACKEND, AddMembers("c", ("bob",)))
    assert await node.roles("c") == {"bob": "member"}


async def test_the_backend_gives_an_ownerless_conversation_to_a_member(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="c"))
    await node.do(BACKEND, UpdateMember("c", "bob", "owner"))
    assert (await node.do(BACKEND, GetConversation("c"))).conversation.owner_id == "bob"
    await node.do(BOB, RemoveMember("c", "alice"))
    await node.do(BOB, RemoveMember("c", "bob"))
    assert isinstance(node.log[-1], ConversationDeleted)


@pytest.mark.parametrize(
    "further",
    [
        {"owner_id": "bob"},
        {"roles": {"bob": "owner"}},
        {"owner_id": "bob", "roles": {"bob": "owner"}},
        {"owner_id": "bob", "roles": {"alice": "admin"}},
    ],
)
async def test_the_backend_names_an_owner(node: Node, further: dict[str, Any]) -> None:
    view = await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="c", **further))
    assert view.conversation.owner_id == "bob"
    roles: dict[str, str] = further.get("roles", {})
    assert await node.roles("c") == {"alice": "member", "bob": "owner"} | roles


@pytest.mark.parametrize(
    ("kind", "further", "path"),
    [
        ("group", {"owner_id": "carol"}, "ownerId"),
        ("group", {"owner_id": ""}, "ownerId"),
        ("group", {"roles": {"carol": "admin"}}, "roles.carol"),
        ("group", {"roles": {"alice": "boss"}}, "roles.alice"),
        ("group", {"roles": {"alice": "owner", "bob": "owner"}}, "roles"),
        ("group", {"owner_id": "alice", "roles": {"bob": "owner"}}, "roles"),
        ("group", {"owner_id": "alice", "roles": {"alice": "admin"}}, "roles"),
        ("direct", {"owner_id": "alice"}, "ownerId"),
        ("direct", {"roles": {"alice": "admin"}}, "roles"),
    ],
)
async def test_an_owner_and_roles_have_to_fit_the_members(
    node: Node, kind: ConversationKind, further: dict[str, Any], path: str
) -> None:
    refusal = await _refused(node, BACKEND, CreateConversation(kind, ("alice", "bob"), **further))
    assert refusal.code == "invalid_request"
    assert isinstance(refusal.details, list)
    assert [place["path"] for place in refusal.details] == [path]


_OWNERS_AND_ROLES: tuple[dict[str, Any], ...] = ({"owner_id": "bob"}, {"roles": {"bob": "admin"}})


async def test_users_name_no_owner_and_no_roles(node: Node) -> None:
    await node.users(ALICE, BOB, OPERATOR)
    for actor in (ALICE, OPERATOR):
        members = (actor.user_id, "bob")
        for further in _OWNERS_AND_ROLES:
            command = CreateConversation("group", members, **further)
            assert await node.refusal(actor, command) == "forbidden"


# --- repeating a creation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["direct", "group", "channel"])
async def test_the_backend_repeats_a_creation(node: Node, kind: ConversationKind) -> None:
    first = await node.do(BACKEND, CreateConversation(kind, ("alice", "bob"), id="c"))
    again = await node.do(BACKEND, CreateConversation(kind, ("bob", "alice", "bob"), id="c"))
    assert (first.existed, again.existed, again.conversation) == (False, True, first.conversation)
    assert [view.member.user_id for view in again.members] == ["bob", "alice"]
    assert len([event for event in node.log if isinstance(event, ConversationCreated)]) == 1


async def test_a_repeated_creation_leaves_what_was_changed_since(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), "Plans", "c"))
    await node.do(BACKEND, UpdateConversation("c", name="Better plans"))
    again = await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), "Plans", "c"))
    assert (again.existed, again.name) == (True, "Better plans")


@pytest.mark.parametrize(
    ("command", "differs"),
    [
        (CreateConversation("group", ("alice",), id="c"), ["memberIds"]),
        (CreateConversation("group", ("alice", "carol"), id="c"), ["memberIds"]),
        (CreateConversation("group", ("alice", "bob", "carol"), id="c"), ["memberIds"]),
        (CreateConversation("channel", ("alice", "bob"), id="c"), ["kind"]),
        (CreateConversation("direct", ("alice", "carol"), id="c"), ["kind", "memberIds"]),
    ],
)
async def test_another_conversation_with_the_same_id_is_a_conflict(
    node: Node, command: CreateConversation, differs: list[str]
) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="c"))
    refusal = await _refused(node, BACKEND, command)
    assert (refusal.code, refusal.details) == ("conflict", {"conversationId": "c", "differs": differs})
    assert all(name in refusal.message for name in differs)


async def test_the_id_of_a_deleted_conversation_is_not_given_again(node: Node) -> None:
    command = CreateConversation("group", ("alice", "bob"), id="c")
    await node.do(BACKEND, command)
    await node.do(BACKEND, DeleteConversation("c"))
    refusal = await _refused(node, BACKEND, command)
    assert (refusal.code, refusal.details) == ("conflict", {"conversationId": "c", "differs": ["deleted"]})


async def test_a_direct_conversation_of_another_id_is_named_in_the_conflict(node: Node) -> None:
    first = await node.do(BACKEND, CreateConversation("direct", ("alice", "bob")))
    refusal = await _refused(node, BACKEND, CreateConversation("direct", ("bob", "alice"), id="d"))
    id_ = first.conversation.id
    assert (refusal.code, refusal.details) == ("conflict", {"conversationId": id_, "differs": ["id"]})
    assert id_ in refusal.message


async def test_racing_creations_with_one_id_create_one_conversation(node: Node) -> None:
    command = CreateConversation("group", ("alice", "bob"), id="c")
    views: Any = await node.in_one_batch((BACKEND, command), (BACKEND, command))
    assert [view.existed for view in views] == [False, True]


async def test_a_key_answers_a_creation_as_at_first(node: Node) -> None:
    command = CreateConversation("group", ("alice", "bob"), id="c")
    key = IdempotencyKey("backend", "POST /conversations", "1")
    views = [await node.chat.execute(BACKEND, command, key) for _ in range(2)]
    assert [(type(view), view.existed) for view in views] == [(ConversationView, False)] * 2
    # Nodes of a version without owners and roles have stored such a hash, by which a retry must be recognised.
    assert b"owner_id" not in msgspec.json.encode(command)
    assert b"roles" not in msgspec.json.encode(command)
