"""Holds, which stop every deletion, and conversations that keep their messages for another time than others."""

from __future__ import annotations

import pytest

from talkwire.core.commands.accounts import EraseUser, PutUser, PutUsers
from talkwire.core.commands.conversations import (
    CreateConversation,
    DeleteConversation,
    GetConversation,
    UpdateConversation,
)
from talkwire.core.commands.files import ClaimUploads, CreateUpload, DropFile, FinishUpload, GetFile, ReleaseFiles
from talkwire.core.commands.members import RemoveMember
from talkwire.core.commands.messages import (
    AttachmentRef,
    DeleteMessage,
    ForwardMessage,
    GetMessage,
    ListMessages,
    SendMessage,
)
from talkwire.core.commands.server.retention import PruneApart, PruneOld
from talkwire.core.domain.events import ConversationUpdated, HoldChanged
from talkwire.core.features.operation import retention
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Clock, Node
from tests.contracts.test_erasure import erase

DAY_MS = 86_400_000


async def hold_conversation(node: Node, conversation_id: str = "c", *, hold: bool = True) -> None:
    await node.do(BACKEND, UpdateConversation(conversation_id, hold=hold))


async def hold_user(node: Node, user_id: str = "alice", *, hold: bool = True) -> None:
    await node.do(BACKEND, PutUser(user_id, hold=hold))


async def prune(node: Node, retention_ms: int | None = DAY_MS) -> None:
    """Prunes as a server does: the log first, unless everything is kept, then conversations with their own time."""
    while retention_ms is not None and await node.do(OPERATOR, PruneOld(retention_ms)):
        pass
    after_id: str | None = ""
    while after_id is not None:
        after_id = await node.do(OPERATOR, PruneApart(retention_ms, after_id))


async def contents(node: Node, conversation_id: str = "c") -> list[str]:
    page = await node.do(BACKEND, ListMessages(conversation_id, limit=100))
    return [message.content for message in page.items]


async def begin(node: Node) -> None:
    await node.users(ALICE, BOB, CAROL)
    await node.group("c", ALICE, BOB)


async def test_nothing_in_a_held_conversation_can_be_deleted(node: Node) -> None:
    await begin(node)
    sent = await node.send(ALICE, "evidence")
    await hold_conversation(node)
    for actor in (ALICE, BACKEND, OPERATOR):
        assert await node.refusal(actor, DeleteMessage(str(sent.id))) == "conflict"
        assert await node.refusal(actor, DeleteConversation("c")) == "conflict"
    assert await node.refusal(OPERATOR, EraseUser("alice", redact=True)) == "conflict"
    await hold_conversation(node, hold=False)
    await node.do(ALICE, DeleteMessage(str(sent.id)))
    await node.do(ALICE, DeleteConversation("c"))


async def test_a_former_member_of_a_held_conversation_is_not_redacted(node: Node) -> None:
    await begin(node)
    sent = await node.send(BOB, "evidence")
    await node.do(BOB, RemoveMember("c", "bob"))
    await hold_conversation(node)
    assert await node.refusal(OPERATOR, EraseUser("bob", redact=True)) == "conflict"
    await erase(node, "bob", redact=False)
    assert (await node.do(ALICE, GetMessage(str(sent.id)))).content == "evidence"


async def test_nothing_of_a_held_user_can_be_deleted(node: Node) -> None:
    await begin(node)
    sent = await node.send(BOB, "evidence")
    await hold_user(node, "bob")
    assert await node.refusal(ALICE, DeleteMessage(str(sent.id))) == "conflict"
    assert await node.refusal(BOB, EraseUser("bob", redact=False)) == "conflict"
    assert await node.refusal(OPERATOR, DeleteConversation("c")) == "conflict"
    await node.do(BOB, CreateUpload("u1", "evidence.png", "image/png", 10, DAY_MS))
    assert await node.refusal(BOB, DropFile("u1")) == "conflict"
    own = await node.send(ALICE, "not held")
    await node.do(ALICE, DeleteMessage(str(own.id)))
    await hold_user(node, "bob", hold=False)
    await node.do(ALICE, DeleteMessage(str(sent.id)))


async def test_a_held_conversation_stays_when_its_last_member_leaves(node: Node) -> None:
    await begin(node)
    await node.send(ALICE, "evidence")
    await hold_conversation(node)
    for actor in (BOB, ALICE):
        await node.do(actor, RemoveMember("c", actor.user_id))
    assert await contents(node) == ["evidence"]


async def test_a_copy_that_a_held_user_has_forwarded_stays_until_the_hold_is_lifted(node: Node) -> None:
    await begin(node)
    sent = await node.send(ALICE, "evidence")
    await node.do(BOB, ForwardMessage(str(sent.id), ("c",)))
    await hold_user(node, "bob")
    await erase(node)
    assert await contents(node) == ["", "evidence"]
    await hold_user(node, "bob", hold=False)
    await erase(node)
    assert await contents(node) == ["", ""]


async def test_only_the_back_end_and_admins_place_a_hold_and_members_do_not_see_it(node: Node) -> None:
    await begin(node)
    for change in (UpdateConversation("c", hold=True), UpdateConversation("c", retention_days=1)):
        assert await node.refusal(ALICE, change) == "forbidden"
    await hold_conversation(node)
    await hold_conversation(node)
    held = [event for event in node.log if isinstance(event, HoldChanged)]
    assert held == [HoldChanged(node.chat.pos, node.clock.now_ms, hold=True, conversation_id="c", by="backend")]
    assert not [event for event in node.log if isinstance(event, ConversationUpdated)]
    assert await node.replay() == node.log
    await node.do(BACKEND, PutUsers((PutUser("alice", name="Alicia", hold=True), PutUser("dave", hold=True))))
    assert [event.user_id for event in node.log if isinstance(event, HoldChanged)] == ["", "alice", "dave"]


async def test_pruning_spares_what_is_held_and_clears_it_once_the_hold_is_lifted(node: Node, clock: Clock) -> None:
    await begin(node)
    await node.do(BACKEND, CreateConversation("group", ("alice", "carol"), id="d"))
    await node.send(ALICE, "in c")
    await node.send(ALICE, "of Alice", to="d")
    await node.send(CAROL, "of Carol", to="d")
    await hold_conversation(node)
    await hold_user(node, "carol")
    clock.now_ms += DAY_MS + 1
    await prune(node)
    assert (await contents(node), await contents(node, "d")) == (["in c"], ["", "of Carol"])
    await hold_conversation(node, hold=False)
    await hold_user(node, "carol", hold=False)
    await prune(node)
    assert (await contents(node), await contents(node, "d")) == ([""], ["", ""])


@pytest.mark.parametrize("server_days", [None, 5])
async def test_a_conversation_keeps_its_messages_for_its_own_time(
    node: Node, clock: Clock, server_days: int | None
) -> None:
    retention_ms = None if server_days is None else server_days * DAY_MS
    await begin(node)
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="long"))
    await node.do(BACKEND, UpdateConversation("c", retention_days=1))
    await node.do(BACKEND, UpdateConversation("long", retention_days=9))
    for conversation_id in ("c", "long"):
        await node.send(ALICE, "old", to=conversation_id)
    clock.now_ms += DAY_MS + 1
    await node.send(ALICE, "young")
    await prune(node, retention_ms)
    assert (await contents(node), await contents(node, "long")) == (["", "young"], ["old"])
    clock.now_ms += 7 * DAY_MS
    await prune(node, retention_ms)
    assert (await contents(node), await contents(node, "long")) == (["", ""], ["old"])
    await node.do(BACKEND, UpdateConversation("long", retention_days=None))
    await prune(node, retention_ms)
    assert await contents(node, "long") == (["old"] if server_days is None else [""])


async def test_a_long_conversation_is_pruned_in_steps(
    node: Node, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PRUNED_AT_ONCE", 2)
    await begin(node)
    await node.do(BACKEND, UpdateConversation("c", retention_days=1))
    for number in range(5):
        await node.send(ALICE, str(number))
    clock.now_ms += DAY_MS + 1
    answers = [await node.do(OPERATOR, PruneApart(None)) for _ in range(3)]
    assert answers == ["", "", None]
    assert await contents(node) == [""] * 5


async def test_imported_messages_are_kept_for_the_conversations_own_time(node: Node, clock: Clock) -> None:
    await begin(node)
    await node.do(BACKEND, UpdateConversation("c", retention_days=9))
    at_ms = clock.now_ms - 5 * DAY_MS
    await node.do(BACKEND, SendMessage("c", "imported", sender_id="alice", created_ms=at_ms))
    await prune(node)
    assert await contents(node) == ["imported"]
    clock.now_ms += 5 * DAY_MS
    await prune(node)
    assert await contents(node) == [""]


async def test_held_imported_messages_do_not_end_pruning_early(
    node: Node, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PRUNED_AT_ONCE", 2)
    await begin(node)
    await node.group("d", BOB)
    for conversation_id, sender_id, age_days in (("c", "alice", 9), ("d", "bob", 8)):
        at_ms = clock.now_ms - age_days * DAY_MS
        for text in ("one", "two"):
            await node.do(BACKEND, SendMessage(conversation_id, text, sender_id=sender_id, created_ms=at_ms))
    await hold_user(node, "alice")
    await prune(node)
    assert (await contents(node), await contents(node, "d")) == (["one", "two"], ["", ""])


async def test_a_direct_conversation_can_be_kept_and_held(node: Node) -> None:
    await begin(node)
    direct = (await node.do(ALICE, CreateConversation("direct", ("bob",)))).conversation.id
    await node.do(BACKEND, UpdateConversation(direct, retention_days=30, hold=True))
    conversation = (await node.do(BACKEND, GetConversation(direct))).conversation
    assert (conversation.retention_days, conversation.hold) == (30, True)
    assert await node.refusal(BACKEND, UpdateConversation(direct, name="x", hold=False)) == "forbidden"
    assert await node.refusal(BACKEND, UpdateConversation("unknown", hold=True)) == "not_found"


@pytest.mark.parametrize("days", [0, -1, 36_601])
async def test_a_retention_time_has_a_range(node: Node, days: int) -> None:
    await begin(node)
    assert await node.refusal(BACKEND, UpdateConversation("c", retention_days=days)) == "invalid_request"


async def test_the_file_of_a_message_that_was_kept_for_a_time_of_its_own_goes_with_it(node: Node, clock: Clock) -> None:
    await begin(node)
    await node.do(BACKEND, UpdateConversation("c", retention_days=1))
    await node.do(ALICE, CreateUpload("u1", "cat.png", None, 5, 60_000))
    await node.do(ALICE, FinishUpload("u1", "text/plain", 5, "d1"))
    await node.do(ALICE, SendMessage("c", "look", attachments=(AttachmentRef(id="u1"),)))
    clock.now_ms += DAY_MS + 1
    await prune(node, None)
    assert await node.refusal(BOB, GetFile("u1")) == "forbidden"
    assert await node.do(OPERATOR, ReleaseFiles(10)) == 1
    assert await node.do(OPERATOR, ClaimUploads(1)) == ("u1",)
