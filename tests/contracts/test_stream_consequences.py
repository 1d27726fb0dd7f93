"""What follows from a message that is written as a stream: nothing at its opening but that it counts as unread, and at
its first end all that follows from a new message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from sqlalchemy import func, select

from talkwire.core.commands.accounts import PutUser
from talkwire.core.commands.messages import DeleteMessage, SendMessage
from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.commands.receipts import CountUnread, MarkRead
from talkwire.core.commands.streams.storing import BeginStream, BegunStream, Checkpoint, EndStream, KeepCheckpoints
from talkwire.core.domain.actors import UNREAD_COUNTER
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.parts.message_parts import TextPart
from talkwire.previews.service import LinkPreviews
from talkwire.storage.followers.offline_notifications import OfflineNotifications
from talkwire.storage.schema import streams
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Node
from tests.contracts.test_notifications import Watched, watching
from tests.contracts.test_search import Indexed, indexing
from tests.databases import Database

HELPER = Actor("helper", "Helper")
TEXT = "@Bob see https://example.org/zebra"
LEASE_MS = 60_000


class Writing:
    """An agent that writes a stream in a group of Alice, Bob, Carol and itself. Alice and Bob are connected and Carol
    is not; Carol is notified of each message."""

    def __init__(self, node: Node, watched: Watched, indexed: Indexed) -> None:
        self.node = node
        self.watched = watched
        self._indexed = indexed
        self.previewed: list[str] = []
        """The texts whose links were looked for since the last call of `follows`."""
        unused: Any = None
        previews = LinkPreviews(node.chat, unused, unused, self._links_in)
        follow: Any = previews.note  # a server passes it the durable events only
        node.chat.subscribe(follow)
        self.stream: BegunStream

    def _links_in(self, text: str) -> tuple[str, ...]:
        self.previewed.append(text)
        return ()

    async def open(self) -> Message:
        send = SendMessage("c", client_message_id="stream-1")
        self.stream = await self.node.do(HELPER, BeginStream(send, "home", LEASE_MS))
        return self.stream.message

    async def end(self, text: str = TEXT) -> Message:
        stream = self.stream.stream
        assert stream is not None
        end = EndStream(
            message_id=stream.message_id,
            attempt=stream.attempt,
            node_id="home",
            state="done",
            parts=(TextPart(text),) if text else (),
        )
        ended: Message = await self.node.do(HELPER, end)
        return ended

    async def interrupt(self, text: str = TEXT) -> None:
        """Stores a checkpoint and lets the lease lapse."""
        stream = self.stream.stream
        assert stream is not None
        kept = Checkpoint(stream.message_id, stream.attempt, (TextPart(text),))
        assert not (await self.node.do(OPERATOR, KeepCheckpoints("home", (kept,)))).lost
        self.node.clock.now_ms += LEASE_MS + 1
        await self.node.fire()

    async def follows(self) -> dict[str, object]:
        """Returns all that has followed from the message until now."""
        await self._indexed.catch_up()
        ((_, _, unread),) = await self.node.do(UNREAD_COUNTER, CountUnread((("c", "bob"),)))
        previewed, self.previewed[:] = tuple(self.previewed), ()
        return {
            "live": await self.watched.received(),
            "found": len(await self._indexed.find(ALICE, "zebra")),
            "mentioned": await self.watched.kept(BOB),
            "offline": await self.watched.kept(CAROL),
            "unread": (unread.unread_count, unread.mention_count),
            "previewed": previewed,
        }


@pytest.fixture
async def writing(node: Node, database: Database) -> AsyncIterator[Writing]:
    await node.users(ALICE, BOB, CAROL)
    await node.do(BACKEND, PutUser("helper", name="Helper", kind="agent"))
    await node.group("c", ALICE, BOB, CAROL, HELPER)
    await node.do(CAROL, SetMemberPreferences("c", notify="all"))
    async with AsyncExitStack() as stack:
        watched = await stack.enter_async_context(watching(node, database))
        indexed = await stack.enter_async_context(indexing(node, database))
        await watched.come(ALICE, BOB)
        yield Writing(node, watched, indexed)


NOTHING: dict[str, object] = {"live": [], "found": 0, "mentioned": [], "offline": [], "unread": (1, 0), "previewed": ()}
EVERYTHING: dict[str, object] = {
    "live": [("bob", "mention", TEXT)],
    "found": 1,
    "mentioned": [("mention", TEXT)],
    "offline": [("message", TEXT)],
    "unread": (1, 1),
    "previewed": (TEXT,),
}


async def test_all_that_follows_from_a_message_follows_once_from_the_first_end_of_its_stream(writing: Writing) -> None:
    await writing.open()
    assert await writing.follows() == NOTHING

    ended = await writing.end()
    assert await writing.follows() == EVERYTHING
    assert ended.edited_ms is None


async def test_an_interrupted_stream_counts_as_ended_and_its_later_end_as_an_edit(writing: Writing) -> None:
    await writing.open()
    await writing.interrupt()
    assert await writing.follows() == EVERYTHING

    await writing.open()
    assert await writing.follows() == EVERYTHING | {"live": [], "previewed": ()}, "a continuation changes nothing"

    text = "instead https://example.org/giraffe"
    await writing.end(text)
    assert await writing.follows() == {
        "live": [],
        "found": 0,
        "mentioned": [("mention", text)],
        "offline": [("message", text)],
        "unread": (1, 0),
        "previewed": (text,),
    }


async def test_nothing_follows_from_a_stream_that_is_deleted_before_its_end(writing: Writing) -> None:
    opened = await writing.open()
    await writing.node.do(HELPER, DeleteMessage(str(opened.id)))
    assert await writing.follows() == NOTHING | {"unread": (0, 0)}
    with writing.node.read_engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(streams)).scalar_one() == 0


async def test_an_end_is_found_by_followers_that_have_not_seen_the_opening_yet(
    node: Node, writing: Writing, database: Database
) -> None:
    before = node.chat.pos
    await writing.open()
    await writing.end()
    await writing.follows()
    work = OfflineNotifications(node.chat.directory.is_connected_since, node.clock)
    with node.read_engine.connect() as connection:
        _, prepared = work.prepare(connection, before, node.chat.pos)
    assert sorted((each.user_id, each.type) for each in prepared.rows) == [("bob", "mention"), ("carol", "message")]


async def test_members_who_are_connected_and_have_read_the_open_message_are_not_notified_of_its_end(
    node: Node, writing: Writing
) -> None:
    await node.do(ALICE, SetMemberPreferences("c", notify="all"))
    before = node.chat.pos
    opened = await writing.open()
    for reader in (BOB, CAROL):
        await node.do(reader, MarkRead("c", str(opened.id)))
    await writing.end()
    assert await writing.watched.received() == [("alice", "message", TEXT)]
    assert await writing.watched.kept(BOB, unread=True) == []
    work = OfflineNotifications(node.chat.directory.is_connected_since, node.clock)
    with node.read_engine.connect() as connection:
        _, prepared = work.prepare(connection, before, node.chat.pos)
    assert [each.user_id for each in prepared.rows] == ["carol"], "Bob has read it here"
