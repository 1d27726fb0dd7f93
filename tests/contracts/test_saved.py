"""Messages that users have saved for later."""

from __future__ import annotations

import pytest

from talkwire.core.commands.accounts import BanUser
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import DeleteMessage, EditMessage, ListSaved, SaveMessage, UnsaveMessage
from talkwire.core.domain.events import SavedChanged
from talkwire.core.domain.model import Actor, Message
from talkwire.core.features.messages import saved
from tests.contracts.node import ALICE, BOB, MALLORY, OPERATOR, Clock, Node


async def texts(node: Node, actor: Actor, conversation_id: str | None = None, limit: int = 50) -> list[str]:
    """Returns the texts of all pages of the actor's saved messages."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await node.do(actor, ListSaved(cursor, limit, conversation_id))
        assert len(page.items) <= limit
        found += [each.message.content for each in page.items]
        if page.next is None:
            return found
        cursor = page.next


async def save(node: Node, actor: Actor, *messages: Message) -> None:
    for message in messages:
        await node.do(actor, SaveMessage(str(message.id)))


async def test_saved_messages_are_listed_last_saved_first(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    await node.group("d", ALICE, BOB)
    one, two, three = await node.send(BOB, "one"), await node.send(BOB, "two"), await node.send(BOB, "three", to="d")
    clock.now_ms += 5
    await save(node, ALICE, two, three, one)
    assert node.log[-1] == SavedChanged(node.chat.pos, clock.now_ms, "alice", "c", one.id, True)
    for limit in (1, 2, 50):
        assert await texts(node, ALICE, limit=limit) == ["one", "three", "two"]
        assert await texts(node, ALICE, "c", limit=limit) == ["one", "two"]
    assert await texts(node, BOB) == []
    assert (await node.do(ALICE, ListSaved())).items[0].saved_ms == clock.now_ms


async def test_saving_and_removing_again_changes_nothing(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    message = await node.send(BOB, "hello")
    first = await node.do(ALICE, SaveMessage(str(message.id)))
    pos = node.chat.pos
    assert await node.do(ALICE, SaveMessage(str(message.id))) == first
    assert node.chat.pos == pos
    await node.do(ALICE, UnsaveMessage(str(message.id)))
    assert node.log[-1] == SavedChanged(pos + 1, node.log[-1].at_ms, "alice", "c", message.id, False)
    for unknown in (str(message.id), "1", "nonsense"):
        await node.do(ALICE, UnsaveMessage(unknown))
    assert node.chat.pos == pos + 1
    assert await texts(node, ALICE) == []


async def test_a_saved_message_is_shown_as_it_is_now(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    message = await node.send(BOB, "first")
    await save(node, ALICE, message)
    await node.do(BOB, EditMessage(str(message.id), "second"))
    assert await texts(node, ALICE) == ["second"]
    await node.do(BOB, DeleteMessage(str(message.id)))
    assert await texts(node, ALICE) == []
    assert await node.refusal(ALICE, SaveMessage(str(message.id))) == "invalid_request"


async def test_only_messages_that_a_member_may_see_can_be_saved(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(BOB)
    made = await node.do(ALICE, CreateConversation("group", ("bob",), "From join", history="from-join"))
    there = made.conversation.id
    hidden = await node.send(ALICE, "hidden", to=there)
    await node.do(ALICE, RemoveMember(there, "bob"))
    await node.do(ALICE, AddMembers(there, ("bob",)))
    message = await node.send(ALICE, "hello")
    for actor, id_ in ((MALLORY, message.id), (BOB, message.id), (BOB, hidden.id), (OPERATOR, message.id), (ALICE, 1)):
        assert await node.refusal(actor, SaveMessage(str(id_))) == "forbidden"
    await node.do(OPERATOR, BanUser("bob"))
    assert await node.refusal(BOB, ListSaved()) == "banned"
    assert await node.refusal(BOB, UnsaveMessage(str(hidden.id))) == "banned"


async def test_a_member_who_leaves_loses_the_messages_of_the_conversation(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.group("d", ALICE, BOB)
    await save(node, BOB, await node.send(ALICE, "here"), await node.send(ALICE, "there", to="d"))
    await node.do(BOB, RemoveMember("c", "bob"))
    assert await texts(node, BOB) == ["there"]
    await node.do(ALICE, AddMembers("c", ("bob",)))
    assert await texts(node, BOB) == ["there"]
    await node.do(ALICE, DeleteConversation("d"))
    assert await texts(node, BOB) == []


async def test_a_user_can_save_a_limited_number_of_messages(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "SAVED_MAX", 2)
    await node.group("c", ALICE, BOB)
    sent = [await node.send(BOB, f"message {number}") for number in range(3)]
    await save(node, ALICE, *sent[:2])
    assert await node.refusal(ALICE, SaveMessage(str(sent[2].id))) == "invalid_request"
    await save(node, ALICE, sent[0])
    await node.do(BOB, DeleteMessage(str(sent[0].id)))
    await save(node, ALICE, sent[2])
    assert await texts(node, ALICE) == ["message 2", "message 1"]


async def test_an_invalid_cursor_or_conversation_is_refused(node: Node) -> None:
    await node.group("c", ALICE)
    assert await node.refusal(ALICE, ListSaved("no cursor")) == "invalid_request"
    assert await node.refusal(ALICE, ListSaved(conversation_id="no id")) == "invalid_request"
