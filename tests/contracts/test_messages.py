"""Sending messages, and reading them."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from talkwire.core.commands.accounts import BanUser, EnsureUser
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import GetMessage, ListMessages, SendMessage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import SEQ_MAX, Actor, Message
from talkwire.core.domain.pages import PAGE_MAX, PAGE_MAX_BYTES
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database


async def test_a_member_is_answered_with_the_message_as_it_is_stored(node: Node, clock: Clock) -> None:
    await node.do(ALICE, EnsureUser("alice", "Alice"))
    await node.group("c", ALICE, BOB)
    sent = await node.do(ALICE, SendMessage("c", "Hello \u2603 \U0001f600", "m1", {"a": [1, {"b": None}]}))
    assert sent == Message(
        id=id_at(node.log[-1].pos),
        conversation_id="c",
        seq=1,
        sender_id="alice",
        sender_name="Alice",
        content="Hello \u2603 \U0001f600",
        created_ms=clock.now_ms,
        client_message_id="m1",
        metadata={"a": [1, {"b": None}]},
        command_hash=sent.command_hash,
    )
    assert await node.do(BOB, GetMessage(str(sent.id))) == sent


async def test_many_senders_at_once_get_dense_seqs(node: Node) -> None:
    actors = [Actor(f"u{number}", f"User {number}") for number in range(10)]
    for conversation_id in ("c", "d"):
        await node.group(conversation_id, *actors)
    sent = await asyncio.gather(
        *(
            node.send(actor, f"{number}", to=conversation_id)
            for number in range(10)
            for actor in actors
            for conversation_id in ("c", "d")
        )
    )
    for conversation_id in ("c", "d"):
        seqs = [message.seq for message in sent if message.conversation_id == conversation_id]
        assert sorted(seqs) == list(range(1, 101))
    assert len({message.id for message in sent}) == 200


async def test_one_senders_messages_keep_their_order(node: Node) -> None:
    await node.group("c", ALICE)
    sent = await asyncio.gather(*(node.send(ALICE, str(number)) for number in range(50)))
    assert [message.seq for message in sent] == list(range(1, 51))


# --- once -----------------------------------------------------------------------------------------------------------


async def test_a_retry_in_the_same_batch_is_answered_with_the_first_message(node: Node) -> None:
    await node.group("c", ALICE)
    command = SendMessage("c", "Hello", "m1", {"x": 1, "y": 2})
    same = SendMessage("c", "Hello", "m1", {"y": 2, "x": 1})
    first, second = await node.in_one_batch((ALICE, command), (ALICE, same))
    assert first == second
    assert len([event for event in node.log if isinstance(event, MessageSent)]) == 1


async def test_a_retry_in_a_later_batch_is_answered_with_the_first_message(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE)
    first = await node.send(ALICE, "Hello", "m1")
    clock.now_ms += 1000
    assert await node.send(ALICE, "Hello", "m1") == first
    assert (await node.send(ALICE, "next")).seq == 2


async def test_a_retry_after_a_restart_is_answered_with_the_first_message(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.group("c", ALICE)
        first = await node.send(ALICE, "Hello", "m1")
    async with running(database, clock) as node:
        assert await node.send(ALICE, "Hello", "m1") == first
        assert node.log == []
        assert (await node.send(ALICE, "next")).seq == 2


async def test_retries_that_race_are_stored_once(node: Node) -> None:
    await node.group("c", ALICE)
    sent = await asyncio.gather(*(node.send(ALICE, "Hello", "m1") for _ in range(20)))
    assert len({message.id for message in sent}) == 1
    page = await node.do(ALICE, ListMessages("c"))
    assert [message.seq for message in page.items] == [1]


@pytest.mark.parametrize(
    "other", [SendMessage("c", "Goodbye", "m1"), SendMessage("c", "Hello", "m1", {"a": 1})], ids=["content", "metadata"]
)
async def test_another_message_under_the_same_client_id_is_a_conflict(node: Node, other: SendMessage) -> None:
    await node.group("c", ALICE)
    first, second = await node.in_one_batch((ALICE, SendMessage("c", "Hello", "m1")), (ALICE, other))
    assert isinstance(first, Message)
    assert isinstance(second, ChatError)
    assert second.code == "conflict"
    assert await node.refusal(ALICE, other) == "conflict"


async def test_a_client_message_id_belongs_to_one_sender_and_one_conversation(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.group("d", ALICE)
    sent = [
        await node.send(ALICE, "Hello", "m1"),
        await node.send(BOB, "Hello", "m1"),
        await node.send(ALICE, "Hello", "m1", to="d"),
        await node.send(ALICE, "Hello", "M1"),
    ]
    assert len({message.id for message in sent}) == 4


async def test_messages_without_a_client_id_are_never_retries(node: Node) -> None:
    await node.group("c", ALICE)
    first, second = await node.in_one_batch((ALICE, SendMessage("c", "Hello")), (ALICE, SendMessage("c", "Hello")))
    assert (first.seq, second.seq) == (1, 2)


# --- who may --------------------------------------------------------------------------------------------------------


async def test_strangers_are_refused_as_if_the_conversation_did_not_exist(node: Node) -> None:
    await node.group("c", ALICE)
    message = await node.send(ALICE, "Hello")
    await node.do(MALLORY, EnsureUser("mallory", "Mallory"))
    assert await node.refusal(MALLORY, SendMessage("c", "x")) == "forbidden"
    assert await node.refusal(MALLORY, SendMessage("none", "x")) == "forbidden"
    assert await node.refusal(MALLORY, ListMessages("c")) == "forbidden"
    assert await node.refusal(MALLORY, ListMessages("none")) == "forbidden"
    assert await node.refusal(MALLORY, GetMessage(str(message.id))) == "forbidden"
    assert await node.refusal(MALLORY, GetMessage("1")) == "forbidden"
    assert await node.refusal(MALLORY, GetMessage("not a number")) == "forbidden"


async def test_an_unknown_user_is_refused(node: Node) -> None:
    await node.group("c", ALICE)
    assert await node.refusal(MALLORY, SendMessage("c", "x")) == "forbidden"


async def test_a_former_member_neither_writes_nor_reads(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    message = await node.send(BOB, "Hello", "m1")
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert await node.refusal(BOB, SendMessage("c", "x")) == "forbidden"
    assert await node.refusal(BOB, SendMessage("c", "Hello", "m1")) == "forbidden"
    assert await node.refusal(BOB, ListMessages("c")) == "forbidden"
    assert await node.refusal(BOB, GetMessage(str(message.id))) == "forbidden"


async def test_a_banned_member_neither_writes_nor_reads(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    message = await node.send(BOB, "Hello")
    await node.do(OPERATOR, BanUser("bob"))
    assert await node.refusal(BOB, SendMessage("c", "x")) == "banned"
    assert await node.refusal(BOB, ListMessages("c")) == "banned"
    assert await node.refusal(BOB, GetMessage(str(message.id))) == "banned"


async def test_only_the_backend_sends_in_anothers_name(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.do(BACKEND, SendMessage("c", "Hello", "m1", sender_id="alice"))
    assert sent.sender_id == "alice"
    assert await node.do(ALICE, SendMessage("c", "Hello", "m1", sender_id="alice")) == sent
    assert await node.refusal(BOB, SendMessage("c", "x", sender_id="alice")) == "forbidden"
    assert await node.refusal(OPERATOR, SendMessage("c", "x", sender_id="alice")) == "forbidden"
    assert await node.refusal(BACKEND, SendMessage("c", "x", sender_id="mallory")) == "forbidden"


async def test_the_backend_and_operators_read_everything_that_there_is(node: Node) -> None:
    await node.group("c", ALICE)
    message = await node.send(ALICE, "Hello")
    for actor in (BACKEND, OPERATOR):
        assert (await node.do(actor, ListMessages("c"))).items == (message,)
        assert await node.refusal(actor, ListMessages("none")) == "not_found"


# --- checks before the queue ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (SendMessage("c", ""), "invalid_request"),
        (SendMessage("c", " \n\u3000"), "invalid_request"),
        (SendMessage("c", "a\x00b"), "invalid_request"),
        (SendMessage("c", "\ud83d"), "invalid_request"),
        (SendMessage("c", "\u00e4" * (32 * 1024 + 1)), "payload_too_large"),
        (SendMessage("c", "x", ""), "invalid_request"),
        (SendMessage("c", "x", "m" * 129), "invalid_request"),
        (SendMessage("c", "x", "\x00"), "invalid_request"),
        (SendMessage("c", "x", None, {"a\x00": 1}), "invalid_request"),
        (SendMessage("c", "x", None, {"a": ["\udfff"]}), "invalid_request"),
        (SendMessage("c", "x", None, {"a": "b" * 4096}), "invalid_request"),
        (SendMessage("c/d", "x"), "invalid_request"),
        (SendMessage("c\x00", "x"), "invalid_request"),
        (ListMessages("c\x00"), "invalid_request"),
        (ListMessages("\ud83d"), "invalid_request"),
        (ListMessages("c", before="1", after="1"), "invalid_request"),
    ],
)
async def test_invalid_messages_are_refused_before_queueing(
    node: Node, command: SendMessage | ListMessages, code: str
) -> None:
    await node.group("c", ALICE)
    assert await node.refusal(ALICE, command) == code


async def test_the_longest_message_is_stored_whole(node: Node) -> None:
    await node.group("c", ALICE)
    sent = await node.send(ALICE, "\u00e4" * (32 * 1024), "m" * 128)
    assert (await node.do(ALICE, ListMessages("c"))).items == (sent,)


# --- history --------------------------------------------------------------------------------------------------------


async def _history(node: Node, count: int) -> list[Message]:
    await node.group("c", ALICE, BOB)
    answers = await node.in_one_batch(*((ALICE, SendMessage("c", str(number))) for number in range(1, count + 1)))
    return list(answers)


async def _seqs(node: Node, query: ListMessages) -> list[int]:
    return [message.seq for message in (await node.do(BOB, query)).items]


async def test_a_reader_gets_the_newest_page_and_goes_back_from_it(node: Node) -> None:
    await _history(node, 7)
    pages = []
    before = None
    while True:
        page = await node.do(BOB, ListMessages("c", before=before, limit=3))
        pages.append([message.seq for message in page.items])
        assert page.has_more == (page.next is not None)
        if not page.has_more:
            break
        before = page.next
    assert pages == [[5, 6, 7], [2, 3, 4], [1]]


async def test_a_reader_goes_forward_from_a_message(node: Node) -> None:
    messages = await _history(node, 7)
    first = await node.do(BOB, ListMessages("c", after=str(messages[0].id), limit=3))
    second = await node.do(BOB, ListMessages("c", after=first.next, limit=3))
    assert [message.seq for message in first.items] == [2, 3, 4]
    assert first.has_more
    assert [message.seq for message in second.items] == [5, 6, 7]
    assert (second.has_more, second.next) == (False, None)


@pytest.mark.parametrize(
    ("anchor", "limit", "expected"),
    [
        (4, 3, [3, 4, 5]),
        (4, 4, [2, 3, 4, 5]),
        (4, 1, [4]),
        (4, 2, [3, 4]),
        (1, 4, [1, 2]),
        (7, 4, [5, 6, 7]),
        (4, 100, [1, 2, 3, 4, 5, 6, 7]),
    ],
)
async def test_a_page_around_a_message_contains_it(node: Node, anchor: int, limit: int, expected: list[int]) -> None:
    messages = await _history(node, 7)
    page = await node.do(BOB, ListMessages("c", around=str(messages[anchor - 1].id), limit=limit))
    assert [message.seq for message in page.items] == expected
    assert page.has_more == (expected[0] > 1)
    assert page.next == (str(page.items[0].id) if expected[0] > 1 else None)


@pytest.mark.parametrize(
    ("place", "limit", "expected"),
    [
        (4, 3, [3, 4, 5]),
        (1, 4, [1, 2]),
        (0, 4, [1, 2]),
        (8, 4, [6, 7]),
        (100, 3, [7]),
        (100, 1, [7]),
        (SEQ_MAX, 2, [7]),
    ],
)
async def test_a_page_around_a_place_needs_no_message_there(
    node: Node, place: int, limit: int, expected: list[int]
) -> None:
    await _history(node, 7)
    page = await node.do(BOB, ListMessages("c", around_seq=place, limit=limit))
    assert [message.seq for message in page.items] == expected
    assert page.next == (str(page.items[0].id) if expected[0] > 1 else None)


async def test_a_page_around_a_place_shows_nothing_from_before_the_members_history(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="c", history="from-join", owner_id="alice"))
    for number in range(3):
        await node.send(ALICE, str(number))
    await node.do(BACKEND, AddMembers("c", ("bob",)))
    assert await _seqs(node, ListMessages("c", around_seq=2)) == []
    await node.send(ALICE, "after")
    assert await _seqs(node, ListMessages("c", around_seq=2)) == [4]


@pytest.mark.parametrize("place", [-1, SEQ_MAX + 1])
async def test_a_place_that_cannot_be_is_refused(node: Node, place: int) -> None:
    await node.group("c", BOB)
    assert await node.refusal(BOB, ListMessages("c", around_seq=place)) == "invalid_request"


async def test_a_page_has_at_least_one_and_at_most_a_hundred_messages(node: Node) -> None:
    await _history(node, 120)
    assert len(await _seqs(node, ListMessages("c"))) == 50
    assert len(await _seqs(node, ListMessages("c", limit=1000))) == PAGE_MAX
    assert await _seqs(node, ListMessages("c", limit=0)) == [120]
    assert await _seqs(node, ListMessages("c", limit=-5)) == [120]


async def test_an_empty_conversation_has_one_empty_page(node: Node) -> None:
    await node.group("c", BOB)
    page = await node.do(BOB, ListMessages("c"))
    assert (page.items, page.has_more, page.next) == ((), False, None)


@pytest.mark.parametrize("heavy", ["content", "metadata"])
async def test_a_page_is_limited_in_bytes(node: Node, heavy: str) -> None:
    await node.group("c", ALICE, BOB)
    size = 30_000 if heavy == "content" else 4_000
    command = SendMessage("c", "x" * size) if heavy == "content" else SendMessage("c", "x", None, {"a": "x" * size})
    sent = await node.in_one_batch(*((ALICE, command) for _ in range(100)))
    newest = await node.do(BOB, ListMessages("c", limit=100))
    after = await node.do(BOB, ListMessages("c", after=str(sent[0].id), limit=100))
    around = await node.do(BOB, ListMessages("c", around=str(sent[50].id), limit=100))
    for page in (newest, after, around):
        assert PAGE_MAX_BYTES // 2 < size * len(page.items) <= PAGE_MAX_BYTES
        assert page.has_more
    assert newest.items[-1] == sent[-1]
    assert after.items[0] == sent[1]
    assert sent[50] in around.items
    seqs = [message.seq for message in around.items]
    assert seqs == list(range(seqs[0], seqs[-1] + 1))
    older = await node.do(BOB, ListMessages("c", before=newest.next, limit=100))
    assert older.items[-1].seq == newest.items[0].seq - 1


@pytest.mark.parametrize("direction", ["before", "after", "around"])
async def test_an_anchor_of_another_conversation_is_forbidden(node: Node, direction: str) -> None:
    await _history(node, 2)
    await node.group("d", BOB, CAROL)
    other = await node.send(CAROL, "Hello", to="d")
    for anchor in (str(other.id), str(other.id + 1000), "x", "-1", "9" * 30):
        query = msgspec.structs.replace(ListMessages("c"), **{direction: anchor})
        assert await node.refusal(BOB, query) == "forbidden"


async def test_a_direct_conversation_has_a_history_too(node: Node) -> None:
    view = await node.do(BACKEND, CreateConversation("direct", ("alice", "bob")))
    sent = await node.send(ALICE, "Hello", to=view.conversation.id)
    assert (await node.do(BOB, ListMessages(view.conversation.id))).items == (sent,)
