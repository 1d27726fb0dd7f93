"""Messages that the backend imports from other systems, with their original times."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, insert, select, text

from talkwire.core.commands.accounts import BanUser
from talkwire.core.commands.blocks import BlockUser, UnblockUser
from talkwire.core.commands.conversations import DeleteConversation
from talkwire.core.commands.files import CreateUpload, FinishUpload
from talkwire.core.commands.members import RemoveMember
from talkwire.core.commands.messages import (
    AttachmentRef,
    DeleteMessage,
    EditMessage,
    GetMessage,
    GivenReaction,
    ImportedParts,
    ListMessages,
    ListPins,
    React,
    SendMessage,
    Unreact,
)
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.notifications import ListNotifications
from talkwire.core.commands.receipts import CountUnread, MarkRead, MarkUnread, Unread
from talkwire.core.commands.server.offline_queue import FindMissed
from talkwire.core.commands.server.retention import PruneOld
from talkwire.core.commands.sync import ListEvents
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageSent, Notified
from talkwire.core.domain.model import Actor, Message, Reaction
from talkwire.core.engine.live_notifications import LiveNotifications
from talkwire.core.features.messages.pins import PINS_MAX
from talkwire.core.features.messages.sending import IMPORT_SKEW_MS
from talkwire.storage.engine import reading_engine
from talkwire.storage.followers.follower import Follower
from talkwire.storage.followers.offline_notifications import OfflineNotifications
from talkwire.storage.messages.imports import is_imported
from talkwire.storage.messages.retention import DeletedConversations
from talkwire.storage.schema import imports, mentions, messages, tombstones
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Clock, Node, running
from tests.contracts.paces import Restless
from tests.databases import Database
from tests.waiting import DEADLINE_S

DAY_MS = 86_400_000
START_MS = 1_600_000_000_000


def sent_at(created_ms: int, sender: Actor = ALICE, content: str = "Old", **more: Any) -> SendMessage:  # noqa: ANN401
    return SendMessage("c", content, sender_id=sender.user_id, created_ms=created_ms, **more)


async def bring(node: Node, *created_ms: int, sender: Actor = ALICE) -> list[Message]:
    return [await node.do(BACKEND, sent_at(each, sender)) for each in created_ms]


async def unread(node: Node, *actors: Actor) -> list[int]:
    keys = tuple(("c", actor.user_id) for actor in actors)
    found = {user_id: count for _, user_id, count in await node.do(BACKEND, CountUnread(keys))}
    assert all(isinstance(count, Unread) for count in found.values())
    return [found[actor.user_id].unread_count for actor in actors]


@pytest.fixture
async def group(node: Node) -> Node:
    await node.group("c", ALICE, BOB, CAROL)
    return node


# --- what is stored -------------------------------------------------------------------------------------------------


async def test_an_imported_message_keeps_its_time(group: Node) -> None:
    message = await group.do(BACKEND, sent_at(START_MS))
    assert (message.created_ms, message.sender_id, message.seq) == (START_MS, "alice", 1)
    assert group.log[-1] == MessageSent(group.chat.pos, group.clock.now_ms, message)
    assert (await group.replay())[-1] == group.log[-1]
    assert (await group.do(BOB, ListMessages("c"))).items == (message,)
    assert (await group.do(BOB, GetMessage(str(message.id)))).created_ms == START_MS
    page = await group.do(BOB, ListEvents(f"{group.chat.epoch}-0"))
    assert [event.message.created_ms for event in page.events if isinstance(event, MessageSent)] == [START_MS]


async def test_users_import_nothing(group: Node) -> None:
    assert await group.refusal(ALICE, SendMessage("c", "Old", created_ms=START_MS)) == "forbidden"
    assert await group.refusal(BACKEND, sent_at(-1)) == "invalid_request"


async def test_an_admin_imports_only_in_their_own_name(group: Node) -> None:
    await group.users(OPERATOR)
    await group.do(ALICE, CreateUpload("f", "a.png", None, 1, 1000))
    await group.do(ALICE, FinishUpload("f", "image/png", 1, "digest"))
    first = await group.do(BACKEND, sent_at(START_MS, client_message_id="m1"))
    for command, code in (
        (sent_at(START_MS), "forbidden"),
        (sent_at(START_MS, client_message_id="m1"), "forbidden"),
        (SendMessage("c", "", created_ms=START_MS, attachments=(AttachmentRef(id="f"),)), "not_found"),
    ):
        assert await group.refusal(OPERATOR, command) == code
    assert (await group.do(BOB, ListMessages("c"))).items == (first,)
    for sender_id in ("operator", None):
        own = await group.do(OPERATOR, SendMessage("c", "Old", sender_id=sender_id, created_ms=START_MS))
        assert (own.created_ms, own.sender_id) == (START_MS, "operator")


async def test_times_ascend(group: Node) -> None:
    await bring(group, START_MS, START_MS, START_MS + 1)
    with pytest.raises(ChatError, match=r"2020-09-13T12:26:40\.001Z") as refused:
        await bring(group, START_MS)
    assert (refused.value.code, refused.value.details[0]["path"]) == ("invalid_request", "createdAt")  # type: ignore[index]
    await group.send(BOB, "Now")
    assert await group.refusal(BACKEND, sent_at(group.clock.now_ms - 1)) == "invalid_request"
    await bring(group, group.clock.now_ms, group.clock.now_ms + IMPORT_SKEW_MS)
    assert await group.refusal(BACKEND, sent_at(group.clock.now_ms + IMPORT_SKEW_MS + 1)) == "invalid_request"


async def test_times_ascend_within_a_batch_too(group: Node) -> None:
    times = (START_MS, START_MS + 2, START_MS + 1, START_MS + 2)
    outcomes = await group.in_one_batch(*((BACKEND, sent_at(each)) for each in times))
    assert [each.created_ms if isinstance(each, Message) else each.code for each in outcomes] == [
        START_MS,
        START_MS + 2,
        "invalid_request",
        START_MS + 2,
    ]


async def test_mutes_and_slow_mode_do_not_apply_to_imports(group: Node) -> None:
    """The sender need not be a member any more either."""
    await group.do(BACKEND, RestrictMember("c", "carol", "mute"))
    await group.do(BACKEND, RemoveMember("c", "bob"))
    await group.do(OPERATOR, BanUser("carol"))
    for sender in (ALICE, BOB, CAROL):
        await bring(group, START_MS, sender=sender)
    assert await group.refusal(BACKEND, sent_at(START_MS, Actor("nobody", ""))) == "invalid_request"
    assert await group.refusal(BACKEND, SendMessage("d", "Old", sender_id="alice", created_ms=START_MS)) == "not_found"


async def test_replies_and_attachments_come_along(group: Node) -> None:
    await group.do(ALICE, CreateUpload("f", "a.png", None, 1, 1000))
    await group.do(ALICE, FinishUpload("f", "image/png", 1, "digest"))
    first = await group.do(BACKEND, sent_at(START_MS, content="", attachments=(AttachmentRef(id="f"),)))
    assert first.attachments[0].id == "f"
    reply = await group.do(BACKEND, sent_at(START_MS + 1, BOB, reply_to_id=str(first.id), thread_id=str(first.id)))
    assert (reply.reply_to.id, reply.thread_id) == (first.id, first.id)
    assert (await group.do(BOB, GetMessage(str(first.id)))).reply_count == 1


async def test_a_retry_imports_nothing_again(group: Node) -> None:
    first = await group.do(BACKEND, sent_at(START_MS, client_message_id="m1"))
    await bring(group, START_MS + 5)
    assert await group.do(BACKEND, sent_at(START_MS, client_message_id="m1")) == first
    assert await group.refusal(BACKEND, sent_at(START_MS + 1, client_message_id="m1")) == "conflict"
    assert await group.refusal(BACKEND, SendMessage("c", "Old", "m1", sender_id="alice")) == "conflict"


# --- what is unread -------------------------------------------------------------------------------------------------


async def test_imported_messages_are_not_unread(group: Node, database: Database, clock: Clock) -> None:
    await bring(group, START_MS, START_MS + 1)
    await group.do(BACKEND, sent_at(START_MS + 2, BOB, "@alice @all"))
    assert await unread(group, ALICE, BOB, CAROL) == [0, 0, 0]
    await group.send(ALICE, "Now @bob")
    await group.send(BOB, "Now")
    clock.now_ms += 1000
    await bring(group, clock.now_ms, sender=CAROL)
    await group.send(CAROL, "Later")
    await bring(group, clock.now_ms, clock.now_ms, sender=BOB)
    assert await unread(group, ALICE, BOB, CAROL) == [2, 2, 2]
    await group.do(ALICE, MarkRead("c", await _id_at(group, 5)))
    assert await unread(group, ALICE, BOB, CAROL) == [1, 2, 2]
    await group.do(BOB, MarkRead("c", await _id_at(group, 6)))
    await group.do(CAROL, MarkRead("c"))
    assert await unread(group, ALICE, BOB, CAROL) == [1, 1, 0]
    await group.send(ALICE, "Still later")
    async with running(database, clock) as restarted:
        assert await unread(restarted, ALICE, BOB, CAROL) == [1, 2, 1]


async def _id_at(node: Node, seq: int) -> str:
    return str((await node.do(BACKEND, ListMessages("c"))).items[seq - 1].id)


async def test_marking_as_unread_passes_over_imports(group: Node) -> None:
    (old,) = await bring(group, START_MS)
    for message_id in (None, str(old.id)):
        assert await group.refusal(BOB, MarkUnread("c", message_id)) == "invalid_request"
    await group.send(ALICE, "Now")
    (newest,) = await bring(group, group.clock.now_ms)
    await group.do(BOB, MarkRead("c"))
    before = len(group.log)
    for message in (old, newest):
        with pytest.raises(ChatError, match="imported") as refused:
            await group.do(BOB, MarkUnread("c", str(message.id)))
        assert refused.value.code == "invalid_request"
    assert len(group.log) == before
    mark = await group.do(BOB, MarkUnread("c"))
    assert (mark.seq, mark.unread.unread_count) == (1, 1)
    assert await unread(group, BOB) == [1]


async def test_a_deleted_import_never_counts_as_unread(group: Node) -> None:
    messages = await bring(group, START_MS, START_MS + 1)
    await group.send(ALICE, "Now")
    await group.do(BACKEND, DeleteMessage(str(messages[0].id)))
    assert await unread(group, BOB, CAROL) == [1, 1]


async def test_an_edit_of_an_import_mentions_nobody(group: Node) -> None:
    (message,) = await bring(group, START_MS)
    edited = await group.do(BACKEND, EditMessage(str(message.id), "@bob", sender_id="alice"))
    assert edited.mentions == ("bob",)
    assert edited.imported
    with group.read_engine.begin() as connection:
        assert connection.execute(select(func.count()).select_from(mentions)).scalar_one() == 0


async def test_the_backend_edits_and_deletes_an_import_of_a_former_member(group: Node) -> None:
    dave = Actor("dave", "Dave")
    await group.users(dave)
    (message,) = await bring(group, START_MS, sender=dave)
    edited = await group.do(BACKEND, EditMessage(str(message.id), "Corrected"))
    assert (edited.content, edited.created_ms, edited.imported) == ("Corrected", START_MS, True)
    assert (await group.do(BOB, GetMessage(str(message.id)))).content == "Corrected"
    assert await group.refusal(dave, EditMessage(str(message.id), "Mine")) == "forbidden"
    await group.do(BACKEND, DeleteMessage(str(message.id)))
    assert await unread(group, ALICE, BOB, CAROL) == [0, 0, 0]


async def test_an_import_of_a_blocked_user_is_not_unread(group: Node) -> None:
    await group.do(BOB, BlockUser("alice"))
    await bring(group, START_MS, START_MS)
    await group.send(ALICE, "Now")
    await group.send(CAROL, "Now")
    assert await unread(group, BOB) == [1]
    await group.do(BOB, UnblockUser("alice"))
    assert await unread(group, BOB) == [2]


async def test_imports_that_follow_each_other_are_one_row(group: Node) -> None:
    await group.in_one_batch(*((BACKEND, sent_at(START_MS + number)) for number in range(20)))
    await bring(group, START_MS + 20, START_MS + 21)
    await group.send(ALICE, "Now")
    await bring(group, group.clock.now_ms)
    with group.read_engine.begin() as connection:
        runs = connection.execute(select(imports.c.from_seq, imports.c.to_seq, imports.c.earlier)).all()
    assert sorted(map(tuple, runs)) == [(1, 22, 0), (24, 24, 22)]


async def test_an_imported_message_is_not_missed(group: Node) -> None:
    await bring(group, START_MS, sender=ALICE)
    message = await group.send(ALICE, "Now")
    await bring(group, group.clock.now_ms)
    assert [each.id for each in (await group.do(BOB, FindMissed(group.clock.now_ms))).messages] == [message.id]


# --- nobody is notified ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def _notifying(node: Node, database: Database) -> AsyncIterator[tuple[list[Notified], Follower[Any]]]:
    notified: list[Notified] = []

    def tell(events: Sequence[Notified]) -> None:
        notified.extend(events)

    notifier = LiveNotifications(node.chat, node.chat.directory, tell)
    work = OfflineNotifications(node.chat.directory.is_connected_since, node.clock)
    follower = Follower(work, reading_engine(database.url, 1), node.writer.transact, node.clock, Restless())
    node.chat.subscribe(notifier.follow)
    node.chat.subscribe(lambda events: follower.wake())
    follower.start()
    try:
        yield notified, follower
    finally:
        await notifier.close()
        await asyncio.to_thread(follower.close)


async def test_an_import_notifies_nobody(group: Node, database: Database) -> None:
    async with _notifying(group, database) as (notified, follower):
        directory = group.chat.directory
        directory.hold("bob", await directory.find("bob"))
        first = await group.do(BACKEND, sent_at(START_MS, BOB))
        await group.do(BACKEND, sent_at(START_MS, content="@bob @carol", reply_to_id=str(first.id)))
        assert await asyncio.to_thread(follower.wait_for, group.chat.pos, DEADLINE_S)
        assert notified == []
        for actor in (BOB, CAROL):
            assert (await group.do(actor, ListNotifications(group.clock.now_ms))).items == ()


# --- retention ------------------------------------------------------------------------------------------------------


async def test_retention_of_an_import_uses_its_original_time(group: Node) -> None:
    now_ms = group.clock.now_ms
    await bring(group, now_ms - 3 * DAY_MS, now_ms - 2 * DAY_MS, now_ms - DAY_MS // 2)
    await group.send(ALICE, "Now")

    async def prune() -> list[str]:
        while await group.do(OPERATOR, PruneOld(DAY_MS)):
            pass
        return [message.content for message in (await group.do(BOB, ListMessages("c"))).items]

    assert await prune() == ["", "", "Old", "Now"]
    assert await unread(group, BOB) == [1]
    group.clock.now_ms += DAY_MS * 3 // 4
    assert await prune() == ["", "", "", "Now"]
    assert await unread(group, BOB) == [1]
    await bring(group, group.clock.now_ms)
    group.clock.now_ms += 2 * DAY_MS
    assert await prune() == ["", "", "", "", ""]
    assert await unread(group, BOB) == [0]


@contextmanager
def _statements(node: Node) -> Iterator[list[str]]:
    """Collects the statements that the writer executes."""
    found: list[str] = []

    def note(connection: Connection, cursor: object, statement: str, *rest: object) -> None:
        found.append(statement)

    event.listen(node.write_engine, "before_cursor_execute", note)
    yield found
    event.remove(node.write_engine, "before_cursor_execute", note)


async def _alternating(node: Node, count: int) -> list[str]:
    """Imports messages, each in a run of its own. Returns the ids of the imported ones."""
    now_ms = node.clock.now_ms
    sent = await node.in_one_batch(
        *(each for _ in range(count) for each in ((BACKEND, sent_at(now_ms)), (BOB, SendMessage("c", "Now"))))
    )
    return [str(message.id) for message in sent[::2]]


async def _due(node: Node) -> int:
    def count() -> int:
        with node.read_engine.begin() as connection:
            due = select(func.count()).select_from(imports).where(imports.c.due_ms.is_not(None))
            return int(connection.execute(due).scalar_one())

    return await asyncio.to_thread(count)


async def test_a_step_of_retention_visits_few_runs(group: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if all messages of the runs were deleted, so that there is nothing to clear."""
    monkeypatch.setattr("talkwire.storage.messages.retention.RUNS_AT_ONCE", 10)
    ids = await _alternating(group, 35)
    await group.in_one_batch(*((BACKEND, DeleteMessage(id_)) for id_ in ids))
    group.clock.now_ms += 2 * DAY_MS
    left = []
    more = True
    while more:
        with _statements(group) as statements:
            more = await group.do(OPERATOR, PruneOld(DAY_MS))
        assert sum("imports" in statement for statement in statements) <= 12
        left.append(await _due(group))
    assert left == [25, 15, 5, 0]


async def test_a_step_of_retention_clears_messages_of_many_runs(group: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talkwire.core.features.operation.retention.PRUNED_AT_ONCE", 20)
    await bring(group, *(START_MS + number for number in range(25)))
    await _alternating(group, 30)
    group.clock.now_ms += 2 * DAY_MS

    async def live() -> int:
        with group.read_engine.begin() as connection:
            imported = is_imported(messages.c.conversation_id, messages.c.seq)
            of_run = select(func.count()).select_from(messages).where(imported, messages.c.deleted_ms.is_(None))
            return int(connection.execute(of_run).scalar_one())

    assert await live() == 55
    for _ in range(3):
        await group.do(OPERATOR, PruneOld(DAY_MS))
    assert await live() == 0
    while await group.do(OPERATOR, PruneOld(DAY_MS)):
        pass
    assert await _due(group) == 0
    assert await unread(group, ALICE, BOB) == [0, 0]


async def test_a_run_of_a_deleted_conversation_is_not_due(group: Node, database: Database) -> None:
    await _alternating(group, 3)
    await bring(group, group.clock.now_ms)
    work = DeletedConversations(group.clock)
    follower = Follower(work, reading_engine(database.url, 1), group.writer.transact, group.clock, Restless())
    group.chat.subscribe(lambda events: follower.wake())
    follower.start()
    try:
        await group.do(BACKEND, DeleteConversation("c"))
        assert await asyncio.to_thread(follower.wait_for, group.chat.pos, DEADLINE_S)
    finally:
        await asyncio.to_thread(follower.close)
    assert await _due(group) == 0


# --- beside nodes of the former version -----------------------------------------------------------------------------


UPGRADING = Path(__file__).parents[2] / "docs" / "upgrading.md"


def _repair() -> list[str]:
    """Returns the statements for imports from the documentation page on upgrading."""
    blocks = re.findall(r"```sql\n(.*?)```", UPGRADING.read_text(), re.DOTALL)
    return [each for block in blocks if "imports" in block for each in block.split(";") if each.strip()]


async def test_statements_repair_what_old_nodes_did_to_imports(group: Node) -> None:
    sent = await bring(group, *(START_MS + number for number in range(4)))
    ordinary = [await group.send(ALICE, "@bob"), await group.send(ALICE, "Now")]
    for message in (sent[1], ordinary[1]):
        await group.do(BACKEND, DeleteMessage(str(message.id)))
    right = await unread(group, BOB, CAROL)

    def as_old_nodes_write() -> None:
        """Writes as nodes of the former version: they count the deletion of any message and the mentions of any edited
        one."""
        of_alice = {"conversation_id": "c", "sender_id": "alice"}
        with group.write_engine.begin() as connection:
            connection.execute(insert(tombstones), of_alice | {"seq": sent[1].seq})
            connection.execute(insert(mentions), of_alice | {"seq": sent[2].seq, "user_id": "bob"})

    def repair() -> tuple[list[int], list[int]]:
        with group.write_engine.begin() as connection:
            for statement in _repair():
                connection.execute(text(statement))
            kept = [connection.execute(select(table.c.seq)).scalars().all() for table in (tombstones, mentions)]
            return list(kept[0]), list(kept[1])

    await asyncio.to_thread(as_old_nodes_write)
    assert await unread(group, BOB, CAROL) != right
    for _ in range(2):
        assert await asyncio.to_thread(repair) == ([ordinary[1].seq], [ordinary[0].seq])
        assert await unread(group, BOB, CAROL) == right


# --- what happened to a message since ---------------------------------------------------------------------------------


async def test_an_imported_message_brings_its_reactions_its_edit_and_its_pin(group: Node) -> None:
    reactions = (GivenReaction("👍", ("carol", "bob")), GivenReaction("🎉", ("alice",)), GivenReaction("👀", ("bob",)))
    parts = ImportedParts(START_MS + 5, reactions, pinned=True)
    plain, message = await group.in_one_batch(
        (BACKEND, sent_at(START_MS)), (BACKEND, sent_at(START_MS, imported=parts, client_message_id="m1"))
    )
    assert isinstance(message, Message)
    assert message.reactions == tuple(Reaction(each.emoji, len(each.user_ids), each.user_ids) for each in reactions)
    assert (message.edited_ms, message.pinned_ms) == (START_MS + 5, START_MS)
    assert (await group.do(BOB, ListMessages("c"))).items == (plain, message)
    assert (await group.do(BOB, ListPins("c"))).items == (message,)
    assert await group.do(BACKEND, sent_at(START_MS, client_message_id="m1")) == message
    later = await group.do(ALICE, React(str(message.id), "👍"))
    assert later.reactions[0] == Reaction("👍", 3, ("carol", "bob", "alice"))
    assert (await group.do(BOB, GetMessage(str(message.id)))).reactions == later.reactions
    left = await group.do(BOB, Unreact(str(message.id), "👀"))
    assert [(each.emoji, each.user_ids) for each in left.reactions] == [
        ("👍", ("carol", "bob", "alice")),
        ("🎉", ("alice",)),
    ]


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (ImportedParts(START_MS - 1), "editedAt"),
        (ImportedParts(START_MS * 3), "editedAt"),
        (ImportedParts(reactions=(GivenReaction("👍", ("nobody",)),)), "reactions[0].userIds"),
        (ImportedParts(reactions=(GivenReaction("👍", ("bob", "bob")),)), "reactions[0].userIds"),
        (ImportedParts(reactions=(GivenReaction("👍", ()),)), "reactions[0].userIds"),
        (ImportedParts(reactions=(GivenReaction("👍", ("bob",)),) * 2), "reactions"),
        (
            ImportedParts(reactions=(GivenReaction("👍", ("bob",)), GivenReaction("a b", ("bob",)))),
            "reactions[1].emoji",
        ),
        (ImportedParts(reactions=tuple(GivenReaction(str(each), ("bob",)) for each in range(21))), "reactions"),
    ],
)
async def test_invalid_parts_of_an_import_are_refused(group: Node, parts: ImportedParts, path: str) -> None:
    with pytest.raises(ChatError) as refused:
        await group.do(BACKEND, sent_at(START_MS, imported=parts))
    assert (refused.value.code, refused.value.details[0]["path"]) == ("invalid_request", path)  # type: ignore[index]
    assert (await group.do(BOB, ListMessages("c"))).items == ()


async def test_an_import_has_no_more_pins_than_a_conversation_may(group: Node) -> None:
    for number in range(PINS_MAX):
        await group.do(BACKEND, sent_at(START_MS + number, imported=ImportedParts(pinned=True)))
    one_more = sent_at(START_MS + PINS_MAX, imported=ImportedParts(pinned=True))
    assert await group.refusal(BACKEND, one_more) == "invalid_request"
    assert (await group.do(BACKEND, sent_at(START_MS + PINS_MAX))).pinned_ms is None


async def test_pins_that_one_batch_imports_are_limited_too(group: Node) -> None:
    pinned = ImportedParts(pinned=True)
    times = range(START_MS, START_MS + PINS_MAX + 2)
    outcomes = await group.in_one_batch(*((BACKEND, sent_at(each, imported=pinned)) for each in times))
    assert [each.code for each in outcomes if isinstance(each, ChatError)] == ["invalid_request"] * 2


async def test_parts_of_an_import_need_its_time(group: Node) -> None:
    forbidden_import = SendMessage("c", "New", sender_id="alice", imported=ImportedParts(pinned=True))
    assert await group.refusal(BACKEND, forbidden_import) == "invalid_request"
