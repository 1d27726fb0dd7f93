"""Notices: what a conversation's timeline shows beside its messages."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from talkwire.core.commands.accounts import EraseUser, UpdateUser
from talkwire.core.commands.conversations import (
    CreateConversation,
    DeleteConversation,
    GetConversation,
    ListConversations,
    ListNotices,
    Notice,
    RecordCall,
    UpdateConversation,
)
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.offers import CreateOffer, UpdateOffer
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.domain.model import DELETED_NAME, LARGE_CONVERSATION, Actor
from talkwire.payloads.notices import NoticePayload, notice_payload
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, Node


async def notices(node: Node, actor: Actor = ALICE, conversation_id: str = "c") -> Sequence[NoticePayload]:
    """Returns the notices as clients receive them, oldest first."""
    found: Sequence[Notice] = (await node.do(actor, ListNotices(conversation_id))).items
    return [notice_payload(notice) for notice in found[::-1]]


async def notified(node: Node, actor: Actor = ALICE) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(notice.type, notice.actor_id, notice.user_ids or ()) for notice in await notices(node, actor)]


async def test_notices_name_members_who_come_and_go(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.users(CAROL, MALLORY)
    await node.do(ALICE, AddMembers("c", ("carol", "mallory")))
    await node.do(ALICE, RemoveMember("c", "mallory"))
    await node.do(CAROL, RemoveMember("c", "carol"))
    await node.do(ALICE, UpdateConversation("c", public=True))
    await node.do(CAROL, AddMembers("c", ("carol",)))
    await node.do(BACKEND, AddMembers("c", ("mallory",)))
    await node.do(BACKEND, RemoveMember("c", "mallory"))
    assert await notified(node) == [
        ("added", "alice", ("carol", "mallory")),
        ("removed", "alice", ("mallory",)),
        ("left", "carol", ("carol",)),
        ("changed", "alice", ()),
        ("joined", "carol", ("carol",)),
        ("joined", None, ("mallory",)),
        ("removed", "backend", ("mallory",)),
    ]
    first, *_ = await notices(node, BOB)
    assert dict(first.names) == {"alice": "alice", "carol": "Carol", "mallory": "Mallory"}


async def test_a_notice_gives_the_new_name_topic_or_picture(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    picture = "https://example.com/a.png"
    await node.do(ALICE, UpdateConversation("c", name="Plans", topic="Today", metadata={"a": 1}))
    await node.do(BACKEND, UpdateConversation("c", avatar=picture, description="Long"))
    await node.do(ALICE, UpdateConversation("c", metadata={"a": 2}))
    await node.do(ALICE, UpdateConversation("c", topic=None))
    changed = [(each.actor_id, each.changes, each.name, each.topic) for each in await notices(node)]
    assert changed == [
        ("alice", ("name", "topic"), "Plans", "Today"),
        (None, ("description", "avatar"), None, None),
        ("alice", ("topic",), None, None),
    ]


async def test_a_notice_says_that_a_conversation_became_public_or_private(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for public in (True, True, False):
        await node.do(ALICE, UpdateConversation("c", public=public))
    changed = [(each.actor_id, each.changes, each.public) for each in await notices(node, BOB)]
    assert changed == [("alice", ("public",), True), ("alice", ("public",), False)]


async def test_notices_report_new_roles_and_the_new_owner(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, UpdateMember("c", "bob", "admin"))
    await node.do(ALICE, RemoveMember("c", "alice"))
    roles = [(each.type, each.actor_id, each.user_ids, each.role) for each in await notices(node, BOB)]
    assert roles == [
        ("role", None, ("bob",), "admin"),
        ("left", "alice", ("alice",), None),
        ("role", None, ("bob",), "owner"),
    ]


async def test_a_notice_says_from_when_on_new_members_see_the_history(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for history in ("from-join", "from-join", "all"):
        await node.do(ALICE, UpdateConversation("c", history=history))
    changed = [(each.changes, each.history) for each in await notices(node, BOB)]
    assert changed == [(("history",), "from-join"), (("history",), "all")]


async def test_a_notice_reports_a_change_of_slow_mode(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for seconds in (30, 30, 0):
        await node.do(ALICE, UpdateConversation("c", slow_mode_s=seconds))
    changed = [(each.changes, each.slow_mode_s) for each in await notices(node, BOB)]
    assert changed == [(("slowModeS",), 30), (("slowModeS",), 0)]


async def test_notices_report_calls_and_answered_offers(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, RecordCall("c", "1", "hangup", 180))
    await node.do(BOB, RecordCall("c", "2", "timeout"))
    accepted, open_ = [await node.do(ALICE, CreateOffer("c", "Bike", amount, "EUR")) for amount in (1, 2)]
    await node.do(BOB, UpdateOffer(str(accepted.id), "accepted"))
    assert open_.status == "pending"
    shown = [(each.type, each.actor_id, each.reason, each.duration_s, each.offer_id) for each in await notices(node)]
    assert shown == [
        ("call", "alice", "hangup", 180, None),
        ("call", "bob", "timeout", None, None),
        ("offer", "bob", None, None, str(accepted.id)),
    ]


async def test_a_conversation_shows_its_newest_call_until_the_next_message(node: Node) -> None:
    async def call_of(actor: Actor) -> NoticePayload | None:
        view = await node.do(actor, GetConversation("c"))
        listed = await node.do(actor, ListConversations())
        assert [each.last_call for each in listed.items if each.conversation.id == "c"] == [view.last_call]
        return None if view.last_call is None else notice_payload(view.last_call)

    await node.group("c", ALICE, BOB)
    await node.group("other", ALICE, BOB)
    assert await call_of(BOB) is None
    await node.send(ALICE, "1")
    await node.do(BOB, RecordCall("c", "1", "hangup", 180))
    await node.do(ALICE, RecordCall("c", "2", "timeout"))
    assert await call_of(BOB) == (await notices(node))[-1]
    await node.do(ALICE, UpdateConversation("c", history="from-join"))
    await node.users(CAROL)
    await node.do(ALICE, AddMembers("c", ("carol",)))
    assert await call_of(CAROL) is None
    await node.send(ALICE, "2")
    assert await call_of(BOB) is None


async def test_the_end_of_a_call_in_a_deleted_conversation_is_not_recorded(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, DeleteConversation("c"))
    before = len(node.log)
    await node.do(ALICE, RecordCall("c", "1", "left", 1))
    assert len(node.log) == before


async def test_notices_are_among_the_messages_and_count_as_nothing(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    first = await node.send(ALICE, "1")
    await node.do(BOB, MarkRead("c"))
    await node.do(ALICE, UpdateConversation("c", name="Plans"))
    await node.do(ALICE, RecordCall("c", "1", "timeout"))
    view = await node.do(BOB, GetConversation("c"))
    assert (view.unread.unread_count, view.conversation.last_seq, view.last_message.content) == (0, 1, "1")
    second = await node.send(ALICE, "2")
    renamed, call = await notices(node)
    assert first.id < int(renamed.id) < int(call.id) < second.id
    assert second.seq == 2


async def test_pages_of_notices_follow_each_other(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for number in range(5):
        await node.do(ALICE, UpdateConversation("c", name=f"Plans {number}"))
        await node.do(ALICE, UpdateConversation("c", metadata={"number": number}))
        await node.do(ALICE, RecordCall("c", str(number), "timeout"))
    seen, cursor = [], None
    for _ in range(20):
        page = await node.do(BOB, ListNotices("c", cursor, 2))
        assert len(page.items) <= 2
        seen += page.items
        cursor = page.next
        if cursor is None:
            break
    assert [str(each.id) for each in seen[::-1]] == [each.id for each in await notices(node)]
    assert len(seen) == 10
    assert await node.refusal(BOB, ListNotices("c", "x")) == "invalid_request"


async def test_only_members_see_notices_and_only_of_their_history(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.users(CAROL, MALLORY)
    await node.do(ALICE, UpdateConversation("c", name="Secret", history="from-join"))
    offer = await node.do(ALICE, CreateOffer("c", "Bike", 1, "EUR"))
    await node.do(ALICE, AddMembers("c", ("carol",)))
    await node.do(BOB, UpdateOffer(str(offer.id), "accepted"))
    await node.do(ALICE, UpdateConversation("c", topic="Open"))
    assert [kind for kind, *_ in await notified(node, CAROL)] == ["added", "changed"]
    assert [kind for kind, *_ in await notified(node, BOB)] == ["changed", "added", "offer", "changed"]
    assert await node.refusal(MALLORY, ListNotices("c")) == "forbidden"
    assert await node.refusal(MALLORY, ListNotices("unknown")) == "forbidden"
    assert len(await notices(node, BACKEND)) == 4
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert await node.refusal(BOB, ListNotices("c")) == "forbidden"


async def test_in_a_large_conversation_members_come_and_go_unnoticed(node: Node) -> None:
    many = tuple(f"user{number}" for number in range(LARGE_CONVERSATION - 1))
    await node.do(BACKEND, CreateConversation("group", (*many, "alice"), id="c", owner_id="alice"))
    await node.do(ALICE, UpdateConversation("c", name="Plans"))
    await node.do(ALICE, RemoveMember("c", "user0"))
    assert [kind for kind, *_ in await notified(node)] == ["changed", "removed"]
    await node.do(BACKEND, AddMembers("c", ("bob", "carol")))
    assert [kind for kind, *_ in await notified(node)] == ["changed"]
    await node.do(ALICE, RemoveMember("c", "bob"))
    removed, added = [notice for notice in reversed(await notices(node)) if notice.type != "changed"][:2]
    assert (removed.user_ids, added.user_count) == (("bob",), 2)


async def test_notices_name_an_erased_user_as_deleted(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(BACKEND, UpdateMember("c", "bob", "admin"))
    await node.do(BOB, UpdateUser(name="Bobby"))
    await node.do(BOB, UpdateConversation("c", name="Plans"))
    assert dict((await notices(node))[0].names) == {"bob": "Bobby"}
    await node.do(BACKEND, EraseUser("bob", redact=True))
    assert dict((await notices(node))[0].names) == {"bob": DELETED_NAME}


@pytest.mark.parametrize("conversation_id", ["", "a b"])
async def test_an_invalid_id_is_refused(node: Node, conversation_id: str) -> None:
    assert await node.refusal(ALICE, ListNotices(conversation_id)) == "invalid_request"
