"""What another process writes to the same database, and who hears of it. SQLite has one process at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from talkwire.core.commands.accounts import BanUser, EnsureUser
from talkwire.core.directory import Entry
from talkwire.core.events import UserBanned
from talkwire.storage.snapshot import TableSnapshot
from tests.contracts.node import ALICE, BOB, OPERATOR, WAIT_S, Clock, Node, running
from tests.databases import Database

OFTEN_S = 0.02


def _is_banned(entry: Entry) -> bool:
    return entry.user is not None and entry.user.banned


async def _until(node: Node, condition: Callable[[], bool]) -> None:
    """Waits for events on a node's bus until the condition holds."""
    changed = asyncio.Event()
    node.bus.subscribe(lambda _: changed.set())
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await changed.wait()
            changed.clear()


async def test_an_idle_node_hears_of_what_another_one_has_written(postgresql_database: Database) -> None:
    async with (
        running(postgresql_database, Clock(), OFTEN_S) as idle,
        running(postgresql_database, Clock()) as other,
    ):
        entry = await idle.chat.directory.find("bob")
        assert not _is_banned(entry)
        await other.do(BOB, EnsureUser("bob", "Bob"))
        await other.do(OPERATOR, BanUser("bob"))
        await _until(idle, lambda: len(idle.log) == 2)
        assert idle.log == other.log
        assert isinstance(idle.log[1], UserBanned)
        assert _is_banned(entry)


async def test_an_event_that_is_not_understood_stops_nobody(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()

    def not_understood(*arguments: object) -> None:
        looked.set()
        raise ValueError

    async with running(database, Clock(), OFTEN_S) as idle, running(database, Clock()) as other:
        with monkeypatch.context() as newer:
            newer.setattr(TableSnapshot, "events_after", not_understood)
            await other.do(BOB, EnsureUser("bob", "Bob"))
            assert await asyncio.to_thread(looked.wait, WAIT_S)
        await idle.do(ALICE, EnsureUser("alice", "Alice"))
        assert [event.pos for event in idle.log] == [1, 2]


async def test_what_was_heard_of_is_told_once_and_in_order(postgresql_database: Database) -> None:
    async with (
        running(postgresql_database, Clock(), OFTEN_S) as one,
        running(postgresql_database, Clock(), OFTEN_S) as two,
    ):
        await one.group("c", ALICE, BOB)
        for number in range(10):
            await (one if number % 2 else two).send(ALICE if number % 3 else BOB, str(number))
        newest = await one.replay()
        for node in (one, two):
            await _until(node, lambda node=node: len(node.log) >= len(newest))  # type: ignore[misc]  # bound at once
            assert [event.pos for event in node.log] == list(range(1, len(newest) + 1))
