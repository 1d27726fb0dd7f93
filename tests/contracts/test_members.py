"""Members of a conversation and their roles."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from talkwire.core.commands.accounts import BanUser, EnsureUser
from talkwire.core.commands.conversations import (
    CreateConversation,
    DeleteConversation,
    GetConversation,
    ListConversations,
    UpdateConversation,
)
from talkwire.core.commands.members import AddMembers, RemovedMember, RemoveMember, UpdateMember
from talkwire.core.commands.messages import ListMessages, SendMessage
from talkwire.core.domain.events import ConversationDeleted, MemberAdded, MemberRemoved, MemberUpdated, UserCreated
from talkwire.core.domain.model import Member
from talkwire.storage.schema import spans
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Node
from tests.databases import Database

# --- adding and leaving ---------------------------------------------------------------------------------------------


async def test_members_are_added_once(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(BOB, CAROL)
    first = (await node.do(ALICE, AddMembers("c", ("bob", "alice", "bob")))).members
    second = (await node.do(ALICE, AddMembers("c", ("bob", "carol")))).members
    third = (await node.do(ALICE, AddMembers("c", ("bob", "carol")))).members
    assert [member.user_id for member in (*first, *second, *third)] == ["bob", "carol"]
    assert await node.roles("c") == {"alice": "owner", "bob": "member", "carol": "member"}


async def test_a_member_who_was_added_writes_at_once(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(BOB)
    _, message = await node.in_one_batch((ALICE, AddMembers("c", ("bob",))), (BOB, SendMessage("c", "Hello")))
    assert (message.seq, message.sender_id) == (1, "bob")


async def test_members_leave_by_themselves_and_come_back(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(BOB, RemoveMember("c", "bob"))
    assert await node.roles("c") == {"alice": "owner"}
    assert await node.refusal(BOB, RemoveMember("c", "bob")) == "forbidden"
    added = (await node.do(ALICE, AddMembers("c", ("bob",)))).members
    assert added == (Member("c", "bob", "member", node.clock.now_ms),)
    assert (await node.send(BOB, "back")).seq == 1


async def test_ordinary_members_and_strangers_change_no_members(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.users(CAROL, MALLORY)
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


async def test_history_is_readable_for_later_members(node: Node) -> None:
    await node.group("c", ALICE)
    sent = await node.send(ALICE, "Hello")
    await node.users(BOB)
    await node.do(ALICE, AddMembers("c", ("bob",)))
    assert (await node.do(BOB, ListMessages("c"))).items == (sent,)


async def test_a_message_of_a_member_removed_in_the_same_batch_is_refused(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(BOB)
    added, sent, removed, refused = await node.in_one_batch(
        (ALICE, AddMembers("c", ("bob",))),
        (BOB, SendMessage("c", "in time")),
        (ALICE, RemoveMember("c", "bob")),
        (BOB, SendMessage("c", "too late")),
    )
    assert ([member.user_id for member in added.members], sent.seq, removed) == (["bob"], 1, RemovedMember())
    assert refused.code == "forbidden"
    assert await node.roles("c") == {"alice": "owner"}


async def test_a_new_member_has_nothing_unread(node: Node) -> None:
    await node.group("c", ALICE)
    for number in range(3):
        await node.send(ALICE, str(number))
    await node.users(BOB)
    (member,) = (await node.do(ALICE, AddMembers("c", ("bob",)))).members
    assert (member.read_seq, member.delivered_seq, member.history_seq) == (3, 3, 0)
    await node.send(ALICE, "news")
    view = (await node.do(BOB, ListConversations())).items[0]
    assert (view.unread.unread_count, view.unread.mention_count, view.reader.read_seq) == (1, 0, 3)
    assert (await node.do(ALICE, GetConversation("c"))).unread.unread_count == 0


async def test_a_new_member_sees_no_earlier_messages_where_history_starts_with_joining(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="c", history="from-join", owner_id="alice"))
    await node.send(ALICE, "before")
    await node.users(BOB)
    (member,) = (await node.do(ALICE, AddMembers("c", ("bob",)))).members
    assert (member.history_seq, member.read_seq) == (1, 1)
    assert (await node.do(BOB, GetConversation("c"))).last_message is None
    assert (await node.do(BOB, ListConversations())).items[0].last_message is None
    assert (await node.do(ALICE, ListConversations())).items[0].last_message.content == "before"
    sent = await node.send(ALICE, "after")
    assert (await node.do(BOB, GetConversation("c"))).last_message == sent
    assert (await node.do(BACKEND, GetConversation("c"))).last_message == sent


async def test_the_backend_creates_many_unknown_users_by_few_statements(node: Node) -> None:
    await node.group("c", ALICE)
    with node.statements() as transactions:
        await node.do(BACKEND, AddMembers("c", tuple(f"user{number}" for number in range(500))))
    assert len(transactions[-1]) < 20
    assert len(await node.roles("c")) == 501
    assert len([event for event in node.log if isinstance(event, UserCreated)]) == 501


async def test_a_user_who_was_created_in_the_same_batch_sends_and_is_named(node: Node) -> None:
    await node.group("c", ALICE)
    _, sent, user = await node.in_one_batch(
        (BACKEND, AddMembers("c", ("bob",))),
        (BOB, SendMessage("c", "Hello", "m1")),
        (BOB, EnsureUser("bob", "Bob")),
    )
    assert (sent.sender_id, user.name) == ("bob", "Bob")
    (message,) = (await node.do(ALICE, ListMessages("c"))).items
    assert (message.content, message.sender_name) == ("Hello", "Bob")


async def test_each_period_of_membership_is_kept(node: Node, database: Database) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(BOB, RemoveMember("c", "bob"))
    left = node.log[-1].pos
    await node.do(ALICE, AddMembers("c", ("bob",)))
    joined = node.log[-1].pos
    with database.engine() as engine, engine.connect() as connection:
        rows = connection.execute(
            select(spans.c.from_pos, spans.c.to_pos).where(spans.c.user_id == "bob").order_by(spans.c.from_pos)
        ).all()
    assert [tuple(row) for row in rows] == [(3, left), (joined, None)]


# --- channels -------------------------------------------------------------------------------------------------------


async def _channel(node: Node, *, public: bool = True) -> None:
    await node.do(
        BACKEND, CreateConversation("channel", ("alice",), id="c", name="News", public=public, owner_id="alice")
    )
    await node.users(BOB, CAROL)


async def test_a_public_channel_is_joined_by_adding_oneself(node: Node) -> None:
    await _channel(node)
    (joined,) = (await node.do(BOB, AddMembers("c", ("bob",)))).members
    assert (joined.user_id, joined.role) == ("bob", "member")
    assert (await node.do(BOB, AddMembers("c", ("bob",)))).members == ()
    assert await node.refusal(CAROL, AddMembers("c", ("carol", "mallory"))) == "forbidden"
    assert await node.refusal(BOB, AddMembers("c", ("carol",))) == "forbidden"
    await node.do(BOB, RemoveMember("c", "bob"))
    assert await node.roles("c") == {"alice": "owner"}


async def test_users_cannot_join_a_private_conversation_themselves(node: Node) -> None:
    await _channel(node, public=False)
    await node.group("g", ALICE)
    for conversation_id in ("c", "g", "none"):
        assert await node.refusal(BOB, AddMembers(conversation_id, ("bob",))) == "forbidden"
    await node.do(ALICE, UpdateConversation("c", public=True))
    assert len((await node.do(BOB, AddMembers("c", ("bob",)))).members) == 1


async def test_in_a_channel_only_owner_and_admins_write(node: Node) -> None:
    await _channel(node)
    await node.do(BOB, AddMembers("c", ("bob",)))
    await node.send(ALICE, "Hello")
    assert await node.refusal(BOB, SendMessage("c", "Hello")) == "forbidden"
    assert len((await node.do(BOB, ListMessages("c"))).items) == 1
    await node.do(ALICE, UpdateMember("c", "bob", "admin"))
    assert (await node.send(BOB, "Hello")).seq == 2


async def test_two_who_join_at_once_are_both_in(node: Node) -> None:
    await _channel(node)
    for added in await node.in_one_batch((BOB, AddMembers("c", ("bob",))), (CAROL, AddMembers("c", ("carol",)))):
        assert len(added.members) == 1
    twice = await asyncio.gather(
        *(node.do(MALLORY, AddMembers("c", ("mallory",))) for _ in range(5)), return_exceptions=True
    )
    assert {getattr(error, "code", None) for error in twice} == {"forbidden"}
    await node.users(MALLORY)
    results = await asyncio.gather(*(node.do(MALLORY, AddMembers("c", ("mallory",))) for _ in range(5)))
    assert sorted(len(each.members) for each in results) == [0, 0, 0, 0, 1]
    assert set(await node.roles("c")) == {"alice", "bob", "carol", "mallory"}


# --- roles ----------------------------------------------------------------------------------------------------------


async def test_an_owner_appoints_admins_and_transfers_ownership(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    view = await node.do(ALICE, UpdateMember("c", "bob", "admin"))
    assert (view.member.role, view.name) == ("admin", "bob")
    assert await node.refusal(BOB, UpdateMember("c", "carol", "admin")) == "forbidden"
    await node.do(ALICE, UpdateMember("c", "bob", "owner"))
    assert await node.roles("c") == {"alice": "admin", "bob": "owner", "carol": "member"}
    assert (await node.do(CAROL, GetConversation("c"))).conversation.owner_id == "bob"
    assert await node.refusal(ALICE, UpdateMember("c", "carol", "admin")) == "forbidden"
    await node.do(ALICE, UpdateMember("c", "alice", "member"))
    assert await node.roles("c") == {"alice": "member", "bob": "owner", "carol": "member"}


async def test_giving_a_member_their_current_role_records_no_event(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    before = len(node.log)
    await node.do(ALICE, UpdateMember("c", "bob", "member"))
    await node.do(ALICE, UpdateMember("c", "alice", "owner"))
    assert len(node.log) == before


async def test_the_backend_and_operators_give_roles_too(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(BACKEND, UpdateMember("c", "bob", "owner"))
    assert await node.roles("c") == {"alice": "admin", "bob": "owner"}
    await node.do(OPERATOR, UpdateMember("c", "alice", "member"))
    assert await node.refusal(BACKEND, UpdateMember("c", "bob", "admin")) == "invalid_request"
    assert await node.refusal(BACKEND, UpdateMember("c", "carol", "admin")) == "not_found"
    assert await node.refusal(BACKEND, UpdateMember("none", "carol", "admin")) == "not_found"
    assert await node.roles("c") == {"alice": "member", "bob": "owner"}


async def test_giving_a_role_in_a_direct_conversation_is_refused(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="d"))
    for actor in (ALICE, BACKEND, OPERATOR):
        assert await node.refusal(actor, UpdateMember("d", "bob", "admin")) == "forbidden"


async def test_an_admin_removes_ordinary_members_only(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    await node.users(MALLORY)
    await node.do(ALICE, AddMembers("c", ("mallory",)))
    await node.do(ALICE, UpdateMember("c", "bob", "admin"))
    await node.do(ALICE, UpdateMember("c", "carol", "admin"))
    assert await node.refusal(BOB, RemoveMember("c", "alice")) == "forbidden"
    assert await node.refusal(BOB, RemoveMember("c", "carol")) == "forbidden"
    await node.do(BOB, RemoveMember("c", "mallory"))
    await node.do(ALICE, RemoveMember("c", "carol"))
    assert await node.roles("c") == {"alice": "owner", "bob": "admin"}
    removed = [(event.user_id, event.by) for event in node.log if isinstance(event, MemberRemoved)]
    assert removed == [("mallory", "bob"), ("carol", "alice")]


async def test_an_owner_who_leaves_is_followed_by_the_oldest_admin(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.users(CAROL)
    node.clock.now_ms += 1000
    await node.do(ALICE, AddMembers("c", ("carol",)))
    await node.do(ALICE, UpdateMember("c", "carol", "admin"))
    await node.do(ALICE, RemoveMember("c", "alice"))
    assert await node.roles("c") == {"bob": "member", "carol": "owner"}
    assert (await node.do(BOB, GetConversation("c"))).conversation.owner_id == "carol"
    removed, updated = node.log[-2:]
    assert (type(removed), type(updated)) == (MemberRemoved, MemberUpdated)
    await node.do(BACKEND, RemoveMember("c", "carol"))
    assert await node.roles("c") == {"bob": "owner"}


async def test_a_member_who_joined_in_the_same_batch_inherits_ownership(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(BOB)
    _, left, sent = await node.in_one_batch(
        (ALICE, AddMembers("c", ("bob",))),
        (ALICE, RemoveMember("c", "alice")),
        (BOB, SendMessage("c", "mine now")),
    )
    assert (left, sent.seq) == (RemovedMember(), 1)
    assert await node.roles("c") == {"bob": "owner"}


async def test_the_last_one_who_leaves_deletes_the_conversation(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, RemoveMember("c", "alice"))
    assert await node.roles("c") == {"bob": "owner"}
    await node.do(BOB, RemoveMember("c", "bob"))
    assert [type(event) for event in node.log[-2:]] == [MemberRemoved, ConversationDeleted]
    assert (await node.do(OPERATOR, ListConversations(of_everybody=True))).items == ()
    for actor in (ALICE, BACKEND, OPERATOR):
        code = "not_found" if actor.is_trusted else "forbidden"
        assert await node.refusal(actor, GetConversation("c")) == code
        assert await node.refusal(actor, AddMembers("c", ("alice",))) == code
        assert await node.refusal(actor, DeleteConversation("c")) == code
    assert await node.refusal(BACKEND, CreateConversation("group", ("alice",), id="c")) == "conflict"


async def test_a_conversation_ends_when_both_members_leave_at_once(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    both = (ALICE, RemoveMember("c", "alice")), (BOB, RemoveMember("c", "bob"))
    assert await node.in_one_batch(*both) == [RemovedMember(), RemovedMember()]
    kinds = [type(event) for event in node.log[-4:]]
    assert kinds == [MemberRemoved, MemberUpdated, MemberRemoved, ConversationDeleted]
    assert await node.refusal(BOB, SendMessage("c", "x")) == "forbidden"


async def test_a_banned_admin_does_nothing(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    await node.do(ALICE, UpdateMember("c", "bob", "admin"))
    await node.do(OPERATOR, BanUser("bob"))
    assert await node.refusal(BOB, RemoveMember("c", "carol")) == "banned"
    assert await node.refusal(BOB, UpdateMember("c", "bob", "member")) == "banned"


async def test_one_event_lists_all_added_members(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(BOB, CAROL)
    await node.do(ALICE, AddMembers("c", ("bob", "carol")))
    event = node.log[-1]
    assert isinstance(event, MemberAdded)
    assert [member.user_id for member in event.members] == ["bob", "carol"]
