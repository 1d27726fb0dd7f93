"""Fires timers when they are due: a task of each node.

The node sleeps until the first timer is due. Timers that it sets itself wake it earlier; those of other nodes it finds
when it looks, once a second while there are other nodes. A look reads one row of an index. The transaction that fires
timers decides whether they are due, so it does not matter which node looks first, nor what its clock says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import inf
from random import random

import structlog

from talkwire.core.commands.server.timers import (
    AddMissingTimers,
    FindTimer,
    FiredTimers,
    FireTimers,
    NextTimer,
    PostponeTimer,
    Timer,
)
from talkwire.core.domain.actors import TIMERS
from talkwire.core.domain.errors import ChatError
from talkwire.core.ports.chat import CommandExecutor

TIMERS_AT_ONCE = 10
"""Most timers that one transaction fires; that takes some ten milliseconds."""

TIMERS_PAUSE_S = 0.01
"""Pause between two transactions that fire timers, in which others can send, in seconds."""

TIMERS_OTHERS_PAUSE_S = 0.2
"""Pause after finding that another node fires the timers, in seconds. It is longer than the pause between own
transactions, so that the other node continues alone."""

TIMERS_CHECK_S = 1.0
"""Longest time between two looks of a node that has others, in seconds. They may have set timers and been killed."""

TIMERS_CHECK_ALONE_S = 10.0
"""Longest time between two looks of a node that has no others, in seconds. The database's clock may have been changed,
the machine suspended, and a node that has joined meanwhile may have set timers and been killed."""

TIMERS_SPREAD_S = 0.2
"""Longest time after a timer is due until a node looks, in seconds, so that several nodes do not all look at once."""

TIMERS_RETRY_S = 5.0
"""Pause of the timers while the database is unavailable, in seconds."""

POSTPONED_MS = 60_000
"""Milliseconds by which a timer is postponed whose effect fails, so that it holds up no others."""

MISSING_TIMERS_CHECK_S = 3600.0
"""Seconds between two looks for rows whose timers are missing, which nodes of an older version have written."""

_logger = structlog.get_logger(__name__)


class TimerLoop:
    """Fires timers on one node. `has_peers` returns whether there are other nodes now."""

    def __init__(self, chat: CommandExecutor, has_peers: Callable[[], bool]) -> None:
        self._chat = chat
        self._has_peers = has_peers
        self.on_fired: Callable[[Sequence[int]], None] = lambda _: None
        """Function that is called with how late each of the timers has fired, in milliseconds."""
        self.is_asked: Callable[[], bool] = lambda: False
        """Function that returns whether the application is asked before a stream ends."""
        self.on_asked: Callable[[Sequence[int]], None] = lambda _: None
        """Function that is called with the ids of messages whose streams are to be ended once the application has been
        asked."""
        self.on_failed: Callable[[], None] = lambda: None
        """Function that is called when a timer was postponed after an error."""
        self._at = inf
        """Time of the next look, by the event loop's clock."""
        self._moved = asyncio.Event()
        self._suspects = 0
        """Number of timers that are still fired one by one after an error, to find the one that causes it."""
        self._missing_at = -inf
        self.overdue_s = 0.0
        """Seconds by which the first timer was late at the last look."""

    def expect(self, wait_ms: int) -> None:
        """Looks in `wait_ms` milliseconds at the latest: this node has set a timer that fires then."""
        at = asyncio.get_running_loop().time() + wait_ms / 1000
        if at < self._at:
            self._at = at
            self._moved.set()

    async def run(self) -> None:
        """Fires timers until cancelled. While the database is unavailable, it retries every few seconds."""
        while True:  # Suspends: each round executes a command and rests.
            self._at = inf
            try:
                wait_s = await self.look()
            except ChatError as error:
                _logger.warning("timers_postponed", error=str(error))
                wait_s = TIMERS_RETRY_S
            self._at = min(self._at, asyncio.get_running_loop().time() + wait_s)
            await self._rest()

    async def look(self) -> float:
        """Fires some timers if any are due. Returns after how many seconds to look again."""
        now = asyncio.get_running_loop().time()
        if now >= self._missing_at:
            await self._chat.execute(TIMERS, AddMissingTimers())
            self._missing_at = now + MISSING_TIMERS_CHECK_S
        found: NextTimer | None = await self._chat.execute(TIMERS, FindTimer())
        wait_s = inf if found is None else found.wait_ms / 1000
        self.overdue_s = max(0.0, -wait_s)
        if found is None or wait_s > 0:
            if self._has_peers():
                return min(wait_s + random() * TIMERS_SPREAD_S, TIMERS_CHECK_S)  # noqa: S311 (a spread)
            return min(wait_s, TIMERS_CHECK_ALONE_S)
        return await self._fire(found.timer)

    async def _fire(self, first: Timer) -> float:
        """Fires the timers that are due, the first of which is `first`. Returns after how many seconds to look again.

        After an error it fires them one by one, and postpones the one that fails."""
        limit = 1 if self._suspects else TIMERS_AT_ONCE
        try:
            fired: FiredTimers = await self._chat.execute(TIMERS, FireTimers(first, limit, self.is_asked()))
        except Exception as error:  # noqa: BLE001 (a defect of one kind must not hold up the others)
            if self._suspects:
                await self._postpone(first, error)
            self._suspects = 0 if self._suspects else TIMERS_AT_ONCE
            return TIMERS_PAUSE_S
        self._suspects = max(0, self._suspects - 1)
        self.on_fired(fired.late_ms)
        if fired.asked:
            self.on_asked(fired.asked)
        return TIMERS_PAUSE_S if fired.is_own else TIMERS_OTHERS_PAUSE_S

    async def _postpone(self, timer: Timer, error: Exception) -> None:
        await self._chat.execute(TIMERS, PostponeTimer(timer, POSTPONED_MS))
        _logger.error("timer_failed", kind=timer.kind, key=timer.key, error=str(error))
        self.on_failed()

    async def _rest(self) -> None:
        """Returns at the time of the next look, which may be moved forward meanwhile."""
        loop = asyncio.get_running_loop()
        while (left_s := self._at - loop.time()) > 0:  # Suspends: waits for the time or the event.
            self._moved.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._moved.wait()
            except TimeoutError:
                return
