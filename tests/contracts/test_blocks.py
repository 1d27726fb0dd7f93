"""Blocks prevent direct messages in both directions."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.core.commands.accounts import BanUser
from talkwire.core.commands.blocks import BlockUser, ListBlocked, UnblockUser
from talkwire.core.commands.conversations import CreateConversation, GetConversation
from talkwire.core.commands.members import AddMembers
from talkwire.core.commands.messages import ListMessages, SendMessage
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import TypingChanged, UserBlocked, UserUnblocked
from talkwire.core.domain.model import Actor
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database


async def _direct(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="c"))


@pytest.mark.parametrize(("blocker", "blocked_id"), [(ALICE, "bob"), (BOB, "alice")])
async def test_in_a_direct_conversation_nothing_is_sent_either_way(node: Node, blocker: Actor, blocked_id: str) -> None:
    await _direct(node)
    await node.send(ALICE, "before")
    await node.do(blocker, BlockUser(blocked_id))
    for actor in (ALICE, BOB):
        assert await node.refusal(actor, SendMessage("c", "x")) == "blocked"
        assert await node.refusal(actor, SetTyping("c", is_typing=True)) == "blocked"
        assert len((await node.do(actor, ListMessages("c"))).items) == 1
    assert not any(isinstance(event, TypingChanged) for event in node.events)
    await node.do(blocker, UnblockUser(blocked_id))
    for actor in (ALICE, BOB):
        await node.send(actor, "after")
        await node.do(actor, SetTyping("c", is_typing=True))


async def test_who_was_blocked_adds_the_blocker_to_no_group(node: Node) -> None:
    await node.group("c", ALICE)
    await node.group("d", ALICE, BOB, CAROL)
    await node.do(BOB, BlockUser("alice"))
    for command in (CreateConversation("group", ("carol", "bob"), name="g"), AddMembers("c", ("carol", "bob"))):
        with pytest.raises(ChatError) as refused:
            await node.do(ALICE, command)
        assert (refused.value.code, refused.value.details) == ("blocked", {"userIds": ["bob"]})
    # The blocker can add the blocked one, and others can add both.
    await node.do(BOB, CreateConversation("group", ("alice",), name="g"))
    await node.do(CAROL, CreateConversation("group", ("alice", "bob"), name="g"))
    await node.do(BACKEND, AddMembers("c", ("bob",)))


async def test_typing_is_refused_also_where_the_other_is_not_known_here(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await _direct(node)
        await node.do(BOB, BlockUser("alice"))
    async with running(database, clock) as node:
        assert await node.refusal(ALICE, SetTyping("c", is_typing=True)) == "blocked"
        assert node.chat.directory.peek("bob") is None
        assert await node.refusal(MALLORY, SetTyping("c", is_typing=True)) == "forbidden"


async def test_mutual_blocks_end_when_both_are_removed(node: Node) -> None:
    await _direct(node)
    await node.do(ALICE, BlockUser("bob"))
    await node.do(BOB, BlockUser("alice"))
    await node.do(ALICE, UnblockUser("bob"))
    assert await node.refusal(ALICE, SendMessage("c", "x")) == "blocked"
    await node.do(BOB, UnblockUser("alice"))
    await node.send(ALICE, "x")


async def test_a_block_and_a_message_in_one_batch_follow_their_order(node: Node) -> None:
    await _direct(node)
    first, _, second, _, third = await node.in_one_batch(
        (ALICE, SendMessage("c", "1")),
        (BOB, BlockUser("alice")),
        (ALICE, SendMessage("c", "2")),
        (BOB, UnblockUser("alice")),
        (ALICE, SendMessage("c", "3")),
    )
    assert (first.seq, second.code, third.seq) == (1, "blocked", 2)


@pytest.mark.parametrize("actor", [ALICE, BOB])
async def test_a_blocked_pair_opens_no_direct_conversation(node: Node, actor: Actor) -> None:
    await node.users(ALICE, BOB)
    await node.do(ALICE, BlockUser("bob"))
    command = CreateConversation("direct", ("alice", "bob"))
    assert await node.refusal(actor, command) == "blocked"
    assert await node.refusal(BACKEND, command) == "blocked"
    await node.do(ALICE, UnblockUser("bob"))
    assert (await node.do(actor, command)).conversation.member_count == 2


async def test_an_existing_direct_conversation_is_still_found(node: Node) -> None:
    await _direct(node)
    await node.do(ALICE, BlockUser("bob"))
    for actor, other in ((ALICE, "bob"), (BOB, "alice")):
        assert (await node.do(actor, CreateConversation("direct", (other,)))).conversation.id == "c"
        assert (await node.do(actor, GetConversation("c"))).conversation.blocked


async def test_in_a_group_a_block_prevents_no_messages(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, BlockUser("bob"))
    await node.send(BOB, "x")
    await node.send(ALICE, "y")
    await node.do(BOB, SetTyping("c", is_typing=True))


async def test_blocking_twice_is_one_event(node: Node) -> None:
    await node.users(ALICE, BOB)
    await asyncio.gather(*(node.do(ALICE, BlockUser("bob")) for _ in range(3)))
    await asyncio.gather(*(node.do(ALICE, UnblockUser("bob")) for _ in range(3)))
    kinds = [type(event) for event in node.log if isinstance(event, UserBlocked | UserUnblocked)]
    assert kinds == [UserBlocked, UserUnblocked]


async def test_blocking_oneself_or_an_unknown_user_is_refused(node: Node) -> None:
    await node.users(ALICE, BOB)
    for command in (BlockUser, UnblockUser):
        assert await node.refusal(ALICE, command("alice")) == "invalid_request"
        assert await node.refusal(ALICE, command("nobody")) == "not_found"
        assert await node.refusal(ALICE, command("a b")) == "invalid_request"
        assert await node.refusal(MALLORY, command("bob")) == "forbidden"
    await node.do(OPERATOR, BanUser("bob"))
    assert await node.refusal(BOB, BlockUser("alice")) == "banned"


async def test_everyone_sees_whom_they_have_blocked_page_by_page(node: Node) -> None:
    await node.users(ALICE, BOB, CAROL, MALLORY)
    for name in ("mallory", "bob", "carol"):
        await node.do(ALICE, BlockUser(name))
    first = await node.do(ALICE, ListBlocked(None, 2))
    second = await node.do(ALICE, ListBlocked(first.next, 2))
    assert [user.name for user in (*first.items, *second.items)] == ["Bob", "Carol", "Mallory"]
    assert second.next is None
    assert (await node.do(BOB, ListBlocked())).items == ()
