"""What becomes of an open stream when its database is copied or restored, its author erased or exported, its
conversation on hold, or its message older than messages are kept."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.engine import URL

from talkwire.api.export import ExportedUser
from talkwire.core.commands.conversations import UpdateConversation
from talkwire.core.commands.messages import DeleteMessage
from talkwire.core.commands.server.retention import PruneOld
from talkwire.core.commands.streams.writing import OpenedStream
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.parts.message_parts import TextPart
from talkwire.core.domain.parts.streams import CONTINUABLE_MS
from talkwire.storage.engine import sqlite_url
from talkwire.storage.schema import messages
from talkwire.storage.snapshot import TableSnapshot
from talkwire.storage.transfer.archive import ArchiveReader
from talkwire.storage.transfer.backup import Uploaded, write_backup
from talkwire.storage.transfer.copying import copy_database
from talkwire.storage.transfer.restore import restore_database
from talkwire.storage.transfer.source import opened_source
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Clock, Node, running
from tests.contracts.test_erasure import erase
from tests.contracts.test_parts import HELPER, with_agent
from tests.contracts.test_personal_data import Parts
from tests.contracts.test_stream_rules import (
    LEASE_MS,
    append,
    begin,
    changes,
    end,
    finish,
    found,
    keep,
    opened,
    refused,
    rows,
    stream_of,
)
from tests.databases import Database
from tests.storage.moves import RecordedProgress

SECRET = TextPart("a secret")
TEXT = TextPart("Hello")


# --- another database -------------------------------------------------------------------------------------------------


def _copy(source: URL, target: URL) -> None:
    copy_database(source, target, "the source", RecordedProgress())


def _restore(source: URL, target: URL) -> None:
    file = io.BytesIO()
    with opened_source(source) as snapshot:
        write_backup(snapshot, file, "1.2.3", Uploaded("s3://bucket/prefix"), RecordedProgress())
    restore_database(target, ArchiveReader(file), "the backup", lambda _: None, RecordedProgress())


@pytest.mark.parametrize("move", [_copy, _restore])
@pytest.mark.parametrize("comes", ["nothing", "an append", "an end"])
async def test_an_open_stream_is_interrupted_or_continued_in_another_database(
    database: Database, clock: Clock, tmp_path: Path, move: object, comes: str
) -> None:
    """The stream's home is a node of the first database, which the other one does not know: the next write makes a node
    there the home, and without one the lease ends."""
    assert callable(move)
    async with running(database, clock) as node:
        await with_agent(node)
        stream = await opened(node)
        await node.do(HELPER, append(stream, "Hello"))
        node.chat.signals.streams.close()  # as at a regular shutdown
    target = Database("sqlite", sqlite_url(tmp_path / "moved.db"))
    await asyncio.to_thread(move, database.url, target.url)
    async with running(target, clock) as node:
        ((moved,),) = [await rows(node)]
        assert (moved.attempt, moved.node_id in {None, node.chat.node_id}) == (1, False)
        if comes == "an append":
            assert (await node.do(HELPER, append(stream, " again", at=5))).length == 11
            assert (await node.do(HELPER, finish(stream))).content == "Hello again"
            return
        if comes == "an end":
            await _ends_after_the_author_has_seen_what_is_there(node, stream)
            return
        clock.now_ms += 60_000
        await node.fire()
        assert changes(node) == [("interrupted", True)]
        again = await opened(node)
        assert (again.attempt, again.message.id, again.message.parts) == (2, stream.message.id, (TEXT,))


async def _ends_after_the_author_has_seen_what_is_there(node: Node, stream: OpenedStream) -> None:
    """An end alone does not say how long the text is, and the former home may have had more of it."""
    parts = [{"type": "text", "length": 5, "stored": 5}]
    for _ in range(2):
        error = await refused(node, HELPER, finish(stream))
        assert (error.code, error.details) == ("conflict", {"reason": "moved", "parts": parts})
    again = await opened(node)
    assert (await node.do(HELPER, finish(again))).content == "Hello"


async def test_a_stream_of_an_old_backup_is_interrupted_at_the_first_look(
    database: Database, clock: Clock, tmp_path: Path
) -> None:
    async with running(database, clock) as node:
        await with_agent(node)
        begun = await node.do(HELPER, begin())
        await node.do(NODE, keep(begun, TEXT))
    target = Database("sqlite", sqlite_url(tmp_path / "restored.db"))
    await asyncio.to_thread(_restore, database.url, target.url)
    clock.now_ms += 30 * 86_400_000
    async with running(target, clock) as node:
        await node.fire()
        assert (await found(node, begun)).state == "interrupted"
        clock.now_ms += CONTINUABLE_MS - 1
        assert stream_of(await node.do(HELPER, begin())).attempt == 2


# --- erasure, export, holds and retention -----------------------------------------------------------------------------


async def test_the_stream_of_an_erased_author_whose_messages_stay_is_interrupted_for_good(node: Node) -> None:
    await with_agent(node)
    stream = await opened(node)
    begun = await node.do(HELPER, begin("s2"))
    await node.do(NODE, keep(begun, TEXT))
    await node.do(HELPER, append(stream, "more"))
    await erase(node, "helper", redact=False)
    for command in (append(stream, "late"), finish(stream)):
        assert await node.refusal(HELPER, command) in {"banned", "conflict"}, "the stream ends at about that time"
    for opening in (begin(), begin("s2")):
        assert await node.refusal(HELPER, opening) == "banned"
    node.clock.now_ms += LEASE_MS
    await node.fire()
    message = await found(node, begun)
    assert (message.state, message.content, message.sender_name) == ("interrupted", "Hello", "Deleted user")
    assert await node.refusal(HELPER, begin("s2")) == "banned"
    node.clock.now_ms += CONTINUABLE_MS
    await node.fire()
    assert await rows(node) == []


async def test_the_stream_of_an_erased_author_whose_messages_go_is_a_tombstone(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    await node.do(NODE, keep(begun, SECRET))
    await erase(node, "helper", redact=True)
    assert (await node.do(NODE, keep(begun, SECRET))).lost == (begun.message.id,)
    message = await found(node, begun)
    assert (message.state, message.content, message.parts, message.deleted_ms) == (None, "", (), node.clock.now_ms)
    node.clock.now_ms += LEASE_MS
    await node.fire()
    assert (changes(node), await rows(node), await node.next_timer_ms()) == ([], [], None)
    _has_no_secret(node)


async def test_an_export_has_the_newest_checkpoint_of_an_open_stream(node: Node, database: Database) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    for text in ("first", "second"):
        await node.do(NODE, keep(begun, TextPart(f"the {text} checkpoint")))
    for user_id in ("helper", "bob"):
        parts = Parts()
        with database.engine() as engine, engine.connect() as connection:
            ExportedUser(user_id, OPERATOR).read(TableSnapshot(connection, node.clock), parts)  # type: ignore[arg-type]
        exported = b"".join([parts.profile, *parts.rest]).decode()
        assert ("the second checkpoint" in exported, "the first" in exported) == (True, False)
        assert '"state":"streaming"' in exported


async def test_a_stream_in_a_held_conversation_is_written_and_not_deleted(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    await node.do(BACKEND, UpdateConversation("c", hold=True))
    await node.do(NODE, keep(begun, TEXT))
    for actor in (HELPER, ALICE, BACKEND):
        assert await node.refusal(actor, DeleteMessage(str(begun.message.id))) == "conflict"
    node.clock.now_ms += LEASE_MS
    await node.fire()
    assert (await found(node, begun)).state == "interrupted"
    again = await node.do(HELPER, begin())
    assert (await node.do(HELPER, end(again, TEXT, TextPart("again")))).content == "Hello\n\nagain"


async def test_a_stream_that_is_older_than_messages_are_kept_is_pruned_and_not_written(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin(lease_ms=300_000))
    await node.do(NODE, keep(begun, SECRET))
    node.clock.now_ms += 60_000
    await node.send(BOB, "young")
    while await node.do(OPERATOR, PruneOld(30_000)):
        pass
    assert (await node.do(NODE, keep(begun, SECRET))).lost == (begun.message.id,)
    assert (await refused(node, HELPER, end(begun, SECRET))).details == {"reason": "ended"}
    assert (await node.do(HELPER, begin())).stream is None
    message = await found(node, begun)
    assert (message.state, message.content, message.parts) == (None, "", ())
    node.clock.now_ms += 300_000
    await node.fire()
    assert (changes(node), await rows(node), await node.next_timer_ms()) == ([], [], None)
    _has_no_secret(node)


def _has_no_secret(node: Node) -> None:
    with node.read_engine.connect() as connection:
        assert "secret" not in str(connection.execute(select(messages)).all())
