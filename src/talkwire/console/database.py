"""Checks whether the database responds, and counts its users, conversations and messages for the operators' console."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from talkwire.core.commands.server.console import Totals
from talkwire.core.domain.errors import ChatError
from talkwire.core.single_flight import SingleFlight

COUNT_EVERY_S = 30.0
"""Seconds between two counts of rows, which read an index of all users and the rows of all conversations."""

COUNT_ANSWER_S = 3.0
"""Longest time that a check of the database may take, in seconds."""

DatabaseKind = Literal["sqlite", "postgresql"]


class DatabaseState(NamedTuple):
    """The result of a check of the database. `answers` says whether the database responded, and `latency_ms` after how
    many milliseconds; it is None if there was no response.
    """

    answers: bool
    latency_ms: float | None


class DatabaseWatch:
    """The database's state for the operators' console: whether it responds, by calling `check`, and how many rows it
    has, by calling `count`. `now` returns seconds of a monotonic clock.

    `check` and `count` raise ChatError while the database is unavailable.
    """

    def __init__(
        self,
        kind: DatabaseKind,
        check: Callable[[], Awaitable[None]],
        count: Callable[[], Awaitable[Totals]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kind = kind
        self._check = check
        self._count = count
        self._now = now
        self._totals: Totals | None = None
        self._counted_at = 0.0
        self._counting: SingleFlight[None, Totals] = SingleFlight()

    async def state(self) -> DatabaseState:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(COUNT_ANSWER_S):
                await self._check()
        except (ChatError, TimeoutError):
            return DatabaseState(answers=False, latency_ms=None)
        return DatabaseState(answers=True, latency_ms=round((time.perf_counter() - began) * 1000, 2))

    async def totals(self) -> Totals | None:
        """Returns how much the database holds, counted at most `COUNT_EVERY_S` seconds ago.

        While the database is unavailable, returns the previous count, or None if there is none. Concurrent calls share
        one count.
        """
        if self._totals is not None and self._now() - self._counted_at < COUNT_EVERY_S:
            return self._totals
        try:
            return await self._counting.run(None, self._count_and_keep)
        except ChatError:
            return self._totals

    async def _count_and_keep(self) -> Totals:
        self._totals = await self._count()
        self._counted_at = self._now()
        return self._totals
