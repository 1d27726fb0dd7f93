"""Conversations and who is in them."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.core.commands.accounts import BanUser, EnsureUser, GetUser
from talkwire.core.commands.conversations import (
    AddMembers,
    CreateConversation,
    GetConversation,
    ListConversations,
    RemoveMember,
)
from talkwire.core.commands.messages import ListMessages, SendMessage
from talkwire.core.commands.typing import SetTyping
from talkwire.core.events import ConversationCreated, TypingChanged
from talkwire.core.model import OWN_ID_BASE, Actor, Member
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database


async def _users(node: Node, *actors: Actor) -> None:
    for actor in actors:
        await node.do(actor, EnsureUser(actor.user_id, actor.name))


async def _members(node: Node, conversation_id: str) -> dict[str, str]:
    view = await node.do(BACKEND, GetConversation(conversation_id))
    assert view.conversation.member_count == len(view.members)
    return {member.member.user_id: member.member.role for member in view.members}


# --- direct ---------------------------------------------------------------------------------------------------------


async def test_a_direct_conversation_exists_once_whoever_asks(node: Node) -> None:
    await _users(node, ALICE, BOB)
    first = await node.do(ALICE, CreateConversation("direct", ("bob",)))
    again = await node.do(ALICE, CreateConversation("direct", ("alice", "bob")))
    other = await node.do(BOB, CreateConversation("direct", ("alice",)))
    backend = await node.do(BACKEND, CreateConversation("direct", ("bob", "alice")))
    ids = {view.conversation.id for view in (first, again, other, backend)}
    assert ids == {str(OWN_ID_BASE + node.log[-1].pos)}
    assert (first.name, other.name) == ("Bob", "Alice")
    assert await _members(node, first.conversation.id) == {"alice": "member", "bob": "member"}


async def test_both_who_ask_at_once_get_the_same_direct_conversation(node: Node) -> None:
    await _users(node, ALICE, BOB)
    views = await node.in_one_batch(
        (ALICE, CreateConversation("direct", ("bob",))), (BOB, CreateConversation("direct", ("alice",)))
    )
    assert views[0].conversation == views[1].conversation
    racing = await asyncio.gather(
        *(node.do(BACKEND, CreateConversation("direct", ("carol", "mallory"))) for _ in range(10))
    )
    assert len({view.conversation.id for view in racing}) == 1
    assert len([event for event in node.log if isinstance(event, ConversationCreated)]) == 2


async def test_a_direct_conversation_survives_a_restart(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await _users(node, ALICE, BOB)
        first = await node.do(ALICE, CreateConversation("direct", ("bob",)))
    async with running(database, clock) as node:
        assert await node.do(BOB, CreateConversation("direct", ("alice",))) == first.__class__(
            first.conversation, "Alice", None, None, tuple(reversed(first.members))
        )


@pytest.mark.parametrize(
    "command",
    [
        CreateConversation("direct", ()),
        CreateConversation("direct", ("alice",)),
        CreateConversation("direct", ("bob", "carol")),
        CreateConversation("direct", ("bob",), name="Us"),
        CreateConversation("direct", ("nobody",)),
    ],
)
async def test_a_direct_conversation_has_exactly_two_members_and_no_name(
    node: Node, command: CreateConversation
) -> None:
    await _users(node, ALICE, BOB, CAROL)
    assert await node.refusal(ALICE, command) == "invalid_request"


async def test_nobody_joins_or_leaves_a_direct_conversation(node: Node) -> None:
    view = await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="d"))
    assert view.conversation.id == "d"
    await _users(node, CAROL)
    for actor in (ALICE, BACKEND, OPERATOR):
        assert await node.refusal(actor, AddMembers("d", ("carol",))) == "forbidden"
        assert await node.refusal(actor, RemoveMember("d", "alice")) == "forbidden"
    assert await _members(node, "d") == {"alice": "member", "bob": "member"}


# --- groups ---------------------------------------------------------------------------------------------------------


async def test_who_opens_a_group_owns_it_and_is_in_it(node: Node) -> None:
    await _users(node, ALICE, BOB)
    view = await node.do(ALICE, CreateConversation("group", ("bob", "bob"), name="Plans"))
    assert (view.name, view.conversation.owner_id, view.conversation.member_count) == ("Plans", "alice", 2)
    assert view.conversation.id == str(OWN_ID_BASE + node.log[-1].pos)
    assert await _members(node, view.conversation.id) == {"alice": "owner", "bob": "member"}


async def test_the_backend_names_all_members_and_creates_those_who_are_unknown(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="talk-123"))
    assert await _members(node, "talk-123") == {"alice": "owner", "bob": "member"}
    assert (await node.do(ALICE, GetUser("bob"))).name == "bob"
    assert await node.refusal(BACKEND, CreateConversation("group", ())) == "invalid_request"


async def test_an_id_is_given_once(node: Node) -> None:
    await node.group("c", ALICE)
    assert await node.refusal(BACKEND, CreateConversation("group", ("bob",), id="c")) == "conflict"
    assert await node.refusal(BACKEND, CreateConversation("direct", ("bob", "carol"), id="c")) == "conflict"
    assert await _members(node, "c") == {"alice": "owner"}


async def test_only_the_backend_and_operators_give_ids(node: Node) -> None:
    await _users(node, ALICE)
    assert await node.refusal(ALICE, CreateConversation("group", (), id="mine")) == "forbidden"
    assert (await node.do(OPERATOR, CreateConversation("group", ("alice",), id="o"))).conversation.id == "o"


@pytest.mark.parametrize("given", [str(OWN_ID_BASE), "me", "a b", "a/b", "", "x" * 129, "\ud800"])
async def test_nobody_gives_an_id_of_ours_or_one_that_is_none(node: Node, given: str) -> None:
    assert await node.refusal(BACKEND, CreateConversation("group", ("alice",), id=given)) == "invalid_request"
    assert await node.refusal(BACKEND, CreateConversation("group", ("alice", given))) == "invalid_request"
    await node.group("c", ALICE)
    assert await node.refusal(BACKEND, AddMembers("c", (given,))) == "invalid_request"


async def test_a_user_cannot_add_whom_nobody_knows(node: Node) -> None:
    await node.group("c", ALICE)
    assert await node.refusal(ALICE, CreateConversation("group", ("nobody",))) == "invalid_request"
    assert await node.refusal(ALICE, AddMembers("c", ("nobody",))) == "invalid_request"
    assert await node.refusal(ALICE, AddMembers("c", ())) == "invalid_request"


async def test_members_are_added_once(node: Node) -> None:
    await node.group("c", ALICE)
    await _users(node, BOB, CAROL)
    first = await node.do(ALICE, AddMembers("c", ("bob", "alice", "bob")))
    second = await node.do(ALICE, AddMembers("c", ("bob", "carol")))
    third = await node.do(ALICE, AddMembers("c", ("bob", "carol")))
    assert [member.user_id for member in (*first, *second, *third)] == ["bob", "carol"]
    assert await _members(node, "c") == {"alice": "owner", "bob": "member", "carol": "member"}


async def test_a_member_who_was_added_writes_at_once(node: Node) -> None:
    await node.group("c", ALICE)
    await _users(node, BOB)
    _, message = await node.in_one_batch((ALICE, AddMembers("c", ("bob",))), (BOB, SendMessage("c", "Hello")))
    assert (message.seq, message.sender_id) == (1, "bob")


async def test_members_leave_by_themselves_and_come_back(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(BOB, RemoveMember("c", "bob"))
    assert await _members(node, "c") == {"alice": "owner"}
    assert await node.refusal(BOB, RemoveMember("c", "bob")) == "forbidden"
    added = await node.do(ALICE, AddMembers("c", ("bob",)))
    assert added == (Member("c", "bob", "member", node.clock.now_ms),)
    assert (await node.send(BOB, "back")).seq == 1


async def test_ordinary_members_and_strangers_change_no_members(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await _users(node, CAROL, MALLORY)
    for actor in (BOB, MALLORY):
        assert await node.refusal(actor, AddMembers("c", ("carol",))) == "forbidden"
        assert await node.refusal(actor, RemoveMember("c", "alice")) == "forbidden"
        assert await node.refusal(actor, RemoveMember("none", "alice")) == "forbidden"
        assert await node.refusal(actor, AddMembers("none", ("carol",))) == "forbidden"
    assert await node.refusal(MALLORY, GetConversation("c")) == "forbidden"
    assert await node.refusal(MALLORY, GetConversation("none")) == "forbidden"


async def test_the_backend_learns_that_a_user_is_no_member(node: Node) -> None:
    await node.group("c", ALICE)
    assert await node.refusal(BACKEND, RemoveMember("c", "bob")) == "not_found"
    assert await node.refusal(ALICE, RemoveMember("c", "bob")) == "forbidden"


async def test_a_banned_owner_changes_nothing(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await _users(node, CAROL)
    await node.do(OPERATOR, BanUser("alice"))
    assert await node.refusal(ALICE, CreateConversation("group", ("bob",))) == "banned"
    assert await node.refusal(ALICE, AddMembers("c", ("carol",))) == "banned"
    assert await node.refusal(ALICE, RemoveMember("c", "bob")) == "banned"
    assert await node.refusal(ALICE, SetTyping("c", is_typing=True)) == "banned"
    assert await node.refusal(ALICE, GetConversation("c")) == "banned"


# --- lists ----------------------------------------------------------------------------------------------------------


async def test_a_list_has_the_conversation_with_the_newest_event_first(node: Node) -> None:
    for conversation_id in ("a", "b", "c"):
        await node.group(conversation_id, ALICE, BOB)
    await node.group("other", BOB)
    await node.send(BOB, "Hello", to="a")
    await node.do(ALICE, AddMembers("b", ("bob",)))
    await _users(node, CAROL)
    await node.do(ALICE, AddMembers("b", ("carol",)))
    pages = []
    cursor = None
    while True:
        page = await node.do(ALICE, ListConversations(cursor, limit=2))
        pages.append([view.conversation.id for view in page.items])
        if page.next is None:
            break
        cursor = page.next
    assert pages == [["b", "a"], ["c"]]


async def test_events_of_one_batch_leave_a_list_in_log_order(node: Node) -> None:
    for conversation_id in ("a", "b"):
        await node.group(conversation_id, ALICE)
    await _users(node, BOB)
    await node.in_one_batch(
        (ALICE, SendMessage("a", "1")), (ALICE, SendMessage("b", "1")), (ALICE, AddMembers("a", ("bob",)))
    )
    page = await node.do(ALICE, ListConversations())
    assert [view.conversation.id for view in page.items] == ["a", "b"]
    assert [view.conversation.last_seq for view in page.items] == [1, 1]


async def test_a_list_shows_the_last_message_and_names_direct_ones_after_the_other(node: Node) -> None:
    await _users(node, ALICE, BOB)
    direct = (await node.do(ALICE, CreateConversation("direct", ("bob",)))).conversation.id
    message = await node.send(ALICE, "Hello", to=direct)
    view = (await node.do(BOB, ListConversations())).items[0]
    assert (view.name, view.last_message, view.members) == ("Alice", message, None)


async def test_an_operator_lists_all_conversations_and_others_only_theirs(node: Node) -> None:
    await node.group("a", ALICE)
    await node.group("b", BOB)
    everything = await node.do(OPERATOR, ListConversations())
    assert [view.conversation.id for view in everything.items] == ["b", "a"]
    assert [view.conversation.id for view in (await node.do(ALICE, ListConversations())).items] == ["a"]
    assert (await node.do(MALLORY, ListConversations())).items == ()
    assert await node.refusal(ALICE, ListConversations("x")) == "invalid_request"


# --- typing ---------------------------------------------------------------------------------------------------------


async def test_a_member_who_types_is_heard_until_they_are_removed(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(BOB, SetTyping("c", is_typing=True, source="socket"))
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert [event for event in node.events if isinstance(event, TypingChanged)] == [
        TypingChanged("c", "bob", "Bob", is_typing=True),
        TypingChanged("c", "bob", "Bob", is_typing=False),
    ]
    assert await node.refusal(BOB, SetTyping("c", is_typing=True)) == "forbidden"
    assert await node.refusal(MALLORY, SetTyping("c", is_typing=True)) == "forbidden"


async def test_a_socket_that_goes_stops_typing(node: Node) -> None:
    await node.group("c", ALICE)
    await node.do(ALICE, SetTyping("c", is_typing=True, source="socket"))
    node.chat.source_gone("another")
    assert node.events[-1] == TypingChanged("c", "alice", "Alice", is_typing=True)
    node.chat.source_gone("socket")
    assert node.events[-1] == TypingChanged("c", "alice", "Alice", is_typing=False)


async def test_history_is_readable_for_who_was_added_later(node: Node) -> None:
    await node.group("c", ALICE)
    sent = await node.send(ALICE, "Hello")
    await _users(node, BOB)
    await node.do(ALICE, AddMembers("c", ("bob",)))
    assert (await node.do(BOB, ListMessages("c"))).items == (sent,)
