"""The preference `readReceipts: false`: others do not see what a user reads, nor does the user see what they read."""

from __future__ import annotations

import pytest

from talkwire.core.commands.conversations import GetConversation
from talkwire.core.commands.members import UpdateMember
from talkwire.core.commands.messages import EditMessage
from talkwire.core.commands.preferences import GetPreferences, SetPreferences
from talkwire.core.commands.receipts import GetMessageStatus, ListReaders, ListReceipts, MarkDelivered, MarkRead
from talkwire.core.commands.server.recovery import ListMissed
from talkwire.core.commands.sync import ListEvents
from talkwire.core.domain.events import MessageEdited, MessagesDelivered, MessagesRead
from talkwire.core.domain.model import Actor, Preferences
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, Node

PRIVATE = SetPreferences(Preferences(read_receipts=False))


@pytest.fixture
async def chat(node: Node) -> Node:
    """Alice's group with bob and carol. Bob does not share what he reads."""
    await node.users(ALICE, BOB, CAROL)
    await node.group("c", ALICE, BOB, CAROL)
    await node.do(BOB, PRIVATE)
    return node


async def _synced(node: Node, actor: Actor) -> list[str]:
    """Returns the readers of the receipts that a user receives when catching up, by sync and by recovery."""
    page = await node.do(actor, ListEvents(f"{node.chat.epoch}-0", 100))
    missed = await node.do(actor, ListMissed(0, node.chat.pos, 100))
    readers = [
        [event.user_id for event in events if isinstance(event, MessagesRead)]
        for events in (page.events, missed.events)
    ]
    assert readers[0] == readers[1]
    return readers[0]


async def _read_seqs(node: Node, actor: Actor) -> dict[str, int]:
    view = await node.do(actor, GetConversation("c"))
    return {each.member.user_id: each.member.read_seq for each in view.members}


async def test_others_are_not_shown_what_the_user_reads(chat: Node) -> None:
    message = await chat.send(ALICE, "hello")
    await chat.do(BOB, MarkDelivered("c"))
    await chat.do(BOB, MarkRead("c"))
    assert await chat.do(ALICE, ListReaders("c")) == ()
    receipts = {each.user_id: each for each in await chat.do(ALICE, ListReceipts(str(message.id)))}
    assert (receipts["bob"].delivered_ms is not None, receipts["bob"].read_ms) == (True, None)
    assert (await _read_seqs(chat, ALICE))["bob"] == 0
    assert await _synced(chat, ALICE) == []
    await chat.do(CAROL, MarkRead("c"))
    assert (await chat.do(ALICE, GetMessageStatus(str(message.id)))).status == "delivered"
    await chat.do(ALICE, EditMessage(str(message.id), "hello again"))


async def test_others_learn_that_a_message_that_was_read_in_private_was_received(chat: Node) -> None:
    message = await chat.send(ALICE, "hello")
    await chat.do(BOB, MarkRead("c"))
    received = [event for event in chat.log if isinstance(event, MessagesDelivered)]
    assert [(event.user_id, event.message_id) for event in received] == [("bob", message.id)]
    await chat.do(BOB, MarkDelivered("c"))
    assert [event for event in chat.log if isinstance(event, MessagesDelivered)] == received


async def test_the_users_own_devices_learn_what_was_read(chat: Node) -> None:
    await chat.send(ALICE, "hello")
    await chat.do(BOB, MarkRead("c"))
    assert await _synced(chat, BOB) == ["bob"]
    assert (await _read_seqs(chat, BOB))["bob"] == 1


async def test_the_user_does_not_see_what_others_read(chat: Node) -> None:
    message = await chat.send(BOB, "hello")
    for reader in (ALICE, CAROL):
        await chat.do(reader, MarkRead("c"))
    assert await chat.do(BOB, ListReaders("c")) == ()
    assert {each.read_ms for each in await chat.do(BOB, ListReceipts(str(message.id)))} == {None}
    assert (await chat.do(BOB, GetMessageStatus(str(message.id)))).status == "delivered"
    assert (await _read_seqs(chat, BOB))["alice"] == 0
    assert await _synced(chat, BOB) == []
    assert await _synced(chat, ALICE) == ["alice", "carol"]
    await chat.do(BOB, EditMessage(str(message.id), "hello again"))
    edited = chat.log[-1]
    assert isinstance(edited, MessageEdited)
    assert edited.read is False


async def test_a_changed_role_does_not_show_what_the_member_has_read(chat: Node) -> None:
    await chat.send(ALICE, "hello")
    await chat.do(BOB, MarkRead("c"))
    assert (await chat.do(ALICE, UpdateMember("c", "bob", "admin"))).member.read_seq == 0


async def test_reading_is_shared_again_from_the_next_receipt_on(chat: Node) -> None:
    await chat.send(ALICE, "one")
    await chat.do(BOB, MarkRead("c"))
    await chat.do(BOB, SetPreferences(Preferences()))
    await chat.send(ALICE, "two")
    await chat.do(BOB, MarkRead("c"))
    assert [(each.user_id, each.read_seq) for each in await chat.do(ALICE, ListReaders("c"))] == [("bob", 2)]
    assert await _synced(chat, ALICE) == ["bob"]


async def test_the_log_keeps_what_was_read(chat: Node) -> None:
    await chat.send(ALICE, "one")
    await chat.do(BOB, MarkRead("c"))
    assert [event.private for event in await chat.replay() if isinstance(event, MessagesRead)] == [True]


async def test_a_client_that_does_not_know_the_preference_keeps_it(chat: Node) -> None:
    kept = await chat.do(BOB, SetPreferences(Preferences(off=("direct",)), keep_read_receipts=True))
    assert kept == await chat.do(BOB, GetPreferences()) == Preferences(off=("direct",), read_receipts=False)
    assert (await chat.do(BACKEND, GetConversation("c"))).conversation.id == "c"
