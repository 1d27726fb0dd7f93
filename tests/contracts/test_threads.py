"""Threads: what their roots show, who follows them, and how many replies are unread."""

from __future__ import annotations

from random import Random

import pytest
from sqlalchemy import select

from talkwire.core.commands.accounts import EraseUser
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import (
    DeleteMessage,
    EditMessage,
    FollowThread,
    GetMessage,
    GetThread,
    ListMessages,
    ListThreads,
    MarkThreadRead,
    SendMessage,
    ThreadMark,
    UnfollowThread,
)
from talkwire.core.commands.receipts import CountUnread
from talkwire.core.commands.sync import ListEvents
from talkwire.core.domain.actors import UNREAD_COUNTER
from talkwire.core.domain.events import ThreadMarked, ThreadUpdated
from talkwire.core.domain.model import DELETED_NAME, PARTICIPANTS_MAX, Actor, Message
from talkwire.storage.schema import thread_follows
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, Node
from tests.databases import Database
from tests.repetition import repetitions

DAVE = Actor("dave", "Dave")
EVERYBODY = (ALICE, BOB, CAROL, DAVE)


async def _reply(node: Node, actor: Actor, root: Message, content: str = "yes") -> Message:
    sent: Message = await node.do(actor, SendMessage("c", content, thread_id=str(root.id)))
    return sent


async def _place(node: Node, actor: Actor, root: Message) -> ThreadMark:
    mark: ThreadMark = (await node.do(actor, GetThread(str(root.id)))).mark
    return mark


async def _listed(node: Node, actor: Actor, limit: int = 50) -> list[tuple[int, int]]:
    page = await node.do(actor, ListThreads(limit=limit))
    return [(each.root.id, each.mark.unread_count) for each in page.items]


# --- what a root shows ----------------------------------------------------------------------------------------------


async def test_a_root_shows_its_newest_reply_and_who_replied(node: Node) -> None:
    await node.group("c", *EVERYBODY)
    root = await node.send(ALICE, "root")
    assert root.thread is None
    for number, actor in enumerate((BOB, CAROL, BOB, DAVE)):
        node.clock.now_ms += 1000
        await _reply(node, actor, root, str(number))
    shown = await node.do(ALICE, GetMessage(str(root.id)))
    assert shown.thread is not None
    assert shown.thread.last_reply_ms == node.clock.now_ms
    assert [each.name for each in shown.thread.participants] == ["dave", "bob", "carol"]
    (listed, *_) = (await node.do(CAROL, ListMessages("c"))).items
    assert listed == shown == (await node.do(BOB, GetThread(str(root.id)))).root


async def test_a_deleted_reply_changes_the_root_for_everybody(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    root = await node.send(ALICE, "root")
    first = await _reply(node, BOB, root)
    node.clock.now_ms += 1000
    second = await _reply(node, ALICE, root)
    await node.do(ALICE, DeleteMessage(str(second.id)))
    updated = node.log[-1]
    assert isinstance(updated, ThreadUpdated)
    assert updated.message == await node.do(BOB, GetMessage(str(root.id)))
    assert updated.message.thread is not None
    assert updated.message.thread.last_reply_ms == first.created_ms
    assert [each.user_id for each in updated.message.thread.participants] == ["bob"]
    missed = await node.do(BOB, ListEvents(f"{node.chat.epoch}-0"))
    assert updated in missed.events
    await node.do(BOB, DeleteMessage(str(first.id)))
    shown = await node.do(BOB, GetMessage(str(root.id)))
    assert (shown.reply_count, shown.thread) == (0, None)


async def test_a_thread_does_not_name_an_erased_user(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    root = await node.send(ALICE, "root")
    await _reply(node, BOB, root)
    await node.do(BACKEND, EraseUser("bob", redact=False))
    kept = await node.do(ALICE, GetMessage(str(root.id)))
    assert kept.thread is not None
    assert [each.name for each in kept.thread.participants] == [DELETED_NAME]


async def test_history_without_replies_has_all_other_messages_once(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    root = await node.send(ALICE, "root")
    kept = [root.id]
    for number in range(12):
        await _reply(node, BOB, root)
        if number % 4 == 0:
            kept.append((await node.send(BOB, str(number))).id)
    everything = (await node.do(ALICE, ListMessages("c"))).items
    assert len(everything) == 12 + len(kept)
    found: list[int] = []
    before = None
    while before is not None or not found:
        page = await node.do(ALICE, ListMessages("c", before=before, limit=2, without_replies=True))
        found = [message.id for message in page.items] + found
        assert page.has_more == (page.next is not None)
        before = page.next
    assert found == kept
    after = await node.do(ALICE, ListMessages("c", after=str(root.id), limit=2, without_replies=True))
    assert [message.id for message in after.items] == kept[1:3]
    around = await node.do(ALICE, ListMessages("c", around_seq=3, without_replies=True))
    assert [message.id for message in around.items] == kept


# --- following --------------------------------------------------------------------------------------------------------


async def test_who_writes_or_is_mentioned_follows_a_thread(node: Node) -> None:
    await node.group("c", *EVERYBODY)
    root = await node.send(ALICE, "root")
    beside = await node.send(DAVE, "beside")
    assert await _listed(node, ALICE) == []
    await _reply(node, BOB, root)
    await _reply(node, BOB, root, "What do you think, @carol?")
    assert await _listed(node, ALICE) == [(root.id, 2)]
    assert await _listed(node, BOB) == [(root.id, 0)]
    assert await _listed(node, CAROL) == [(root.id, 1)]
    assert await _listed(node, DAVE) == []
    edited = await _reply(node, BOB, root)
    await node.do(BOB, EditMessage(str(edited.id), "And @dave?"))
    assert await _listed(node, DAVE) == [(root.id, 1)]
    await _reply(node, CAROL, beside)
    assert await _listed(node, CAROL) == [(beside.id, 0), (root.id, 2)]
    assert await _listed(node, DAVE) == [(beside.id, 1), (root.id, 1)]


async def test_both_users_of_a_direct_conversation_follow_its_threads(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="c"))
    root = await node.send(ALICE, "root")
    await node.in_one_batch(*((ALICE, SendMessage("c", "to myself", thread_id=str(root.id))),) * 2)
    assert await _listed(node, ALICE) == [(root.id, 0)]
    assert await _listed(node, BOB) == [(root.id, 2)]
    await node.do(BOB, UnfollowThread(str(root.id)))
    await _reply(node, ALICE, root)
    assert await _listed(node, BOB) == []
    await node.group("g", ALICE, BOB)
    other = await node.send(ALICE, "root", to="g")
    await node.do(ALICE, SendMessage("g", "to myself", thread_id=str(other.id)))
    assert await _listed(node, BOB) == []


async def test_following_by_hand_starts_at_the_newest_reply(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    root = await node.send(ALICE, "root")
    reply = await _reply(node, BOB, root)
    followed = ThreadMark("c", root.id, following=True, read_seq=reply.seq, unread_count=0)
    assert (await _place(node, CAROL, root)).following is False
    assert await node.do(CAROL, FollowThread(str(reply.id))) == followed
    count = len(node.log)
    assert await node.do(CAROL, FollowThread(str(root.id))) == followed
    assert len(node.log) == count
    await _reply(node, ALICE, root)
    assert await _listed(node, CAROL) == [(root.id, 1)]
    assert (await node.do(CAROL, UnfollowThread(str(root.id)))).unread_count == 0
    assert await _listed(node, CAROL) == []
    await _reply(node, ALICE, root, "@carol")
    assert await _listed(node, CAROL) == []
    await _reply(node, CAROL, root)
    assert (await _place(node, CAROL, root)).following is True


async def test_reading_a_thread_moves_its_own_position_only(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    root = await node.send(ALICE, "root")
    replies = [await _reply(node, BOB, root, str(number)) for number in range(3)]
    unread = await node.do(UNREAD_COUNTER, CountUnread((("c", "alice"),)))
    mark = await node.do(ALICE, MarkThreadRead(str(root.id), str(replies[1].id)))
    assert (mark.read_seq, mark.unread_count) == (replies[1].seq, 1)
    assert isinstance(node.log[-1], ThreadMarked)
    assert await node.do(UNREAD_COUNTER, CountUnread((("c", "alice"),))) == unread
    count = len(node.log)
    assert await node.do(ALICE, MarkThreadRead(str(root.id), str(replies[0].id))) == mark
    assert (await node.do(CAROL, MarkThreadRead(str(root.id)))).following is False
    assert len(node.log) == count
    assert (await node.do(ALICE, MarkThreadRead(str(root.id)))).unread_count == 0
    other = await node.send(ALICE, "another root")
    assert await node.refusal(ALICE, MarkThreadRead(str(root.id), str(other.id))) == "invalid_request"
    for_alice = (await node.do(ALICE, ListEvents(f"{node.chat.epoch}-0"))).events
    for_bob = (await node.do(BOB, ListEvents(f"{node.chat.epoch}-0"))).events
    assert [sum(isinstance(event, ThreadMarked) for event in events) for events in (for_alice, for_bob)] == [2, 0]


async def test_imported_replies_and_those_of_blocked_users_are_not_unread(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    root = await node.send(ALICE, "root")
    await _reply(node, BOB, root)
    old = SendMessage("c", "old", thread_id=str(root.id), sender_id="carol", created_ms=node.clock.now_ms)
    await node.do(BACKEND, old)
    assert await _listed(node, ALICE) == [(root.id, 1)]
    assert await _listed(node, CAROL) == [(root.id, 0)]
    await node.do(ALICE, BlockUser("bob"))
    assert await _listed(node, ALICE) == [(root.id, 0)]
    assert (await node.do(ALICE, ListThreads())).unread == 0


async def test_nobody_sees_threads_of_conversations_that_they_may_not_read(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    root = await node.send(ALICE, "root")
    await _reply(node, CAROL, root)
    for command in (FollowThread(str(root.id)), UnfollowThread(str(root.id)), MarkThreadRead(str(root.id))):
        assert await node.refusal(MALLORY, command) == "forbidden"
    await node.do(ALICE, RemoveMember("c", "carol"))
    await _reply(node, ALICE, root)
    assert await _listed(node, CAROL) == []
    assert (await node.do(CAROL, ListThreads())).unread == 0
    assert await node.refusal(CAROL, FollowThread(str(root.id))) == "forbidden"
    await node.do(ALICE, AddMembers("c", ("carol",)))
    assert await _listed(node, CAROL) == [(root.id, 1)]


async def test_pages_of_threads_have_each_thread_once(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    roots = [await node.send(ALICE, str(number)) for number in range(5)]
    for root in (*roots, roots[1]):
        await _reply(node, BOB, root)
    found: list[int] = []
    cursor = None
    while cursor is not None or not found:
        page = await node.do(ALICE, ListThreads(cursor, 2))
        assert page.unread == 5
        found += [each.root.id for each in page.items]
        cursor = page.next
    assert found == [roots[number].id for number in (1, 4, 3, 2, 0)]
    assert await node.refusal(ALICE, ListThreads("nonsense")) == "invalid_request"


async def test_nothing_of_an_erased_user_s_follows_is_left(node: Node, database: Database) -> None:
    await node.group("c", ALICE, BOB)
    root = await node.send(ALICE, "root")
    await _reply(node, BOB, root)
    await node.do(BACKEND, EraseUser("bob", redact=False))
    with database.engine() as engine, engine.connect() as connection:
        assert connection.execute(select(thread_follows.c.user_id)).scalars().all() == ["alice"]


@pytest.mark.parametrize("seed", range(repetitions(8)))
async def test_after_any_steps_roots_and_counts_are_those_of_the_replies(node: Node, seed: int) -> None:
    """The oracle computes everything again from the list of all messages."""
    random = Random(seed)
    await node.group("c", *EVERYBODY)
    roots = [await node.send(actor, "root") for actor in (ALICE, BOB)]
    read: dict[tuple[str, int], int] = {}
    for _ in range(25):
        actor, root = random.choice(EVERYBODY), random.choice(roots)
        place = (actor.user_id, root.id)
        step = random.choice(("reply", "reply", "reply", "mention", "delete", "read", "batch"))
        replies = (await node.do(ALICE, GetThread(str(root.id), limit=100))).replies.items
        last_seq = (await node.do(ALICE, ListMessages("c", limit=1))).items[-1].seq
        node.clock.now_ms += 1000
        if step in {"reply", "mention", "batch"}:
            other = random.choice(EVERYBODY)
            content = f"@{other.user_id}" if step == "mention" else "yes"
            command = SendMessage("c", content, thread_id=str(root.id))
            await node.in_one_batch(*((actor, command),) * (3 if step == "batch" else 1))
            read.setdefault(place, last_seq + 1)
            named = (root.sender_id, other.user_id) if step == "mention" else (root.sender_id,)
            for user_id in named:
                read.setdefault((user_id, root.id), last_seq)
        elif step == "delete" and replies:
            await node.do(BACKEND, DeleteMessage(str(random.choice(replies).id)))
        elif step == "read":
            mark = await node.do(actor, MarkThreadRead(str(root.id)))
            live = [reply.seq for reply in replies if reply.deleted_ms is None]
            if place in read:
                assert mark.following
                read[place] = max([read[place], *live])
        await _check(node, roots, read)


async def _check(node: Node, roots: list[Message], read: dict[tuple[str, int], int]) -> None:
    messages = (await node.do(ALICE, ListMessages("c", limit=100))).items
    for root in roots:
        replies = [m for m in messages if m.thread_id == root.id and m.deleted_ms is None]
        shown = next(m for m in messages if m.id == root.id)
        assert shown.reply_count == len(replies)
        newest_first = list(dict.fromkeys(reply.sender_id for reply in reversed(replies)))
        if replies:
            assert shown.thread is not None
            assert shown.thread.last_reply_ms == replies[-1].created_ms
            assert [each.user_id for each in shown.thread.participants] == newest_first[:PARTICIPANTS_MAX]
        else:
            assert shown.thread is None
    for actor in EVERYBODY:
        expected = {}
        for (user_id, root_id), seq in read.items():
            live = [m for m in messages if m.thread_id == root_id and m.deleted_ms is None]
            if user_id == actor.user_id and live:
                expected[root_id] = sum(m.seq > seq and m.sender_id != user_id for m in live)
        page = await node.do(actor, ListThreads())
        assert {each.root.id: each.mark.unread_count for each in page.items} == expected
        assert page.unread == sum(count > 0 for count in expected.values())
