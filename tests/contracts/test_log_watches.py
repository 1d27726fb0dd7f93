"""Readers of the log that wait: what wakes them, what ends them, and what they cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import pytest

from talkwire.bus.memory import Exchange
from talkwire.core.commands.accounts import BanUser, EraseUser
from talkwire.core.commands.command import Change, Command
from talkwire.core.commands.sync import ListLogEvents, LogPage
from talkwire.core.domain.events import LoginEnded, MessageSent
from talkwire.core.domain.model import Actor
from talkwire.core.engine import log_watches
from talkwire.core.engine.log_watches import LogWatch, LogWatches
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Call, Clock, Node, running
from tests.contracts.test_newer_version import NEWER, write_newer
from tests.databases import Database
from tests.waiting import DEADLINE_S, deadline, until

R = TypeVar("R")
SOON_S, NEVER_S = 0.05, 3600.0


class CountingChat:
    """A chat that counts the queries which readers execute."""

    def __init__(self, node: Node) -> None:
        self._chat = node.chat
        self.queries = 0

    def execute(self, actor: Actor, command: Command[R]) -> Awaitable[R]:
        self.queries += 1
        return self._chat.execute(actor, command)


def watching(node: Node) -> tuple[LogWatches, CountingChat]:
    chat = CountingChat(node)
    watches = LogWatches(chat, node.chat.pos)
    node.chat.subscribe(watches.follow)
    return watches, chat


def after(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


@asynccontextmanager
async def waiting(watch: LogWatch) -> AsyncIterator[asyncio.Task[LogPage]]:
    """Provides the reader's next page, which it waits for already."""
    with watch:
        page = asyncio.ensure_future(watch.next_page(after(NEVER_S)))
        await until(lambda: watch._waiter is not None)
        async with deadline():
            yield page
            await page


@pytest.fixture
async def filled(node: Node) -> Node:
    await node.users(ALICE, BOB)
    await node.group("c", ALICE, BOB)
    await node.group("d", ALICE, BOB)
    return node


def query_now(node: Node, types: str | None = None, conversation_id: str | None = None) -> ListLogEvents:
    return ListLogEvents(
        node.chat.cursor,
        types=None if types is None else frozenset({types}),
        conversation_ids=None if conversation_id is None else frozenset({conversation_id}),
    )


async def test_an_event_wakes_the_readers_whose_filter_selects_it(filled: Node) -> None:
    watches, chat = watching(filled)
    every, sent, other, edits = (
        watches.open(BACKEND, query)
        for query in (
            query_now(filled),
            query_now(filled, "MessageSent", "c"),
            query_now(filled, "MessageSent", "d"),
            query_now(filled, "MessageEdited"),
        )
    )
    async with waiting(every) as page, waiting(sent) as page_of_c:
        with other, edits:
            asleep = [asyncio.ensure_future(watch.next_page(after(NEVER_S))) for watch in (other, edits)]
            await until(lambda: chat.queries >= 4 and other._waiter is not None and edits._waiter is not None)
            message = await filled.send(ALICE, "hello")
            for found in (await page, await page_of_c):
                (event,) = found.events
                assert isinstance(event, MessageSent)
                assert event.message.content == "hello"
                assert found.pos == event.pos == filled.chat.pos
            assert chat.queries == 6
            assert [task.done() for task in asleep] == [False, False]
            watches.drain()
            assert [(await task).events for task in asleep] == [(), ()]
            assert chat.queries == 6
    assert message.seq == 1
    assert len(watches) == 0


async def test_a_reader_that_waited_in_vain_continues_behind_what_it_did_not_want(filled: Node) -> None:
    watches, chat = watching(filled)
    watch = watches.open(BACKEND, query_now(filled, "MessageEdited"))
    async with waiting(watch) as page:
        await filled.send(ALICE, "hello")
        watch.end()
        found = await page
        assert (found.events, found.cursor, found.more) == ((), filled.chat.cursor, False)
        assert (await watch.next_page(after(NEVER_S))).cursor == filled.chat.cursor
        assert chat.queries == 1


async def test_a_reader_waits_no_longer_than_it_wants(filled: Node) -> None:
    watches, chat = watching(filled)
    with watches.open(BACKEND, query_now(filled)) as watch:
        for _ in range(3):
            page = await asyncio.wait_for(watch.next_page(after(SOON_S)), DEADLINE_S)
            assert (page.events, watch.ended) == ((), False)
    assert chat.queries == 1


async def test_an_event_between_a_query_and_the_wait_is_not_missed(filled: Node) -> None:
    watches, _ = watching(filled)
    page = LogPage((), filled.chat.epoch, filled.chat.pos, more=False)
    with watches.open(BACKEND, query_now(filled)) as watch:
        watch._move_to(page)
        await filled.send(ALICE, "hello")
        found = await asyncio.wait_for(watch.next_page(after(NEVER_S)), DEADLINE_S)
        assert len(found.events) == 1


async def test_readers_with_one_filter_read_and_make_a_page_together(filled: Node) -> None:
    watches, chat = watching(filled)
    made: list[LogPage] = []
    async with AsyncExitStack() as readers:
        opened = [watches.open(BACKEND, query_now(filled)) for _ in range(5)]
        pages = [await readers.enter_async_context(waiting(watch)) for watch in opened]
        before = chat.queries
        await filled.send(ALICE, "hello")
        found = [await page for page in pages]
        assert chat.queries == before + 1
        assert len(found[0].events) == 1
        assert [watch.made_of(page, made.append) for watch, page in zip(opened, found, strict=True)] == [None] * 5
        assert made == [found[0]]
    assert (len(watches), watches._made, watches._reading._running) == (0, {}, {})


class HeldChat(CountingChat):
    """A chat whose queries respond when they are released."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self.released = asyncio.Event()
        self.held = 0

    async def execute(self, actor: Actor, command: Command[R]) -> R:
        answer = await super().execute(actor, command)
        self.held += 1
        await self.released.wait()
        return answer


async def test_a_reader_that_joins_the_read_of_another_misses_nothing(filled: Node) -> None:
    chat = HeldChat(filled)
    watches = LogWatches(chat, filled.chat.pos)
    filled.chat.subscribe(watches.follow)
    query = query_now(filled)
    with watches.open(BACKEND, query) as first, watches.open(BACKEND, query) as second:
        reading = asyncio.ensure_future(first.next_page(after(NEVER_S)))
        await until(lambda: chat.held == 1)  # it has read that there is nothing
        await filled.send(ALICE, "hello")
        second._found_pos = 0  # as if it had been opened after the message
        joining = asyncio.ensure_future(second.next_page(after(NEVER_S)))
        await asyncio.sleep(0)
        chat.released.set()
        assert len((await asyncio.wait_for(joining, DEADLINE_S)).events) == 1
        await reading


async def test_a_reader_that_goes_leaves_the_read_to_the_others(filled: Node) -> None:
    chat = HeldChat(filled)
    watches = LogWatches(chat, filled.chat.pos)
    query = query_now(filled)
    await filled.send(ALICE, "hello")
    with watches.open(BACKEND, query) as first, watches.open(BACKEND, query) as second:
        leaving, staying = (asyncio.ensure_future(watch.next_page(after(NEVER_S))) for watch in (first, second))
        await until(lambda: chat.queries == 1)
        leaving.cancel()
        await asyncio.sleep(0)
        chat.released.set()
        assert len((await asyncio.wait_for(staying, DEADLINE_S)).events) == 1
        assert chat.queries == 1


async def test_a_reader_of_the_past_does_not_wait(filled: Node) -> None:
    watches, _ = watching(filled)
    with watches.open(BACKEND, ListLogEvents("start", limit=1)) as watch:
        pages = [await watch.next_page(after(NEVER_S)) for _ in range(filled.chat.pos)]
    assert [event.pos for page in pages for event in page.events] == list(range(1, filled.chat.pos + 1))


async def test_events_of_another_node_wake_a_reader(postgresql_database: Database, clock: Clock) -> None:
    exchange = Exchange()
    database = postgresql_database
    async with running(database, clock, exchange) as here, running(database, clock, exchange) as there:
        await there.users(ALICE)
        await there.group("c", ALICE)
        await here.chat.feed.wait_until(there.chat.pos)
        watches, _ = watching(here)
        async with waiting(watches.open(BACKEND, query_now(here, "MessageSent"))) as page:
            await there.send(ALICE, "from elsewhere")
            (event,) = (await page).events
            assert isinstance(event, MessageSent)


@pytest.mark.parametrize("command", [BanUser("alice"), EraseUser("alice", redact=True)], ids=["ban", "erasure"])
async def test_a_ban_and_an_erasure_end_the_readers_of_the_user(filled: Node, command: Change[Any]) -> None:
    watches, _ = watching(filled)
    moderator = Actor("alice", "Alice", "admin")
    async with waiting(watches.open(moderator, query_now(filled, "CallMissed"))) as page:
        await filled.do(OPERATOR, command)
        assert (await page).events == ()


async def test_signing_out_ends_the_readers_of_the_device(filled: Node) -> None:
    watches, _ = watching(filled)
    moderator = Actor("alice", "Alice", "admin")
    here, there = (watches.open(moderator, query_now(filled, "CallMissed"), each) for each in ("here", "there"))
    async with waiting(here) as page:
        with there:
            await filled.do(BACKEND, Call(lambda tx: tx.record(LoginEnded(tx.next_pos(), tx.now_ms, "alice", "here"))))
            assert (await page).events == ()
            assert (here.ended, there.ended) == (True, False)


async def test_a_node_that_drains_lets_nobody_wait_for_long(filled: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_watches, "DRAINING_WAIT_S", SOON_S)
    watches, _ = watching(filled)
    watches.drain()
    with watches.open(BACKEND, query_now(filled)) as watch:
        assert (await asyncio.wait_for(watch.next_page(after(NEVER_S)), DEADLINE_S)).events == ()
        assert watch.ended


async def test_a_gap_in_what_the_node_hands_out_makes_readers_look(filled: Node, database: Database) -> None:
    """A node hands out no events of a newer version, so it does not know what a filter would say of them."""
    watches, chat = watching(filled)
    async with waiting(watches.open(BACKEND, query_now(filled, "MessageEdited"))) as page:
        write_newer(database, NEWER)
        await filled.send(ALICE, "hello")
        await until(lambda: chat.queries >= 2)
        watches.drain()
        assert (await page).events == ()
