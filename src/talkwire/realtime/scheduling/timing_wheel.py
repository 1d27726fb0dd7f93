"""A timing wheel: one timer for the deadlines of all connections, such as heartbeats, timeouts and expiring tokens.

Most deadlines only move later (each pong does that). So a connection stays in its bucket, and the wheel asks for its
deadline again when the time of the bucket comes: an arriving packet costs nothing here, and no connection has its own
timer. Where the ping interval is shorter than the ping timeout, a pong moves the deadline nearer; so the wheel asks
each connection at least once per ping interval.
"""

from __future__ import annotations

import asyncio
import heapq
from math import ceil, inf, isinf
from typing import Protocol

import structlog

WHEEL_TICK_S = 0.02
"""Seconds between two steps of the wheel."""

TICKS_A_TIMEOUT = 50
"""Ticks within the shortest timeout: a timeout ends at most 2 % late."""

_TICK_MIN_S = 0.001

_logger = structlog.get_logger(__name__)


class Deadlined(Protocol):
    """The interface that a timing wheel uses of an object with deadlines. The wheel calls `handle_deadline` when the
    deadline has passed. `wheel_tick` belongs to the wheel and must start as 0, which means "not in the wheel".
    """

    wheel_tick: int

    def next_deadline(self) -> float:
        """Returns the object's next deadline in seconds of the event loop's clock; `inf` for none."""
        ...

    def handle_deadline(self, now: float) -> None: ...


def tick_for(*timeouts_s: float) -> float:
    """Returns the tick length, in seconds, of a timing wheel that is precise enough for timeouts of these lengths: a
    fiftieth of the shortest one, between 1 and 20 milliseconds.
    """
    return min(WHEEL_TICK_S, max(_TICK_MIN_S, min(timeouts_s) / TICKS_A_TIMEOUT))


class TimingWheel:
    """One timer for many items with deadlines: calls an item's `handle_deadline` at most `tick_s` seconds after its
    `next_deadline`.

    Call `watch` whenever an item's deadline may have become earlier. For an item in the wheel, that is unnecessary if
    the new deadline is at least `ask_every_s` seconds ahead: the wheel reads each item's deadline at least that
    often.
    """

    def __init__(self, ask_every_s: float = inf, tick_s: float = WHEEL_TICK_S) -> None:
        self._ask_every_s = ask_every_s
        self._tick_s = tick_s
        self._buckets: dict[int, list[Deadlined]] = {}
        self._ticks: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_tick = inf
        self._last_tick = 0

    def watch(self, item: Deadlined) -> None:
        """Adds an item to the wheel, or moves it to an earlier tick. Call it when the item's deadline may have become
        earlier.
        """
        deadline = item.next_deadline()
        if not isinf(deadline):
            self._watch(item, deadline)

    def forget(self, item: Deadlined) -> None:
        """Removes an item from the wheel. Does nothing if the item is not in it."""
        bucket = self._buckets.get(item.wheel_tick)
        if bucket is not None:
            bucket.remove(item)
        item.wheel_tick = 0

    def _watch(self, item: Deadlined, deadline: float) -> None:
        # An overdue item gets the next tick, so that an item that stays overdue cannot block the loop.
        tick = max(ceil(deadline / self._tick_s), self._last_tick + 1)
        if item.wheel_tick:
            if item.wheel_tick <= tick:
                return
            self.forget(item)
        item.wheel_tick = tick
        bucket = self._buckets.get(tick)
        if bucket is None:
            bucket = self._buckets[tick] = []
            heapq.heappush(self._ticks, tick)
            self._arm()
        bucket.append(item)

    def close(self) -> None:
        """Removes all items and stops the wheel's timer."""
        self._buckets.clear()
        self._ticks.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        tick = self._ticks[0]
        if tick >= self._timer_tick:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_tick = tick
        self._timer = asyncio.get_running_loop().call_at(tick * self._tick_s, self._turn)

    def _turn(self) -> None:
        now = asyncio.get_running_loop().time()
        self._timer, self._timer_tick = None, inf
        self._last_tick = max(self._last_tick, int(now / self._tick_s))
        while self._ticks and self._ticks[0] * self._tick_s <= now:
            tick = heapq.heappop(self._ticks)
            self._last_tick = max(self._last_tick, tick)
            for item in self._buckets.pop(tick):
                # Another item's end may have removed this item or moved it to another bucket.
                if item.wheel_tick == tick:
                    item.wheel_tick = 0
                    self._ask(item, now)
        if self._ticks:
            self._arm()

    def _ask(self, item: Deadlined, now: float) -> None:
        try:
            if item.next_deadline() <= now:
                item.handle_deadline(now)
            deadline = item.next_deadline()
            if not isinf(deadline):
                self._watch(item, min(deadline, now + self._ask_every_s))
        except Exception:
            # A defect in one connection must not stop the heartbeats of all others.
            _logger.exception("deadline_failed")
