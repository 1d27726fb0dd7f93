"""Changes of messages and what belongs to them: replies, threads, attachments, mentions, edits, deletion, forwarding,
reactions, pins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import func, select

from talkwire.core.commands.accounts import BanUser, UpdateUser
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import CreateConversation, GetConversation
from talkwire.core.commands.files import CreateUpload, FinishUpload
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.messages import (
    AttachmentRef,
    DeleteMessage,
    EditMessage,
    ForwardMessage,
    GetMessage,
    GetThread,
    ListMessages,
    ListPins,
    ListVersions,
    PinMessage,
    React,
    SendMessage,
    UnpinMessage,
    Unreact,
)
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.domain.events import (
    MessageDeleted,
    MessageEdited,
    MessageEvent,
    MessagePinned,
    MessageReacted,
    MessageUnpinned,
    ThreadUpdated,
)
from talkwire.core.domain.model import Actor, Attachment, Message, Origin, Quote, Reaction
from talkwire.core.features.messages.pins import PINS_MAX
from talkwire.core.features.messages.reactions import EMOJI_PER_MESSAGE
from talkwire.storage.schema import file_links, mentions, message_versions, messages, reactions
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node
from tests.databases import Database

LIKE, HEART = "\U0001f44d", "\u2764\ufe0f"


async def _get(node: Node, message: Message) -> Message:
    found = await node.do(OPERATOR, GetMessage(str(message.id)))
    assert isinstance(found, Message)
    return found


async def _file(node: Node, actor: Actor, file_id: str) -> AttachmentRef:
    await node.do(actor, CreateUpload(file_id, "a.png", None, 3, 10_000))
    await node.do(actor, FinishUpload(file_id, "image/png", 3, f"digest of {file_id}", 2, 1))
    return AttachmentRef(id=file_id)


def _count(database: Database, table: object) -> int:
    with database.engine() as engine, engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]  # a table


async def _late_comer(node: Node) -> tuple[Message, Message]:
    """Carol joins a group whose history starts with joining; it has one message from before and one from after that."""
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="c", history="from-join", owner_id="alice"))
    before = await node.send(ALICE, "before")
    await node.do(BACKEND, AddMembers("c", ("carol",)))
    return before, await node.send(ALICE, "after")


# --- replies, threads -----------------------------------------------------------------------------------------------


async def test_a_reply_quotes_the_beginning_of_a_message_as_it_is_now(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    first = await node.send(ALICE, "x" * 500)
    reply = await node.do(BOB, SendMessage("c", "yes", reply_to_id=str(first.id)))
    assert reply.reply_to == Quote(first.id, "alice", "x" * 200, first.seq)
    assert await _get(node, reply) == reply
    await node.do(ALICE, EditMessage(str(first.id), "other"))
    assert (await _get(node, reply)).reply_to == Quote(first.id, "alice", "other", first.seq)
    await node.do(ALICE, DeleteMessage(str(first.id)))
    assert (await _get(node, reply)).reply_to == Quote(first.id, "alice", "", first.seq)


async def test_a_thread_counts_its_replies_and_lists_them(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    root = await node.send(ALICE, "root")
    sent = await node.in_one_batch(
        *((BOB, SendMessage("c", str(number), thread_id=str(root.id))) for number in range(5)),
        (ALICE, SendMessage("c", "beside")),
    )
    replies = sent[:5]
    root = await _get(node, root)
    assert (root.reply_count, root.thread_id) == (5, None)
    thread = await node.do(BOB, GetThread(str(root.id)))
    assert (thread.root, thread.replies.items) == (root, tuple(replies))
    assert {reply.thread_id for reply in replies} == {root.id}
    newest = await node.do(BOB, GetThread(str(replies[0].id), limit=2))
    assert (newest.root, newest.replies.items, newest.replies.has_more) == (root, tuple(replies[3:]), True)
    older = await node.do(BOB, GetThread(str(root.id), before=newest.replies.next, limit=2))
    assert older.replies.items == tuple(replies[1:3])
    later = await node.do(BOB, GetThread(str(root.id), after=str(replies[1].id), limit=2))
    assert (later.replies.items, later.replies.next) == (tuple(replies[2:4]), str(replies[3].id))
    await node.do(BOB, DeleteMessage(str(replies[0].id)))
    assert (await _get(node, root)).reply_count == 4
    tombstone = (await node.do(ALICE, GetThread(str(root.id)))).replies.items[0]
    assert (tombstone.id, tombstone.thread_id, tombstone.content) == (replies[0].id, root.id, "")


async def test_replies_of_one_batch_are_counted_and_seen(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    root = await node.send(ALICE, "root", "m1")
    in_thread = SendMessage("c", "yes", thread_id=str(root.id))
    outcomes = await node.in_one_batch(
        (BOB, in_thread), (BOB, in_thread), (ALICE, EditMessage(str(root.id), "other")), (BOB, in_thread)
    )
    assert (outcomes[2].reply_count, outcomes[2].content) == (2, "other")
    root = await _get(node, root)
    assert (root.reply_count, root.content) == (3, "other")


def _reply(message_id: str) -> SendMessage:
    return SendMessage("c", "x", reply_to_id=message_id)


def _in_thread(message_id: str) -> SendMessage:
    return SendMessage("c", "x", thread_id=message_id)


@pytest.mark.parametrize("referring", [_reply, _in_thread])
async def test_a_message_refers_to_visible_ones_of_its_conversation_only(
    node: Node, referring: Callable[[str], SendMessage]
) -> None:
    before, after = await _late_comer(node)
    await node.group("d", ALICE, CAROL)
    elsewhere = await node.send(ALICE, "x", to="d")
    for id_ in (str(before.id), str(elsewhere.id), str(after.id + 1000), "x", "", "9" * 30):
        assert await node.refusal(CAROL, referring(id_)) == "forbidden"
    await node.do(CAROL, referring(str(after.id)))
    await node.do(ALICE, DeleteMessage(str(after.id)))
    assert await node.refusal(CAROL, referring(str(after.id))) == "invalid_request"


async def test_threads_have_one_level(node: Node) -> None:
    await node.group("c", ALICE)
    root = await node.send(ALICE, "root")
    reply = await node.do(ALICE, SendMessage("c", "x", thread_id=str(root.id)))
    assert await node.refusal(ALICE, SendMessage("c", "x", thread_id=str(reply.id))) == "invalid_request"


@pytest.mark.parametrize(
    "other",
    [
        SendMessage("c", "Hello", "m1", reply_to_id="1000000000003"),
        SendMessage("c", "Hello", "m1", thread_id="1000000000003"),
        SendMessage("c", "Hello", "m1", attachments=(AttachmentRef(url="https://example.com"),)),
    ],
    ids=["reply", "thread", "attachment"],
)
async def test_every_field_of_a_message_distinguishes_it_from_a_retry(node: Node, other: SendMessage) -> None:
    await node.group("c", ALICE)
    await node.send(ALICE, "Hello", "m1")
    assert await node.refusal(ALICE, other) == "conflict"


# --- attachments ----------------------------------------------------------------------------------------------------


async def test_a_message_has_files_of_its_sender_and_addresses_attached(node: Node, database: Database) -> None:
    await node.group("c", ALICE, BOB)
    own = await _file(node, ALICE, "f1")
    refs = (
        own,
        AttachmentRef(url="https://example.com/x/a%20b.png?c"),
        own,
        AttachmentRef(url="http://e.org", name="n"),
    )
    sent = await node.do(ALICE, SendMessage("c", "", attachments=refs))
    assert sent.attachments == (
        Attachment("/api/v1/files/f1/a.png", "a.png", "f1", "image/png", 3, 2, 1, "/api/v1/files/f1/thumbnail"),
        Attachment("https://example.com/x/a%20b.png?c", "a b.png"),
        Attachment("http://e.org", "n"),
    )
    assert (sent.content, await _get(node, sent)) == ("", sent)
    assert _count(database, file_links) == 1


async def test_a_file_of_another_user_cannot_be_attached(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    own = await _file(node, ALICE, "f1")
    for ref in (own, AttachmentRef(id="none")):
        assert await node.refusal(BOB, SendMessage("c", "x", attachments=(ref,))) == "forbidden"
    # The backend may have uploaded the file for a user in whose name it sends.
    sent = await node.do(BACKEND, SendMessage("c", "", sender_id="alice", attachments=(own,)))
    assert sent.attachments[0].id == "f1"
    theirs = await _file(node, BACKEND, "f2")
    assert (await node.do(BACKEND, SendMessage("c", "", sender_id="bob", attachments=(theirs,)))).sender_id == "bob"


@pytest.mark.parametrize(
    "refs",
    [
        (AttachmentRef(),),
        (AttachmentRef(name="x"),),
        (AttachmentRef(id=""),),
        (AttachmentRef(id="\x00"),),
        (AttachmentRef(url="javascript:alert(1)"),),
        (AttachmentRef(url="//example.com"),),
        (AttachmentRef(url="https://"),),
        (AttachmentRef(url="https://exa mple.com"),),
        (AttachmentRef(url="https://[x"),),
        (AttachmentRef(url="https://example.com/" + "x" * 2048),),
        (AttachmentRef(url="https://example.com", name=""),),
        (AttachmentRef(url="https://example.com"),) * 21,
    ],
)
async def test_invalid_attachments_are_refused_before_queueing(node: Node, refs: tuple[AttachmentRef, ...]) -> None:
    await node.group("c", ALICE)
    assert await node.refusal(ALICE, SendMessage("c", "x", attachments=refs)) == "invalid_request"


# --- mentions -------------------------------------------------------------------------------------------------------


async def test_members_are_mentioned_by_name_or_id(node: Node, database: Database) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob", "carol", "Zoe-1"), id="c", owner_id="alice"))
    await node.do(BOB, UpdateUser(name="Bob Smith"))
    await node.do(CAROL, UpdateUser(name="bob smith"))
    sent = await node.send(ALICE, "@Bob Smith, @Zoe-1 and @mallory")
    assert (sent.mentions, sent.mentions_all) == (("bob", "carol", "Zoe-1"), False)
    everyone = await node.send(ALICE, "@all")
    assert (everyone.mentions, everyone.mentions_all) == ((), True)
    assert await _get(node, sent) == sent
    assert await _get(node, everyone) == everyone
    assert _count(database, mentions) == 4


async def test_a_user_id_may_be_an_asterisk(node: Node) -> None:
    """Such an id has no special meaning in the server."""
    star = Actor("*", "Star")
    await node.group("c", ALICE, BOB, star)
    await node.send(ALICE, "@* and @all")
    await node.send(ALICE, "@* alone")
    counts = [(await node.do(actor, GetConversation("c"))).unread.mention_count for actor in (star, BOB)]
    assert counts == [2, 1]


async def test_a_batch_knows_the_members_and_names_that_it_changed(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    text = SendMessage("c", "@bob @carol @rob")
    outcomes = await node.in_one_batch(
        (ALICE, text),
        (ALICE, AddMembers("c", ("bob",))),
        (BACKEND, AddMembers("c", ("carol",))),
        (ALICE, text),
        (BOB, UpdateUser(name="Rob")),
        (ALICE, text),
        (ALICE, RemoveMember("c", "carol")),
        (ALICE, text),
    )
    assert [outcome.mentions for outcome in outcomes if isinstance(outcome, Message)] == [
        ("bob",),
        ("bob", "carol"),
        ("bob", "carol"),
        ("bob",),
    ]


async def test_an_edit_replaces_the_mentions(node: Node, database: Database) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    sent = await node.send(ALICE, "@bob @all")
    edited = await node.do(ALICE, EditMessage(str(sent.id), "@carol"))
    assert (edited.mentions, edited.mentions_all) == (("carol",), False)
    assert await _get(node, edited) == edited
    assert _count(database, mentions) == 1


# --- edits ----------------------------------------------------------------------------------------------------------


async def test_an_edited_message_keeps_its_earlier_versions(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "1", "m1")
    times, edited = [clock.now_ms], sent
    for content in ("2", "3"):
        clock.now_ms += 1000
        times.append(clock.now_ms)
        edited = await node.do(ALICE, EditMessage(str(sent.id), content))
        assert (edited.content, edited.edited_ms) == (content, clock.now_ms)
        assert (edited.id, edited.seq, edited.created_ms) == (sent.id, sent.seq, sent.created_ms)
    assert isinstance(node.log[-1], MessageEdited)
    assert node.log[-1].message == edited == await _get(node, sent)
    page = await node.do(BOB, ListVersions(str(sent.id)))
    assert [(version.number, version.content, version.written_ms) for version in page.items] == [
        (1, "1", times[0]),
        (2, "2", times[1]),
        (3, "3", times[2]),
    ]
    newest = await node.do(BOB, ListVersions(str(sent.id), limit=2))
    assert ([version.number for version in newest.items], newest.next) == ([2, 3], "2")
    older = await node.do(BOB, ListVersions(str(sent.id), newest.next, limit=2))
    assert ([version.number for version in older.items], older.next) == ([1], None)
    assert await node.send(ALICE, "1", "m1") == edited
    # An edit without a change does nothing.
    events = len(node.log)
    assert await node.do(ALICE, EditMessage(str(sent.id), "3")) == edited
    assert len(node.log) == events


async def test_versions_end_before_they_are_too_many_bytes(node: Node) -> None:
    await node.group("c", ALICE)
    sent = await node.send(ALICE, "0")
    await node.in_one_batch(*((ALICE, EditMessage(str(sent.id), f"{n}" + "x" * 60_000)) for n in range(8)))
    page = await node.do(ALICE, ListVersions(str(sent.id)))
    assert [version.number for version in page.items] == [6, 7, 8, 9]
    assert page.next == "6"


async def test_only_authors_edit_and_only_where_they_may_write(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    sent = await node.send(BOB, "1")
    edit = EditMessage(str(sent.id), "2")
    for actor in (ALICE, CAROL, MALLORY, OPERATOR):
        assert await node.refusal(actor, edit) == "forbidden"
    await node.do(ALICE, RestrictMember("c", "bob", "mute"))
    assert await node.refusal(BOB, edit) == "muted"
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert await node.refusal(BOB, edit) == "forbidden"
    for message_id in ("x", "", "1", str(sent.id + 1000)):
        assert await node.refusal(BOB, EditMessage(message_id, "x")) == "forbidden"


async def test_the_backend_edits_in_the_authors_name(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(BOB, "1")
    assert (await node.do(BACKEND, EditMessage(str(sent.id), "2"))).content == "2"
    assert (await node.do(BACKEND, EditMessage(str(sent.id), "3", "bob"))).content == "3"
    assert await node.refusal(BACKEND, EditMessage(str(sent.id), "4", "alice")) == "forbidden"
    assert await node.refusal(ALICE, EditMessage(str(sent.id), "4", "bob")) == "forbidden"


async def test_the_backend_edits_whatever_keeps_the_author_from_writing(node: Node) -> None:
    """As with deletions: correcting a message is not sending a new one."""
    await node.group("c", ALICE, BOB)
    message_id = str((await node.send(BOB, "1")).id)
    await node.do(ALICE, RestrictMember("c", "bob", "mute"))
    assert (await node.do(BACKEND, EditMessage(message_id, "2"))).content == "2"
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert (await node.do(BACKEND, EditMessage(message_id, "3", "bob"))).content == "3"
    await node.do(OPERATOR, BanUser("bob"))
    assert (await node.do(BACKEND, EditMessage(message_id, "4 @alice"))).mentions == ("alice",)
    assert (await node.do(ALICE, GetMessage(message_id))).content == "4 @alice"
    assert await node.refusal(BACKEND, EditMessage(message_id, " ")) == "invalid_request"
    assert await node.refusal(BACKEND, EditMessage(message_id, "5", "alice")) == "forbidden"
    await node.do(BACKEND, DeleteMessage(message_id))
    assert await node.refusal(BACKEND, EditMessage(message_id, "5")) == "invalid_request"


async def test_slow_mode_lets_the_last_message_be_corrected(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="c", slow_mode_s=60, owner_id="alice"))
    sent = await node.send(BOB, "1", "m1")
    assert await node.refusal(BOB, SendMessage("c", "2")) == "rate_limited"
    assert await node.send(BOB, "1", "m1") == sent
    assert (await node.do(BOB, EditMessage(str(sent.id), "2"))).content == "2"


async def test_a_text_cannot_be_edited_away(node: Node) -> None:
    await node.group("c", ALICE)
    text = await node.send(ALICE, "x")
    with_file = await node.do(ALICE, SendMessage("c", "x", attachments=(await _file(node, ALICE, "f1"),)))
    assert await node.refusal(ALICE, EditMessage(str(text.id), " ")) == "invalid_request"
    assert (await node.do(ALICE, EditMessage(str(with_file.id), ""))).content == ""


# --- deletion -------------------------------------------------------------------------------------------------------


async def test_only_the_place_of_a_deleted_message_stays(node: Node, database: Database, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    root = await node.send(ALICE, "root")
    sent = await node.do(
        BOB,
        SendMessage(
            "c",
            "secret @alice",
            "m1",
            {"a": "secret"},
            attachments=(await _file(node, BOB, "f1"),),
            reply_to_id=str(root.id),
            thread_id=str(root.id),
        ),
    )
    await node.do(BOB, EditMessage(str(sent.id), "secret again @alice"))
    await node.do(ALICE, React(str(sent.id), LIKE))
    await node.do(ALICE, PinMessage(str(sent.id)))
    clock.now_ms += 1000
    assert await node.do(ALICE, DeleteMessage(str(sent.id))) is None
    tombstone = Message(
        id=sent.id,
        conversation_id="c",
        seq=2,
        sender_id="bob",
        sender_name=sent.sender_name,
        content="",
        created_ms=sent.created_ms,
        client_message_id="m1",
        command_hash=sent.command_hash,
        thread_id=root.id,
        deleted_ms=clock.now_ms,
        deleted_by="alice",
    )
    assert isinstance(node.log[-2], MessageDeleted)
    assert node.log[-2].message == tombstone == await _get(node, sent)
    assert isinstance(node.log[-1], ThreadUpdated)
    assert node.log[-1].message == root == await _get(node, root)
    assert (await node.do(BOB, ListMessages("c"))).items[1] == tombstone
    assert (await node.do(BOB, ListVersions(str(sent.id)))).items == ()
    for table in (message_versions, reactions, mentions, file_links):
        assert _count(database, table) == 0
    with database.engine() as engine, engine.connect() as connection:
        row = connection.execute(select(messages).where(messages.c.id == sent.id)).one()
    assert "secret" not in str(row)
    assert all("secret" not in str(event) for event in await node.replay())
    # The client message id stays used, and deleting twice is no error.
    events = len(node.log)
    await node.do(BOB, DeleteMessage(str(sent.id)))
    assert len(node.log) == events
    assert await node.refusal(BOB, SendMessage("c", "other", "m1")) == "conflict"


async def test_changes_of_a_deleted_message_are_refused(node: Node) -> None:
    await node.group("c", ALICE)
    sent = await node.send(ALICE, "x")
    await node.do(ALICE, DeleteMessage(str(sent.id)))
    id_ = str(sent.id)
    commands: Sequence[Command[object]] = (
        EditMessage(id_, "y"),
        React(id_, LIKE),
        Unreact(id_, LIKE),
        PinMessage(id_),
        ForwardMessage(id_, ("c",)),
    )
    for command in commands:
        assert await node.refusal(ALICE, command) == "invalid_request"


@pytest.mark.parametrize(
    ("actor", "by"), [(BOB, "bob"), (ALICE, "alice"), (OPERATOR, "operator"), (BACKEND, "bob")], ids=str
)
async def test_authors_owners_and_admins_delete_messages(node: Node, actor: Actor, by: str) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    sent = await node.send(BOB, "x")
    for other in (CAROL, MALLORY):
        assert await node.refusal(other, DeleteMessage(str(sent.id))) == "forbidden"
    await node.do(actor, DeleteMessage(str(sent.id)))
    assert (await _get(node, sent)).deleted_by == by


async def test_in_a_direct_conversation_everybody_deletes_their_own(node: Node) -> None:
    view = await node.do(BACKEND, CreateConversation("direct", ("alice", "bob")))
    sent = await node.send(BOB, "x", to=view.conversation.id)
    assert await node.refusal(ALICE, DeleteMessage(str(sent.id))) == "forbidden"
    await node.do(BOB, DeleteMessage(str(sent.id)))


async def test_banned_users_and_former_members_delete_nothing(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    first, second = await node.send(BOB, "x"), await node.send(CAROL, "x")
    await node.do(ALICE, RemoveMember("c", "bob"))
    await node.do(OPERATOR, BanUser("carol"))
    assert await node.refusal(BOB, DeleteMessage(str(first.id))) == "forbidden"
    assert await node.refusal(CAROL, DeleteMessage(str(second.id))) == "banned"


# --- forwarding -----------------------------------------------------------------------------------------------------


async def test_a_forwarded_message_is_a_copy_that_names_its_first_source(node: Node, database: Database) -> None:
    await node.group("c", ALICE, BOB)
    await node.group("d", BOB, CAROL)
    await node.group("e", BOB)
    file = await _file(node, ALICE, "f1")
    source = await node.do(ALICE, SendMessage("c", "@bob look", "m1", {"a": 1}, attachments=(file,)))
    copies = await node.do(BOB, ForwardMessage(str(source.id), ("d", "e", "d")))
    assert [(copy.conversation_id, copy.seq, copy.sender_id) for copy in copies] == [("d", 1, "bob"), ("e", 1, "bob")]
    for copy in copies:
        assert (copy.content, copy.attachments) == (source.content, source.attachments)
        assert copy.forwarded_from == Origin(source.id, "alice")
        assert (copy.metadata, copy.client_message_id, copy.mentions) == (None, None, ())
        assert await _get(node, copy) == copy
    (again,) = await node.do(CAROL, ForwardMessage(str(copies[0].id), ("d",)))
    assert again.forwarded_from == Origin(source.id, "alice")
    assert _count(database, file_links) == 4
    assert await node.refusal(CAROL, EditMessage(str(again.id), "I never said that")) == "invalid_request"


async def test_a_message_is_forwarded_to_all_or_to_none(node: Node) -> None:
    before, after = await _late_comer(node)
    await node.group("d", CAROL)
    await node.do(BACKEND, CreateConversation("channel", ("alice", "carol"), id="n", owner_id="alice"))
    await node.group("e", ALICE)
    for target in ("e", "n", "none"):
        assert await node.refusal(CAROL, ForwardMessage(str(after.id), ("d", target))) == "forbidden"
    assert await node.refusal(CAROL, ForwardMessage(str(before.id), ("d",))) == "forbidden"
    assert await node.refusal(MALLORY, ForwardMessage(str(after.id), ("d",))) == "forbidden"
    for targets in ((), ("d",) * 21, ("a/b",)):
        assert await node.refusal(CAROL, ForwardMessage(str(after.id), targets)) == "invalid_request"
    assert (await node.do(CAROL, ListMessages("d"))).items == ()


# --- reactions ------------------------------------------------------------------------------------------------------


async def test_reactions_are_counted_in_the_order_of_their_first(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    sent = await node.send(ALICE, "x", "m1")
    id_ = str(sent.id)
    await node.do(BOB, React(id_, LIKE))
    await node.do(BOB, React(id_, ":party:"))
    reacted = await node.do(ALICE, React(id_, LIKE))
    assert reacted.reactions == (Reaction(LIKE, 2, ("bob", "alice")), Reaction(":party:", 1, ("bob",)))
    assert node.log[-1] == MessageReacted(node.log[-1].pos, node.clock.now_ms, reacted, "alice", LIKE, added=True)
    events = len(node.log)
    assert await node.do(ALICE, React(id_, LIKE)) == reacted
    assert await node.do(CAROL, Unreact(id_, LIKE)) == reacted
    assert await node.do(CAROL, Unreact(id_, HEART)) == reacted
    assert len(node.log) == events
    assert await _get(node, sent) == reacted
    # After the oldest reaction was removed, the second one is first, live and when it is read.
    left = await node.do(BOB, Unreact(id_, LIKE))
    assert left.reactions == (Reaction(":party:", 1, ("bob",)), Reaction(LIKE, 1, ("alice",)))
    assert await _get(node, sent) == left == await node.send(ALICE, "x", "m1")


async def test_a_reaction_lists_its_first_users(node: Node) -> None:
    actors = [Actor(f"u{number:03}", "U") for number in range(103)]
    await node.group("c", *actors)
    sent = await node.send(actors[0], "x")
    outcomes = await node.in_one_batch(*((actor, React(str(sent.id), LIKE)) for actor in actors))
    assert outcomes[-1] == await _get(node, sent)
    first = [actor.user_id for actor in actors]
    assert (await _get(node, sent)).reactions == (Reaction(LIKE, 103, tuple(first[:100])),)
    events = len(node.log)
    await node.do(actors[102], React(str(sent.id), LIKE))
    assert len(node.log) == events
    left = await node.do(actors[5], Unreact(str(sent.id), LIKE))
    assert left.reactions == (Reaction(LIKE, 102, (*first[:5], *first[6:101])),)
    assert await _get(node, sent) == left
    await node.do(actors[102], Unreact(str(sent.id), LIKE))
    assert (await _get(node, sent)).reactions[0].count == 101


async def test_a_message_has_a_limited_number_of_different_reactions(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "x")
    for number in range(EMOJI_PER_MESSAGE):
        await node.do(ALICE, React(str(sent.id), f":e{number}:"))
    assert await node.refusal(ALICE, React(str(sent.id), LIKE)) == "invalid_request"
    assert (await node.do(BOB, React(str(sent.id), ":e0:"))).reactions[0].count == 2


@pytest.mark.parametrize(
    "emoji", ["", " ", "a b", "\n", "\x00", "\u200d", "\ufe0f", "\ud83d", "x" * 33, "\u2028", "\u3000", "a\x7f"]
)
async def test_an_invalid_emoji_is_refused(node: Node, emoji: str) -> None:
    await node.group("c", ALICE)
    sent = await node.send(ALICE, "x")
    assert await node.refusal(ALICE, React(str(sent.id), emoji)) == "invalid_request"
    assert await node.refusal(ALICE, Unreact(str(sent.id), emoji)) == "invalid_request"


@pytest.mark.parametrize(
    "emoji", [HEART, "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", ":a_b:", "+1"]
)
async def test_an_emoji_may_be_several_characters(node: Node, emoji: str) -> None:
    await node.group("c", ALICE)
    sent = await node.send(ALICE, "x")
    assert (await node.do(ALICE, React(str(sent.id), emoji))).reactions == (Reaction(emoji, 1, ("alice",)),)


async def test_readers_of_a_channel_react_and_a_block_ends_it(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("channel", ("alice", "bob"), id="n", owner_id="alice"))
    sent = await node.send(ALICE, "x", to="n")
    await node.do(BOB, React(str(sent.id), LIKE))
    direct = (await node.do(BACKEND, CreateConversation("direct", ("alice", "bob")))).conversation.id
    message = await node.send(ALICE, "x", to=direct)
    await node.do(BOB, BlockUser("alice"))
    for command in (React(str(message.id), LIKE), PinMessage(str(message.id)), EditMessage(str(message.id), "y")):
        assert await node.refusal(ALICE, command) == "blocked"


# --- pins -----------------------------------------------------------------------------------------------------------


async def test_pins_are_listed_the_newest_first(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    sent = [await node.send(BOB, str(number)) for number in range(4)]
    for message in (sent[2], sent[0]):
        clock.now_ms += 1
        await node.do(ALICE, PinMessage(str(message.id)))
    clock.now_ms += 1
    pinned = await node.do(ALICE, PinMessage(str(sent[1].id)))
    assert pinned.pinned_ms == clock.now_ms
    assert node.log[-1:] == [MessagePinned(node.log[-1].pos, clock.now_ms, pinned, "alice")]
    events = len(node.log)
    await node.do(ALICE, PinMessage(str(sent[0].id)))
    await node.do(ALICE, UnpinMessage(str(sent[3].id)))
    assert len(node.log) == events
    first = await node.do(BOB, ListPins("c", limit=2))
    assert [message.content for message in first.items] == ["1", "0"]
    second = await node.do(BOB, ListPins("c", first.next, limit=2))
    assert ([message.content for message in second.items], second.next) == (["2"], None)
    unpinned = await node.do(ALICE, UnpinMessage(str(sent[0].id)))
    assert node.log[-1:] == [MessageUnpinned(node.log[-1].pos, clock.now_ms, unpinned, "alice")]
    assert [message.content for message in (await node.do(BOB, ListPins("c"))).items] == ["1", "2"]


async def test_owners_and_admins_pin_and_both_members_of_a_direct_conversation(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(BOB, "x")
    for actor in (BOB, MALLORY):
        assert await node.refusal(actor, PinMessage(str(sent.id))) == "forbidden"
        assert await node.refusal(actor, UnpinMessage(str(sent.id))) == "forbidden"
    for actor in (OPERATOR, BACKEND, ALICE):
        await node.do(actor, PinMessage(str(sent.id)))
        await node.do(actor, UnpinMessage(str(sent.id)))
    direct = (await node.do(BACKEND, CreateConversation("direct", ("alice", "bob")))).conversation.id
    message = await node.send(ALICE, "x", to=direct)
    await node.do(BOB, PinMessage(str(message.id)))
    await node.do(ALICE, UnpinMessage(str(message.id)))


async def test_a_conversation_has_a_limited_number_of_pins(node: Node) -> None:
    await node.group("c", ALICE)
    sent = await node.in_one_batch(*((ALICE, SendMessage("c", str(number))) for number in range(PINS_MAX + 1)))
    await node.in_one_batch(*((ALICE, PinMessage(str(message.id))) for message in sent[:-1]))
    assert await node.refusal(ALICE, PinMessage(str(sent[-1].id))) == "invalid_request"
    await node.do(ALICE, DeleteMessage(str(sent[0].id)))
    await node.do(ALICE, PinMessage(str(sent[-1].id)))


# --- who sees what --------------------------------------------------------------------------------------------------


async def test_a_late_member_sees_nothing_from_before(node: Node) -> None:
    before, after = await _late_comer(node)
    await node.do(ALICE, SendMessage("c", "x", thread_id=str(before.id)))
    await node.do(ALICE, PinMessage(str(before.id)))
    await node.do(ALICE, PinMessage(str(after.id)))
    await node.do(BACKEND, AddMembers("c", ("owner",)))
    page = await node.do(CAROL, ListMessages("c"))
    assert ([message.seq for message in page.items], page.has_more) == ([2, 3], False)
    around = await node.do(CAROL, ListMessages("c", around=str(after.id)))
    assert ([message.seq for message in around.items], around.next) == ([2, 3], None)
    assert (await node.do(CAROL, ListMessages("c", before=str(after.id)))).items == ()
    assert [message.id for message in (await node.do(CAROL, ListPins("c"))).items] == [after.id]
    id_ = str(before.id)
    hidden: Sequence[Command[object]] = (
        GetMessage(id_),
        ListMessages("c", before=id_),
        ListMessages("c", after=id_),
        ListMessages("c", around=id_),
        ListVersions(id_),
        GetThread(id_),
        GetThread(str(page.items[1].id)),
        ListPins("c", id_),
        React(id_, LIKE),
        Unreact(id_, LIKE),
        DeleteMessage(id_),
        PinMessage(id_),
        EditMessage(id_, "x"),
    )
    for query in hidden:
        assert await node.refusal(CAROL, query) == "forbidden"
    assert len((await node.do(BOB, ListMessages("c"))).items) == 3


async def test_a_returning_member_does_not_see_their_own_old_messages(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="c", history="from-join", owner_id="alice"))
    sent = await node.send(BOB, "x")
    await node.do(BOB, RemoveMember("c", "bob"))
    await node.do(BACKEND, AddMembers("c", ("bob",)))
    id_ = str(sent.id)
    own: Sequence[Command[object]] = (GetMessage(id_), EditMessage(id_, "y"), DeleteMessage(id_), React(id_, LIKE))
    for command in own:
        assert await node.refusal(BOB, command) == "forbidden"
    await node.do(BACKEND, UpdateMember("c", "bob", "admin"))
    assert await node.refusal(BOB, PinMessage(id_)) == "forbidden"


async def test_only_members_read_the_parts_of_a_message(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "x")
    await node.do(ALICE, RemoveMember("c", "bob"))
    queries: Sequence[Command[object]] = (ListVersions(str(sent.id)), GetThread(str(sent.id)), ListPins("c"))
    for actor in (BOB, MALLORY):
        for query in queries:
            assert await node.refusal(actor, query) == "forbidden"
    for actor in (OPERATOR, BACKEND):
        for query in queries:
            await node.do(actor, query)


# --- all at once ----------------------------------------------------------------------------------------------------


async def test_changes_in_one_batch_build_on_each_other(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "0", "m1")
    id_ = str(sent.id)
    outcomes = await node.in_one_batch(
        (ALICE, EditMessage(id_, "1")),
        (BOB, React(id_, LIKE)),
        (BOB, SendMessage("c", "re", reply_to_id=id_)),
        (ALICE, EditMessage(id_, "2")),
        (ALICE, PinMessage(id_)),
        (ALICE, React(id_, LIKE)),
        (BOB, SendMessage("c", "re", reply_to_id=id_)),
        (ALICE, SendMessage("c", "0", "m1")),
        (ALICE, DeleteMessage(id_)),
        (BOB, SendMessage("c", "re", reply_to_id=id_)),
        (BOB, React(id_, HEART)),
        (ALICE, SendMessage("c", "0", "m1")),
    )
    assert [outcomes[2].reply_to.content, outcomes[6].reply_to.content] == ["1", "2"]
    retried = outcomes[7]
    assert (retried.content, retried.reactions[0].count, retried.pinned_ms) == ("2", 2, node.clock.now_ms)
    assert [outcomes[9].code, outcomes[10].code] == ["invalid_request", "invalid_request"]
    assert (outcomes[11].deleted_ms, outcomes[11].content) == (node.clock.now_ms, "")


async def test_events_have_the_stored_state_of_messages(node: Node) -> None:
    """After each change, whatever batches the changes fall into."""
    await node.group("c", ALICE, BOB)
    sent = await node.in_one_batch(*((ALICE, SendMessage("c", str(number))) for number in range(5)))
    for round_ in range(4):
        await asyncio.gather(
            *(node.do(BOB, React(str(message.id), f":{round_}:")) for message in sent),
            *(node.do(ALICE, EditMessage(str(message.id), f"{round_}")) for message in sent),
            *(node.do(ALICE, PinMessage(str(message.id))) for message in sent),
        )
        latest = {event.message.id: event.message for event in node.log if isinstance(event, MessageEvent)}
        for message in sent:
            assert await _get(node, message) == latest[message.id]
