"""Delivery and read receipts, and unread counts."""

from __future__ import annotations

from types import NoneType

import pytest

from talkwire.core.commands.blocks import BlockUser, UnblockUser
from talkwire.core.commands.conversations import CreateConversation, GetConversation
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.receipts import (
    CountUnread,
    GetMessageStatus,
    ListReaders,
    ListReceipts,
    MarkDelivered,
    MarkRead,
    MarkUnread,
    ReadMark,
    Unread,
)
from talkwire.core.commands.sync import ListEvents
from talkwire.core.domain.errors import NoAccess
from talkwire.core.domain.events import MessagesDelivered, MessagesRead, ReadPositionMoved
from talkwire.core.domain.model import LARGE_CONVERSATION, Actor, Message
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, Clock, Node


async def _unread(node: Node, actor: Actor, conversation_id: str = "c") -> int:
    figures = await node.do(actor, CountUnread(((conversation_id, actor.user_id),)))
    return int(figures[0][2].unread_count)


async def test_only_messages_of_others_are_unread(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for number in range(3):
        await node.send(ALICE, str(number))
    await node.send(BOB, "mine")
    assert (await _unread(node, BOB), await _unread(node, ALICE)) == (3, 1)


async def test_sending_does_not_read(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "1")
    await node.send(BOB, "2")
    assert await _unread(node, BOB) == 1


async def test_reading_without_a_message_reads_to_the_end(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    last = [await node.send(ALICE, str(number)) for number in range(3)][-1]
    assert await node.do(BOB, MarkRead("c")) == ReadMark("c", 3, Unread(0, 0))
    event = node.log[-1]
    assert isinstance(event, MessagesRead)
    assert (event.user_id, event.seq, event.message_id, event.authors) == ("bob", 3, last.id, None)


async def test_reading_up_to_a_message_leaves_later_notifications_unread(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = [await node.send(BOB if number % 2 else ALICE, str(number)) for number in range(6)]
    assert await node.do(BOB, MarkRead("c", str(sent[2].id))) == ReadMark("c", 3, Unread(1, 0))
    assert await node.do(BOB, MarkRead("c", str(sent[3].id))) == ReadMark("c", 4, Unread(1, 0))
    assert await node.do(BOB, MarkRead("c", str(sent[4].id))) == ReadMark("c", 5, Unread(0, 0))
    assert await _unread(node, BOB) == 0


async def test_reading_an_older_message_moves_nothing(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = [await node.send(ALICE, str(number)) for number in range(3)]
    await node.do(BOB, MarkRead("c", str(sent[1].id)))
    events = len(node.log)
    assert await node.do(BOB, MarkRead("c", str(sent[0].id))) == ReadMark("c", 2, Unread(1, 0))
    assert len(node.log) == events


async def test_an_empty_conversation_can_be_read(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    events = len(node.log)
    assert await node.do(BOB, MarkRead("c")) == ReadMark("c", 0, Unread(0, 0))
    assert len(node.log) == events


async def test_reading_in_the_transaction_of_the_message_reads_it(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(BOB, "0")
    results = await node.in_one_batch(
        (ALICE, SendMessage("c", "1")),
        (BOB, MarkRead("c")),
        (ALICE, SendMessage("c", "2")),
        (BOB, SendMessage("c", "3")),
    )
    assert results[1] == ReadMark("c", 2, Unread(0, 0))
    assert await _unread(node, BOB) == 1


async def test_a_read_message_counts_as_received(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "1")
    await node.do(BOB, MarkRead("c"))
    events = len(node.log)
    await node.do(BOB, MarkDelivered("c"))
    assert len(node.log) == events


async def test_receipts_list_who_has_received_and_read(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    first = await node.send(ALICE, "1")
    second = await node.send(ALICE, "2")
    clock.now_ms += 1000
    await node.do(BOB, MarkDelivered("c", str(second.id)))
    clock.now_ms += 1000
    await node.do(BOB, MarkRead("c", str(first.id)))
    delivered, read = clock.now_ms - 1000, clock.now_ms
    seen = {r.user_id: (r.delivered_ms, r.read_ms) for r in await node.do(ALICE, ListReceipts(str(first.id)))}
    assert seen == {"bob": (delivered, read), "carol": (None, None)}
    seen = {r.user_id: (r.delivered_ms, r.read_ms) for r in await node.do(CAROL, ListReceipts(str(second.id)))}
    assert seen == {"bob": (delivered, None), "carol": (None, None)}


async def test_a_delivery_is_an_event_of_its_own(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "1")
    await node.do(BOB, MarkDelivered("c"))
    event = node.log[-1]
    assert isinstance(event, MessagesDelivered)
    assert (event.user_id, event.seq, event.message_id) == ("bob", 1, sent.id)


@pytest.mark.parametrize("mark", [MarkRead, MarkDelivered])
async def test_only_members_mark_and_only_messages_of_the_conversation(
    node: Node, mark: type[MarkRead | MarkDelivered]
) -> None:
    await node.group("c", ALICE, BOB)
    await node.group("d", ALICE)
    elsewhere = await node.send(ALICE, "there", to="d")
    here = await node.send(ALICE, "here")
    assert await node.refusal(MALLORY, mark("c")) == "forbidden"
    assert await node.refusal(MALLORY, mark("c", str(here.id))) == "forbidden"
    assert await node.refusal(BOB, mark("c", str(elsewhere.id))) == "forbidden"
    assert await node.refusal(ALICE, mark("c", str(elsewhere.id))) == "forbidden"
    assert await node.refusal(BOB, mark("c", "1")) == "forbidden"
    assert await node.refusal(BOB, mark("c", "nonsense")) == "forbidden"
    assert await node.refusal(MALLORY, ListReceipts(str(here.id))) == "forbidden"


async def test_in_a_large_conversation_a_read_names_the_authors_of_what_was_read(node: Node) -> None:
    others = tuple(f"user-{number}" for number in range(LARGE_CONVERSATION))
    await node.do(BACKEND, CreateConversation("group", ("alice", *others), id="c", owner_id="alice"))
    await node.send(ALICE, "1")
    for number in (3, 1, 3):
        await node.send(Actor(f"user-{number}", ""), "x")
    await node.do(ALICE, MarkRead("c", str((await node.send(Actor("user-9", ""), "y")).id)))
    event = node.log[-1]
    assert isinstance(event, MessagesRead)
    assert event.authors == ("alice", "user-1", "user-3", "user-9")


async def test_new_members_have_nothing_unread(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for number in range(3):
        await node.send(ALICE, str(number))
    await node.do(BACKEND, CreateConversation("group", ("carol",), id="elsewhere", owner_id="carol"))
    await node.do(ALICE, AddMembers("c", ("carol",)))
    assert await _unread(node, CAROL) == 0
    await node.send(ALICE, "3")
    assert await _unread(node, CAROL) == 1


async def test_many_reads_in_one_transaction_take_as_many_statements_as_one(node: Node) -> None:
    users = [Actor(f"user-{number}", "") for number in range(50)]
    await node.do(
        BACKEND, CreateConversation("group", tuple(user.user_id for user in users), id="c", owner_id=users[0].user_id)
    )
    await node.send(users[0], "1")
    await node.in_one_batch(*((user, MarkDelivered("c")) for user in users[:2]))
    await node.send(users[0], "2")
    with node.statements() as transactions:
        await node.in_one_batch(*((user, MarkDelivered("c")) for user in users[:1]))
        await node.in_one_batch(*((user, MarkDelivered("c")) for user in users[1:]))
    # A batch of the harness runs after a transaction of its own.
    assert len(transactions[1]) == len(transactions[3])


async def test_receipts_that_name_messages_are_looked_up_together(node: Node) -> None:
    users = [Actor(f"user-{number}", "") for number in range(12)]
    await node.do(
        BACKEND, CreateConversation("group", tuple(user.user_id for user in users), id="c", owner_id=users[0].user_id)
    )
    old, new = [await node.send(users[0], str(number)) for number in range(2)]
    await node.do(users[1], MarkDelivered("c", str(old.id)))
    with node.statements() as transactions:
        await node.in_one_batch(*((user, MarkDelivered("c", str(old.id))) for user in users[2:3]))
        await node.in_one_batch(*((user, MarkDelivered("c", str(old.id))) for user in users[3:]))
        # The conversation says where its newest message is.
        await node.in_one_batch(*((user, MarkDelivered("c", str(new.id))) for user in users[1:]))
    one, many, newest = transactions[1::2]
    assert len(one) == len(many) == len(newest) + 1


async def test_receipts_leave_the_new_messages_of_a_batch_together(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    old, new = [await node.send(ALICE, str(number)) for number in range(2)]
    with node.statements() as transactions:
        await node.in_one_batch(
            (ALICE, SendMessage("c", "3")),
            (BOB, MarkDelivered("c", str(old.id))),
            (ALICE, SendMessage("c", "4")),
            (BOB, MarkDelivered("c", str(new.id))),
            (ALICE, SendMessage("c", "5")),
        )
    assert sum("INSERT INTO messages" in statement for statement in transactions[1]) == 1


async def test_a_receipt_may_name_a_message_of_its_own_transaction(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "1")
    results = await node.in_one_batch(
        (BOB, MarkDelivered("c", str(sent.id + 2))),
        (ALICE, SendMessage("c", "2")),
        (ALICE, SendMessage("c", "3")),
        (BOB, MarkDelivered("c", str(sent.id + 1))),
    )
    assert [type(result) for result in results] == [NoAccess, Message, Message, NoneType]
    event = node.log[-1]
    assert isinstance(event, MessagesDelivered)
    assert (event.seq, event.message_id) == (2, sent.id + 1)


async def test_a_receipt_has_no_time_from_before_its_member_joined(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "Hello")
    node.clock.now_ms += 60_000
    await node.users(CAROL)
    await node.do(ALICE, AddMembers("c", ("carol",)))

    async def times_of(user_id: str) -> tuple[int | None, int | None]:
        receipts = await node.do(ALICE, ListReceipts(str(sent.id)))
        return next((each.delivered_ms, each.read_ms) for each in receipts if each.user_id == user_id)

    assert await times_of("carol") == (None, None)
    node.clock.now_ms += 60_000
    later = await node.send(BOB, "And?")
    await node.do(CAROL, MarkRead("c", str(later.id)))
    assert await times_of("carol") == (node.clock.now_ms, node.clock.now_ms)
    await node.do(CAROL, RemoveMember("c", "carol"))
    node.clock.now_ms += 60_000
    await node.do(ALICE, AddMembers("c", ("carol",)))
    assert await times_of("carol") == (None, None)


# --- marking as unread ----------------------------------------------------------------------------------------------


async def test_marking_as_unread_moves_only_one_s_own_position(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = [await node.send(BOB if number == 2 else ALICE, f"@bob {number}") for number in range(5)]
    await node.do(BOB, MarkRead("c"))
    before = len(node.log)
    assert await node.do(BOB, MarkUnread("c", str(sent[1].id))) == ReadMark("c", 1, Unread(3, 3))
    assert await _unread(node, BOB) == 3
    assert [type(event) for event in node.log[before:]] == [ReadPositionMoved]
    receipts = await node.do(ALICE, ListReceipts(str(sent[4].id)))
    assert receipts[0].read_ms is not None
    assert (await node.do(BOB, GetConversation("c"))).reader.own_seq == 1
    for actor, seq in ((BOB, 1), (ALICE, 5)):
        members = (await node.do(actor, GetConversation("c"))).members
        assert [view.member.read_seq for view in members if view.member.user_id == "bob"] == [seq]
    assert any(isinstance(event, ReadPositionMoved) for event in (await _events(node, BOB)))
    assert not any(isinstance(event, ReadPositionMoved) for event in (await _events(node, ALICE)))


async def _events(node: Node, actor: Actor) -> tuple[object, ...]:
    page = await node.do(actor, ListEvents(f"{node.chat.epoch}-0"))
    return tuple(page.events)


async def test_reading_again_sends_no_second_receipt(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = [await node.send(ALICE, str(number)) for number in range(4)]
    await node.do(BOB, MarkRead("c", str(sent[2].id)))
    await node.do(BOB, MarkUnread("c", str(sent[0].id)))
    before = len(node.log)
    assert await node.do(BOB, MarkRead("c", str(sent[1].id))) == ReadMark("c", 2, Unread(2, 0))
    assert await node.do(BOB, MarkRead("c", str(sent[2].id))) == ReadMark("c", 3, Unread(1, 0))
    assert [type(event) for event in node.log[before:]] == [ReadPositionMoved, ReadPositionMoved]
    await node.do(BOB, MarkUnread("c", str(sent[0].id)))
    assert await node.do(BOB, MarkRead("c")) == ReadMark("c", 4, Unread(0, 0))
    receipt = node.log[-1]
    assert isinstance(receipt, MessagesRead)
    assert (receipt.since, receipt.seq, receipt.covered) == (3, 4, ((sent[3].id, "alice"),))
    assert await _unread(node, BOB) == 0


async def test_own_messages_do_not_count_wherever_the_position_moves(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = [await node.send(BOB if number % 2 else ALICE, str(number)) for number in range(8)]
    await node.do(BOB, MarkRead("c"))
    for index in (6, 3, 0):
        await node.do(BOB, MarkUnread("c", str(sent[index].id)))
        assert await _unread(node, BOB) == len([m for m in sent[index:] if m.sender_id == "alice"])
    await node.send(BOB, "one more")
    for index in (1, 5):
        await node.do(BOB, MarkRead("c", str(sent[index].id)))
        assert await _unread(node, BOB) == len([m for m in sent[index + 1 :] if m.sender_id == "alice"])


async def test_without_a_message_the_newest_one_of_others_is_unread(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    assert await node.refusal(BOB, MarkUnread("c")) == "invalid_request"
    await node.send(ALICE, "1")
    await node.send(ALICE, "2")
    await node.send(BOB, "3")
    await node.do(BOB, MarkRead("c"))
    assert await node.do(BOB, MarkUnread("c")) == ReadMark("c", 1, Unread(1, 0))
    before = len(node.log)
    assert await node.do(BOB, MarkUnread("c")) == ReadMark("c", 1, Unread(1, 0))
    assert len(node.log) == before
    assert await node.refusal(MALLORY, MarkUnread("c")) == "forbidden"


async def test_marking_unread_never_moves_forward(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = [await node.send(ALICE, str(number)) for number in range(3)]
    assert await node.do(BOB, MarkUnread("c", str(sent[2].id))) == ReadMark("c", 0, Unread(3, 0))


# --- blocks ---------------------------------------------------------------------------------------------------------


async def test_a_blocked_user_sees_no_receipts_of_the_blocker(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    message = await node.send(ALICE, "hello")
    await node.do(BOB, BlockUser("alice"))
    await node.do(BOB, MarkDelivered("c"))
    await node.do(BOB, MarkRead("c"))
    receipts = node.log[-2:]
    assert [(type(each), each.withheld) for each in receipts] == [  # type: ignore[attr-defined]
        (MessagesDelivered, ("alice",)),
        (MessagesRead, ("alice",)),
    ]
    assert await node.replay(receipts[0].pos - 1) == receipts

    def moved(events: tuple[object, ...]) -> list[type]:
        return [type(event) for event in events if isinstance(event, MessagesRead | MessagesDelivered)]

    assert moved(await _events(node, ALICE)) == []
    assert moved(await _events(node, BOB)) == moved(await _events(node, CAROL)) == [MessagesDelivered, MessagesRead]
    for actor, seq in ((ALICE, 0), (CAROL, 1)):
        members = {view.member.user_id: view.member for view in (await node.do(actor, GetConversation("c"))).members}
        assert (members["bob"].read_seq, members["bob"].delivered_seq) == (seq, seq)
        listed = {each.user_id: each for each in await node.do(actor, ListReceipts(str(message.id)))}
        assert (listed["bob"].read_ms is None, listed["bob"].delivered_ms is None) == (seq == 0, seq == 0)
        assert [each.user_id for each in await node.do(actor, ListReaders("c"))] == (["bob"] if seq else [])
    await node.do(CAROL, MarkRead("c"))
    assert (await node.do(ALICE, GetMessageStatus(str(message.id)))).status == "sent"
    await node.do(BOB, UnblockUser("alice"))
    assert (await node.do(ALICE, GetMessageStatus(str(message.id)))).status == "read"
    assert moved(await _events(node, ALICE)) == [MessagesDelivered, MessagesRead, MessagesRead]
