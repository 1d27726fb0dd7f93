"""Conversations that every new user joins."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import structlog

from talkwire.core.commands.accounts import BanUser, EnsureUser, RegisterAccount
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, ListConversations
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.messages import ListMessages
from talkwire.core.commands.sync import ListEvents
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.events import MemberAdded
from talkwire.core.domain.model import Actor
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Clock, Node, running
from tests.databases import Database

POLICY = AccessPolicy(default_conversations=("general", "news", "missing", "general"))


@pytest.fixture
async def welcoming(database: Database, clock: Clock) -> AsyncIterator[Node]:
    """A node with a public group and a channel that new users join, and one default conversation that does not
    exist."""
    async with running(database, clock, policy=POLICY) as node:
        await node.do(BACKEND, CreateConversation("group", ("ann",), "General", "general", public=True))
        await node.do(BACKEND, CreateConversation("channel", ("ann",), "News", "news", history="from-join"))
        yield node


async def _ids_of(node: Node, actor: Actor) -> set[str]:
    page = await node.do(actor, ListConversations())
    return {view.conversation.id for view in page.items}


def _joined(node: Node) -> list[tuple[str, list[str]]]:
    added = (event for event in node.log if isinstance(event, MemberAdded))
    return [(event.conversation_id, [member.user_id for member in event.members]) for event in added]


async def test_a_user_of_a_token_joins_at_first_sight(welcoming: Node) -> None:
    await welcoming.users(ALICE, BOB)
    assert await _ids_of(welcoming, ALICE) == {"general", "news"}
    assert _joined(welcoming) == [("general", ["alice"]), ("news", ["alice"]), ("general", ["bob"]), ("news", ["bob"])]
    assert await welcoming.roles("general") == {"ann": "member", "alice": "member", "bob": "member"}
    # A user who leaves and comes back does not join again.
    await welcoming.do(ALICE, RemoveMember("general", "alice"))
    await welcoming.users(ALICE)
    assert await _ids_of(welcoming, ALICE) == {"news"}


async def test_members_are_notified_as_of_any_join(welcoming: Node) -> None:
    await welcoming.users(ALICE)
    cursor = welcoming.chat.cursor
    await welcoming.users(BOB)
    page = await welcoming.do(ALICE, ListEvents(cursor))
    assert [(type(event), event.conversation_id) for event in page.events] == [
        (MemberAdded, "general"),
        (MemberAdded, "news"),
    ]


async def test_a_registered_user_and_one_that_the_backend_creates_join(welcoming: Node) -> None:
    user = await welcoming.do(OPERATOR, RegisterAccount("dan@example.com", "Dan", "hash", "dan"))
    await welcoming.do(BACKEND, CreateConversation("direct", ("dan", "eve")))
    assert set(await welcoming.roles("general")) == {"ann", user.id, "eve"}


async def test_a_user_that_is_created_by_adding_them_to_a_default_conversation_joins_once(welcoming: Node) -> None:
    await welcoming.do(BACKEND, AddMembers("general", ("dan",)))
    assert _joined(welcoming) == [("general", ["dan"]), ("news", ["dan"])]


async def test_the_backend_itself_joins_nothing(welcoming: Node) -> None:
    await welcoming.do(BACKEND, EnsureUser("backend", "Backend"))
    assert _joined(welcoming) == []


async def test_many_new_users_join_by_one_event(welcoming: Node) -> None:
    actors = [Actor(f"user{number}", f"User {number}") for number in range(50)]
    with welcoming.statements() as transactions:
        await welcoming.in_one_batch(*((actor, EnsureUser(actor.user_id, actor.name)) for actor in actors))
    ids = [actor.user_id for actor in actors]
    assert _joined(welcoming) == [("general", ids), ("news", ids)]
    joins = [statement for statement in transactions[-1] if "INTO members" in statement]
    assert len(joins) == 2


async def test_a_new_members_history_follows_the_conversations_setting(welcoming: Node) -> None:
    ann = Actor("ann", "Ann")
    await welcoming.do(BACKEND, UpdateMember("news", "ann", "admin"))
    for conversation in ("general", "news"):
        await welcoming.send(ann, "Before", to=conversation)
    await welcoming.users(ALICE)
    for conversation, seen in (("general", ["Before"]), ("news", [])):
        page = await welcoming.do(ALICE, ListMessages(conversation))
        assert [message.content for message in page.items] == seen
    listed = await welcoming.do(ALICE, ListConversations())
    assert [view.unread.unread_count for view in listed.items] == [0, 0]


async def test_a_missing_direct_or_deleted_conversation_is_skipped_with_one_warning(
    database: Database, clock: Clock
) -> None:
    policy = AccessPolicy(default_conversations=("missing", "pair", "gone", "late"))
    with structlog.testing.capture_logs() as logs:
        async with running(database, clock, policy=policy) as node:
            await node.do(BACKEND, CreateConversation("direct", ("ann", "zoe"), id="pair"))
            await node.group("gone", ALICE)
            await node.do(BACKEND, DeleteConversation("gone"))
            await node.users(BOB, CAROL)
            assert await _ids_of(node, BOB) == set()
            # Users who come once the conversation exists join it.
            await node.group("late", CAROL)
            await node.do(Actor("dan", "Dan"), EnsureUser("dan", "Dan"))
            assert await node.roles("late") == {"carol": "owner", "dan": "member"}
    warned = [entry for entry in logs if entry["event"] == "default_conversation_missing"]
    assert sorted(entry["conversation_id"] for entry in warned) == ["gone", "late", "missing", "pair"]
    assert {entry["log_level"] for entry in warned} == {"warning"}


async def test_users_from_before_the_setting_do_not_join(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.users(ALICE)
    async with running(database, clock, policy=POLICY) as node:
        await node.do(BACKEND, CreateConversation("group", ("ann",), "General", "general"))
        await node.users(ALICE)
        assert await _ids_of(node, ALICE) == set()


async def test_a_banned_user_is_not_added(welcoming: Node) -> None:
    await welcoming.users(ALICE)
    await welcoming.do(OPERATOR, BanUser("alice"))
    await welcoming.users(ALICE)
    assert _joined(welcoming) == [("general", ["alice"]), ("news", ["alice"])]
