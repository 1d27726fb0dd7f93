"""The members who have read furthest, and whether a user other than the sender has read a message."""

from __future__ import annotations

from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.members import AddMembers
from talkwire.core.commands.messages import EditMessage
from talkwire.core.commands.receipts import ListReaders, MarkRead, MessageReader
from talkwire.core.domain.events import MessageEdited
from talkwire.core.domain.model import LARGE_CONVERSATION
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, Node


async def test_readers_are_listed_furthest_first(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    sent = [await node.send(ALICE, str(number)) for number in range(3)]
    assert await node.do(ALICE, ListReaders("c")) == ()
    await node.do(BOB, MarkRead("c", str(sent[1].id)))
    await node.do(CAROL, MarkRead("c", str(sent[2].id)))
    assert await node.do(ALICE, ListReaders("c")) == (MessageReader("carol", 3), MessageReader("bob", 2))


async def test_a_new_member_has_read_nothing_and_no_earlier_messages(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="c", history="from-join", owner_id="alice"))
    await node.send(ALICE, "before")
    await node.users(BOB)
    await node.do(BACKEND, AddMembers("c", ("bob",)))
    assert await node.do(ALICE, ListReaders("c")) == ()
    sent = await node.send(ALICE, "after")
    await node.do(BOB, MarkRead("c", str(sent.id)))
    assert await node.do(ALICE, ListReaders("c")) == (MessageReader("bob", 2, history_seq=1),)


async def test_only_members_can_list_readers(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(MALLORY)
    for conversation_id in ("c", "nowhere"):
        assert await node.refusal(MALLORY, ListReaders(conversation_id)) == "forbidden"
    assert await node.do(BACKEND, ListReaders("c")) == ()


async def test_an_edit_reports_whether_the_earlier_text_was_read(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "1")
    edit = EditMessage(str(sent.id), "2")
    # The author's own reading does not count; reading in the same batch does.
    await node.in_one_batch((ALICE, MarkRead("c")), (ALICE, edit))
    await node.in_one_batch((BOB, MarkRead("c")), (ALICE, EditMessage(str(sent.id), "3")))
    edits = [event for event in node.log if isinstance(event, MessageEdited)]
    assert [event.read for event in edits] == [False, True]
    assert [event.read for event in await node.replay() if isinstance(event, MessageEdited)] == [False, True]


async def test_an_edit_in_a_large_conversation_reads_no_readers(node: Node) -> None:
    members = ("alice", *(f"user{number}" for number in range(LARGE_CONVERSATION)))
    await node.do(BACKEND, CreateConversation("group", members, id="c", owner_id=members[0]))
    sent = await node.send(ALICE, "1")
    await node.do(ALICE, EditMessage(str(sent.id), "2"))
    assert [event.read for event in node.log if isinstance(event, MessageEdited)] == [None]
