"""Conversations: creating, changing, deleting, listing."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.core.commands.accounts import BanUser, GetUser
from talkwire.core.commands.conversations import (
    CreateConversation,
    DeleteConversation,
    GetConversation,
    ListConversations,
    UpdateConversation,
)
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.messages import GetMessage, ListMessages, SendMessage
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.events import ConversationCreated, ConversationUpdated, TypingChanged
from talkwire.core.domain.log.positions import own_id_at
from talkwire.core.domain.model import Actor
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database

# --- direct ---------------------------------------------------------------------------------------------------------


async def test_a_direct_conversation_exists_once_for_both_members(node: Node) -> None:
    await node.users(ALICE, BOB)
    first = await node.do(ALICE, CreateConversation("direct", ("bob",)))
    again = await node.do(ALICE, CreateConversation("direct", ("alice", "bob")))
    other = await node.do(BOB, CreateConversation("direct", ("alice",)))
    backend = await node.do(BACKEND, CreateConversation("direct", ("bob", "alice")))
    ids = {view.conversation.id for view in (first, again, other, backend)}
    assert ids == {own_id_at(node.log[-1].pos)}
    assert (first.name, other.name) == ("Bob", "Alice")
    assert await node.roles(first.conversation.id) == {"alice": "member", "bob": "member"}


async def test_both_who_ask_at_once_get_the_same_direct_conversation(node: Node) -> None:
    await node.users(ALICE, BOB)
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
        await node.users(ALICE, BOB)
        first = await node.do(ALICE, CreateConversation("direct", ("bob",)))
    async with running(database, clock) as node:
        again = await node.do(BOB, CreateConversation("direct", ("alice",)))
        assert (again.conversation, again.name) == (first.conversation, "Alice")
        assert {view.name: view.member for view in again.members} == {v.name: v.member for v in first.members}


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
    await node.users(ALICE, BOB, CAROL)
    assert await node.refusal(ALICE, command) == "invalid_request"


async def test_joining_and_leaving_a_direct_conversation_are_refused(node: Node) -> None:
    view = await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="d"))
    assert view.conversation.id == "d"
    await node.users(CAROL)
    for actor in (ALICE, BACKEND, OPERATOR):
        assert await node.refusal(actor, AddMembers("d", ("carol",))) == "forbidden"
        assert await node.refusal(actor, RemoveMember("d", "alice")) == "forbidden"
    assert await node.roles("d") == {"alice": "member", "bob": "member"}


# --- groups ---------------------------------------------------------------------------------------------------------


async def test_the_creator_of_a_group_is_its_owner(node: Node) -> None:
    await node.users(ALICE, BOB)
    view = await node.do(ALICE, CreateConversation("group", ("bob", "bob"), name="Plans"))
    assert (view.name, view.conversation.owner_id, view.conversation.member_count) == ("Plans", "alice", 2)
    assert view.conversation.id == own_id_at(node.log[-1].pos)
    assert await node.roles(view.conversation.id) == {"alice": "owner", "bob": "member"}


async def test_the_backend_names_all_members_and_creates_those_who_are_unknown(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="talk-123", owner_id="alice"))
    assert await node.roles("talk-123") == {"alice": "owner", "bob": "member"}
    assert (await node.do(ALICE, GetUser("bob"))).name == "bob"
    assert await node.refusal(BACKEND, CreateConversation("group", ())) == "invalid_request"


async def test_an_id_is_given_once(node: Node) -> None:
    await node.group("c", ALICE)
    assert await node.refusal(BACKEND, CreateConversation("group", ("bob",), id="c")) == "conflict"
    assert await node.refusal(BACKEND, CreateConversation("direct", ("bob", "carol"), id="c")) == "conflict"
    assert await node.roles("c") == {"alice": "owner"}


async def test_only_the_backend_gives_ids_and_creates_users_by_naming_them(node: Node) -> None:
    await node.users(ALICE)
    for actor in (ALICE, OPERATOR):
        assert await node.refusal(actor, CreateConversation("group", (), id="mine")) == "forbidden"
        assert await node.refusal(actor, CreateConversation("group", ("nobody",))) == "invalid_request"


@pytest.mark.parametrize("given", [own_id_at(0), "me", "a b", "a/b", "", "x" * 129, "\ud800"])
async def test_generated_and_invalid_ids_are_refused(node: Node, given: str) -> None:
    assert await node.refusal(BACKEND, CreateConversation("group", ("alice",), id=given)) == "invalid_request"
    assert await node.refusal(BACKEND, CreateConversation("group", ("alice", given))) == "invalid_request"
    await node.group("c", ALICE)
    assert await node.refusal(BACKEND, AddMembers("c", (given,))) == "invalid_request"


async def test_a_user_cannot_add_unknown_users(node: Node) -> None:
    await node.group("c", ALICE)
    assert await node.refusal(ALICE, CreateConversation("group", ("nobody",))) == "invalid_request"
    assert await node.refusal(ALICE, AddMembers("c", ("nobody",))) == "invalid_request"
    assert await node.refusal(ALICE, AddMembers("c", ())) == "invalid_request"


async def test_a_banned_owner_changes_nothing(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.users(CAROL)
    await node.do(OPERATOR, BanUser("alice"))
    assert await node.refusal(ALICE, CreateConversation("group", ("bob",))) == "banned"
    assert await node.refusal(ALICE, AddMembers("c", ("carol",))) == "banned"
    assert await node.refusal(ALICE, RemoveMember("c", "bob")) == "banned"
    assert await node.refusal(ALICE, SetTyping("c", is_typing=True)) == "banned"
    assert await node.refusal(ALICE, GetConversation("c")) == "banned"


# --- channels -------------------------------------------------------------------------------------------------------


async def test_a_channel_has_the_fields_of_its_creation(node: Node) -> None:
    await node.users(ALICE, BOB)
    command = CreateConversation(
        "channel",
        ("bob",),
        name="News",
        avatar="https://example.com/news.png",
        public=True,
        history="from-join",
        slow_mode_s=30,
        metadata={"colour": "red"},
        topic="What is new",
        description="Only news.\nNo talk.",
    )
    opened = await node.do(ALICE, command)
    conversation = opened.conversation
    assert (conversation.kind, conversation.name, conversation.avatar) == ("channel", "News", command.avatar)
    assert (conversation.public, conversation.history, conversation.slow_mode_s) == (True, "from-join", 30)
    assert (conversation.metadata, conversation.owner_id) == ({"colour": "red"}, "alice")
    assert (conversation.topic, conversation.description) == ("What is new", "Only news.\nNo talk.")
    assert (opened.reader.role, opened.unread.unread_count) == ("owner", 0)
    read = await node.do(ALICE, GetConversation(conversation.id))
    assert read.conversation == conversation
    assert (read.name, read.avatar) == ("News", command.avatar)


@pytest.mark.parametrize(
    "command",
    [
        CreateConversation("direct", ("bob",), public=True),
        CreateConversation("direct", ("bob",), avatar="https://example.com/x.png"),
        CreateConversation("direct", ("bob",), slow_mode_s=1),
        CreateConversation("direct", ("bob",), history="from-join"),
        CreateConversation("group", ("bob",), name=" "),
        CreateConversation("group", ("bob",), name="x" * 201),
        CreateConversation("group", ("bob",), avatar="javascript:alert(1)"),
        CreateConversation("group", ("bob",), slow_mode_s=-1),
        CreateConversation("group", ("bob",), slow_mode_s=86_401),
        CreateConversation("group", ("bob",), metadata={"x": "y" * 4096}),
        CreateConversation("group", ("bob",), metadata={"x": "\x00"}),
        CreateConversation("direct", ("bob",), topic="x"),
        CreateConversation("direct", ("bob",), description="x"),
        CreateConversation("group", ("bob",), topic="x" * 251),
        CreateConversation("group", ("bob",), topic="two\nlines"),
        CreateConversation("group", ("bob",), topic="\x00"),
        CreateConversation("group", ("bob",), description="x" * 2001),
    ],
)
async def test_fields_that_a_kind_of_conversation_lacks_are_refused(node: Node, command: CreateConversation) -> None:
    await node.users(ALICE, BOB)
    assert await node.refusal(ALICE, command) == "invalid_request"


# --- changing -------------------------------------------------------------------------------------------------------


async def test_owner_and_admins_change_what_was_named_and_nothing_else(node: Node) -> None:
    await node.users(ALICE, BOB)
    created = await node.do(ALICE, CreateConversation("group", ("bob",), name="Plans", metadata={"a": 1}))
    id_ = created.conversation.id
    node.clock.now_ms += 1000
    view = await node.do(ALICE, UpdateConversation(id_, name="Better plans", slow_mode_s=5))
    assert (view.name, view.conversation.slow_mode_s, view.conversation.metadata) == ("Better plans", 5, {"a": 1})
    assert view.conversation.updated_ms == node.clock.now_ms
    event = node.log[-1]
    assert isinstance(event, ConversationUpdated)
    assert event.conversation == view.conversation
    await node.do(ALICE, UpdateMember(id_, "bob", "admin"))
    view = await node.do(BOB, UpdateConversation(id_, name=None, metadata=None, history="from-join"))
    read = (await node.do(ALICE, GetConversation(id_))).conversation
    assert read == view.conversation
    assert (read.name, read.metadata, read.history, read.slow_mode_s) == (None, None, "from-join", 5)


async def test_a_topic_and_a_description_are_changed_by_themselves_and_removed(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(BACKEND, UpdateMember("c", "alice", "owner"))
    await node.do(ALICE, UpdateConversation("c", topic="Today", description="Long"))
    assert await node.refusal(BOB, UpdateConversation("c", topic="Mine")) == "forbidden"
    for invalid in (" ", "a\nb", "a\u2028b", "x" * 251):
        assert await node.refusal(ALICE, UpdateConversation("c", topic=invalid)) == "invalid_request"
    await node.do(ALICE, UpdateConversation("c", name="Plans"))
    seen = (await node.do(BOB, GetConversation("c"))).conversation
    assert (seen.name, seen.topic, seen.description) == ("Plans", "Today", "Long")
    await node.do(ALICE, UpdateConversation("c", topic=None))
    seen = (await node.do(BOB, GetConversation("c"))).conversation
    assert (seen.topic, seen.description) == (None, "Long")


async def test_setting_the_current_value_records_no_event(node: Node) -> None:
    await node.group("c", ALICE)
    before = len(node.log)
    await node.do(ALICE, UpdateConversation("c"))
    await node.do(ALICE, UpdateConversation("c", name=None, slow_mode_s=0))
    assert len(node.log) == before


async def test_a_change_among_messages_of_one_batch_loses_none(node: Node) -> None:
    await node.group("c", ALICE)
    await node.in_one_batch(
        (ALICE, SendMessage("c", "1")),
        (ALICE, UpdateConversation("c", name="Plans")),
        (ALICE, SendMessage("c", "2")),
        (ALICE, UpdateConversation("c", slow_mode_s=1)),
    )
    view = await node.do(ALICE, GetConversation("c"))
    assert (view.conversation.last_seq, view.name, view.conversation.slow_mode_s) == (2, "Plans", 1)
    assert view.last_message.content == "2"
    assert (await node.send(ALICE, "3")).seq == 3


async def test_members_strangers_and_direct_pairs_change_nothing(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="d"))
    await node.users(MALLORY)
    for actor, conversation_id in ((BOB, "c"), (MALLORY, "c"), (MALLORY, "d"), (ALICE, "d"), (BACKEND, "d")):
        assert await node.refusal(actor, UpdateConversation(conversation_id, name="x")) == "forbidden"
    assert await node.refusal(ALICE, UpdateConversation("none", name="x")) == "forbidden"
    assert await node.refusal(ALICE, UpdateConversation("d", public=True)) == "forbidden"
    assert await node.refusal(ALICE, UpdateConversation("c", name="")) == "invalid_request"
    assert (await node.do(BACKEND, UpdateConversation("c", name="x"))).name == "x"


async def test_slow_mode_counts_from_the_senders_last_message(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, UpdateConversation("c", slow_mode_s=10))
    first, second = await node.in_one_batch((BOB, SendMessage("c", "1")), (BOB, SendMessage("c", "2")))
    assert (first.seq, second.code, second.details) == (1, "rate_limited", {"retryAfterMs": 10_000})
    for _ in range(3):
        await node.send(ALICE, "owners are not slowed down")
    node.clock.now_ms += 10_000
    await node.send(BOB, "3")


# --- deleting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [ALICE, BACKEND, OPERATOR])
async def test_a_deleted_conversation_cannot_be_read(node: Node, actor: Actor) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "Hello")
    await node.do(actor, DeleteConversation("c"))
    for reader in (ALICE, BOB, BACKEND, OPERATOR):
        code = "not_found" if reader.is_trusted else "forbidden"
        assert await node.refusal(reader, GetConversation("c")) == code
        assert await node.refusal(reader, ListMessages("c")) == code
        assert await node.refusal(reader, GetMessage(str(sent.id))) == code
        assert await node.refusal(reader, SendMessage("c", "x")) == code
        assert await node.refusal(reader, UpdateConversation("c", name="x")) == code
        assert await node.refusal(reader, DeleteConversation("c")) == code
        assert (await node.do(reader, ListConversations())).items == ()
    assert await node.refusal(ALICE, SetTyping("c", is_typing=True)) == "forbidden"
    assert await node.refusal(BACKEND, CreateConversation("group", ("alice",), id="c")) == "conflict"


async def test_only_an_owner_deletes_a_group_and_neither_of_two_a_direct_conversation(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, UpdateMember("c", "bob", "admin"))
    await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="d"))
    await node.users(MALLORY)
    for actor, conversation_id in ((BOB, "c"), (MALLORY, "c"), (ALICE, "d"), (BOB, "d"), (ALICE, "none")):
        assert await node.refusal(actor, DeleteConversation(conversation_id)) == "forbidden"


async def test_a_pair_whose_conversation_was_deleted_opens_another(node: Node) -> None:
    await node.users(ALICE, BOB)
    first = await node.do(ALICE, CreateConversation("direct", ("bob",)))
    await node.do(BACKEND, DeleteConversation(first.conversation.id))
    second = await node.do(BOB, CreateConversation("direct", ("alice",)))
    assert second.conversation.id != first.conversation.id
    assert await node.roles(second.conversation.id) == {"alice": "member", "bob": "member"}


async def test_commands_after_a_deletion_in_the_same_batch_are_refused(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent, deleted, late, added = await node.in_one_batch(
        (BOB, SendMessage("c", "1")),
        (ALICE, DeleteConversation("c")),
        (BOB, SendMessage("c", "2")),
        (BACKEND, AddMembers("c", ("bob",))),
    )
    assert (sent.seq, deleted, late.code, added.code) == (1, None, "forbidden", "not_found")


# --- lists ----------------------------------------------------------------------------------------------------------


async def test_a_list_has_the_conversation_with_the_newest_message_first(node: Node) -> None:
    for conversation_id in ("a", "b", "c"):
        await node.group(conversation_id, ALICE, BOB)
    await node.group("other", BOB)
    await node.send(BOB, "Hello", to="a")
    await node.do(ALICE, AddMembers("b", ("bob",)))
    await node.users(CAROL)
    await node.do(ALICE, AddMembers("b", ("carol",)))
    pages = []
    cursor = None
    while True:
        page = await node.do(ALICE, ListConversations(cursor, limit=2))
        pages.append([view.conversation.id for view in page.items])
        if page.next is None:
            break
        cursor = page.next
    assert pages == [["a", "c"], ["b"]]


async def test_a_group_whose_history_is_hidden_is_listed_where_its_new_member_has_joined(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="old", history="from-join", owner_id="alice"))
    await node.send(ALICE, "Hidden", to="old")
    for conversation_id in ("a", "b", "c"):
        await node.group(conversation_id, ALICE, BOB)
    await node.do(ALICE, AddMembers("old", ("bob",)))
    await node.send(ALICE, "Later", to="a")
    pages = []
    page = await node.do(BOB, ListConversations(limit=2))
    pages.append([view.conversation.id for view in page.items])
    pages.append([view.conversation.id for view in (await node.do(BOB, ListConversations(page.next))).items])
    assert pages == [["a", "old"], ["c", "b"]]
    assert [view.conversation.id for view in (await node.do(ALICE, ListConversations())).items][-1] == "old"


async def test_events_of_one_batch_leave_a_list_in_log_order(node: Node) -> None:
    for conversation_id in ("a", "b"):
        await node.group(conversation_id, ALICE)
    await node.users(BOB)
    await node.in_one_batch(
        (ALICE, SendMessage("a", "1")), (ALICE, SendMessage("b", "1")), (ALICE, AddMembers("a", ("bob",)))
    )
    page = await node.do(ALICE, ListConversations())
    assert [view.conversation.id for view in page.items] == ["b", "a"]
    assert [view.conversation.last_seq for view in page.items] == [1, 1]


async def test_a_list_shows_the_last_message_and_the_other_one_of_direct_ones(node: Node) -> None:
    await node.users(ALICE, BOB)
    direct = (await node.do(ALICE, CreateConversation("direct", ("bob",)))).conversation.id
    message = await node.send(ALICE, "Hello", to=direct)
    view = (await node.do(BOB, ListConversations())).items[0]
    assert (view.name, view.last_message) == ("Alice", message)
    assert [each.member.user_id for each in view.members or ()] == ["alice", "bob"]


async def test_a_list_has_the_members_of_conversations_up_to_the_requested_size(node: Node) -> None:
    await node.group("two", ALICE, BOB)
    await node.group("three", ALICE, BOB, CAROL)
    views = (await node.do(ALICE, ListConversations(members_max=2))).items
    listed = {view.conversation.id: view.members for view in views}
    assert [each.member.user_id for each in listed["two"]] == ["alice", "bob"]
    assert listed["three"] is None


async def test_a_list_has_the_readers_unread_counts(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="d"))
    await node.send(ALICE, "1")
    await node.send(ALICE, "1", to="d")
    await node.send(ALICE, "2", to="d")
    for actor, unread in ((ALICE, {"c": 0, "d": 0}), (BOB, {"c": 1, "d": 2})):
        views = (await node.do(actor, ListConversations())).items
        assert {view.conversation.id: view.unread.unread_count for view in views} == unread
        assert {view.reader.user_id for view in views} == {actor.user_id}
    everything = await node.do(OPERATOR, ListConversations(of_everybody=True))
    assert {view.unread for view in everything.items} == {None}
    again = await node.do(BOB, CreateConversation("direct", ("alice",)))
    assert (again.unread.unread_count, again.last_message.content) == (2, "2")


async def test_the_backend_lists_all_conversations_and_users_only_theirs(node: Node) -> None:
    await node.group("a", ALICE)
    await node.group("b", BOB)
    for actor in (OPERATOR, BACKEND):
        everything = await node.do(actor, ListConversations(of_everybody=True))
        assert [view.conversation.id for view in everything.items] == ["a", "b"]
    assert [view.conversation.id for view in (await node.do(ALICE, ListConversations())).items] == ["a"]
    assert (await node.do(MALLORY, ListConversations())).items == ()
    assert await node.refusal(ALICE, ListConversations("x")) == "invalid_request"


# --- typing ---------------------------------------------------------------------------------------------------------


async def test_typing_of_a_member_is_sent_until_they_are_removed(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(BOB, SetTyping("c", is_typing=True, source="socket"))
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert [event for event in node.events if isinstance(event, TypingChanged)] == [
        TypingChanged("c", "bob", "Bob", is_typing=True),
        TypingChanged("c", "bob", "Bob", is_typing=False),
    ]
    assert await node.refusal(BOB, SetTyping("c", is_typing=True)) == "forbidden"
    assert await node.refusal(MALLORY, SetTyping("c", is_typing=True)) == "forbidden"


async def test_a_closed_socket_stops_typing(node: Node) -> None:
    await node.group("c", ALICE)
    node.chat.directory.hold("alice", await node.chat.directory.find("alice"))
    for socket_id in ("socket", "another"):
        node.chat.signals.connected("alice", socket_id)
    await node.do(ALICE, SetTyping("c", is_typing=True, source="socket"))
    node.chat.signals.disconnected("alice", "another")
    assert node.events[-1] == TypingChanged("c", "alice", "Alice", is_typing=True)
    node.chat.signals.disconnected("alice", "socket")
    assert node.events[-1] == TypingChanged("c", "alice", "Alice", is_typing=False)
