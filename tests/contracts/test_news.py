"""Events that another process writes to the same database: without a bus, nodes poll the log."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from talkwire.bus.memory import Exchange
from talkwire.core.commands.accounts import BanUser, EnsureUser
from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.domain.events import UserBanned
from talkwire.core.domain.log.positions import pos_of
from talkwire.storage.snapshot import TableSnapshot
from tests.contracts.node import ALICE, BOB, OPERATOR, Clock, Node, running
from tests.databases import Database
from tests.waiting import DEADLINE_S, deadline


def _is_banned(entry: DirectoryEntry) -> bool:
    return entry.user is not None and entry.user.banned


async def _until(node: Node, condition: Callable[[], bool]) -> None:
    """Waits for events of a node's listeners until the condition holds."""
    changed = asyncio.Event()
    node.chat.subscribe(lambda _: changed.set())
    async with deadline():
        while not condition():
            await changed.wait()
            changed.clear()


async def test_an_idle_node_receives_events_of_another_one(postgresql_database: Database) -> None:
    async with (
        running(postgresql_database, Clock(), alone=False) as idle,
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


async def test_an_undecodable_bus_message_stops_no_node(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()

    def not_understood(*arguments: object) -> None:
        looked.set()
        raise ValueError

    async with (
        running(postgresql_database, Clock(), alone=False) as one,
        running(postgresql_database, Clock()) as other,
    ):
        with monkeypatch.context() as newer:
            newer.setattr(TableSnapshot, "events_after", not_understood)
            await other.do(BOB, EnsureUser("bob", "Bob"))
            assert await asyncio.to_thread(looked.wait, DEADLINE_S)
            await one.do(ALICE, EnsureUser("alice", "Alice"))
        await _until(one, lambda: len(one.log) >= 2)
        assert [event.pos for event in one.log] == [1, 2]


@pytest.mark.parametrize("exchange", [None, Exchange()], ids=["without a bus", "with a bus"])
async def test_events_of_another_node_are_delivered_once_in_order(
    postgresql_database: Database, exchange: Exchange | None
) -> None:
    async with (
        running(postgresql_database, Clock(), exchange, alone=False) as one,
        running(postgresql_database, Clock(), exchange, alone=False) as two,
    ):
        await one.group("c", ALICE, BOB)
        for number in range(10):
            await (one if number % 2 else two).send(ALICE if number % 3 else BOB, str(number))
        newest = await one.replay()
        for node in (one, two):
            await _until(node, lambda node=node: len(node.log) >= len(newest))  # type: ignore[misc]  # bound at once
            assert [event.pos for event in node.log] == list(range(1, len(newest) + 1))


async def test_a_result_comes_after_all_earlier_events(postgresql_database: Database) -> None:
    async with (
        running(postgresql_database, Clock(), alone=False) as one,
        running(postgresql_database, Clock(), alone=False) as two,
    ):
        await one.group("c", ALICE, BOB)
        for number in range(5):
            await one.send(ALICE, f"one {number}")
            sent = await two.send(BOB, f"two {number}")
            assert two.chat.pos >= pos_of(sent.id)
