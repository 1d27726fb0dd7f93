"""What the overview says of the database: counted rarely, however many operators ask, and also while it is away."""

from __future__ import annotations

import asyncio

from talkwire.console.database import COUNT_EVERY_S, DatabaseWatch
from talkwire.core.commands.server.console import Totals
from talkwire.core.domain.errors import ChatError


class _Database:
    """Counts how often it is counted. Answers while `is_there`."""

    def __init__(self) -> None:
        self.counted = 0
        self.now = 100.0
        self.is_there = True

    async def check(self) -> None:
        if not self.is_there:
            raise ChatError("unavailable", "The database does not answer.")

    async def count(self) -> Totals:
        await asyncio.sleep(0)
        await self.check()
        self.counted += 1
        return Totals(self.counted, 0, 0, 0)

    def watch(self) -> DatabaseWatch:
        return DatabaseWatch("sqlite", self.check, self.count, lambda: self.now)


async def test_it_is_counted_once_at_a_time_and_seldom() -> None:
    database = _Database()
    watch = database.watch()
    found = await asyncio.gather(*(watch.totals() for _ in range(5)))
    assert [each and each.users for each in found] == [1] * 5
    database.now += COUNT_EVERY_S - 1
    assert (await watch.totals()) == Totals(1, 0, 0, 0)
    database.now += 1
    assert (await watch.totals()) == Totals(2, 0, 0, 0)


async def test_while_it_is_away_there_are_the_last_totals_or_none() -> None:
    database = _Database()
    database.is_there = False
    watch = database.watch()
    assert (await watch.totals()) is None
    assert (await watch.state()) == (False, None)
    database.is_there = True
    assert (await watch.state()).answers is True
    assert (await watch.totals()) == Totals(1, 0, 0, 0)
    database.is_there = False
    database.now += COUNT_EVERY_S
    assert (await watch.totals()) == Totals(1, 0, 0, 0)


async def test_an_operator_who_leaves_does_not_end_the_counting_of_others() -> None:
    database = _Database()
    watch = database.watch()
    leaving = asyncio.ensure_future(watch.totals())
    staying = asyncio.ensure_future(watch.totals())
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == Totals(1, 0, 0, 0)
