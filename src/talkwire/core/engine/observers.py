"""Observers: functions of the application that are called after events.

Each function has its own queue, so that a slow function delays neither delivery nor other functions. It receives each
durable event once on this node, in log order and after the commit, from its registration until the process ends. Events
that happen while no process runs are not delivered later.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog

from talkwire.core.domain.events import News

WAITING_EVENTS_MAX = 10_000
"""Most events that wait for one function. Beyond it the function misses events, and the number is logged."""

OBSERVERS_CLOSE_S = 5.0
"""Longest time that a node waits for queued events when it stops, in seconds."""

Function = Callable[[Any], Any]
"""Function that receives an event. Its result is ignored, but awaited if it is awaitable."""

_logger = structlog.get_logger(__name__)


class Observers:
    """Calls the functions that the application has registered (observers) for the types of events that they want."""

    def __init__(self) -> None:
        self._by_type: dict[type, list[_Observer]] = {}

    def add(self, event_types: Iterable[type], function: Function) -> None:
        """Registers `function` to be called with each event of the types `event_types`, one after the other. It may be
        async; exceptions that it raises are logged. While `WAITING_EVENTS_MAX` events wait for it, it misses further
        ones."""
        observer = _Observer(function)
        for event_type in event_types:
            self._by_type.setdefault(event_type, []).append(observer)

    def want_any(self, event_types: Iterable[type]) -> bool:
        """Returns whether a function is registered for any of the types."""
        return not self._by_type.keys().isdisjoint(event_types)

    def follow(self, events: Sequence[News]) -> None:
        """Adds a batch of events to the queues of the functions registered for their types. A full queue drops
        the event."""
        if self._by_type:
            for event in events:
                for observer in self._by_type.get(type(event), ()):
                    observer.enqueue(event)

    async def close(self) -> None:
        """Waits until the functions have received the queued events, for at most `OBSERVERS_CLOSE_S` seconds; then
        drops the remaining events and cancels the functions."""
        observers = {observer for observers in self._by_type.values() for observer in observers}
        await asyncio.gather(*(observer.close() for observer in observers))


class _Observer:
    """One function of the application and the queue of events that it has not received yet."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._waiting: deque[News] = deque()
        self._missed = 0
        self._task: asyncio.Task[None] | None = None

    def enqueue(self, event: News) -> None:
        if len(self._waiting) >= WAITING_EVENTS_MAX:
            self._missed += 1
            return
        self._waiting.append(event)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        task = self._task
        if task is None:
            return
        done, _ = await asyncio.wait([task], timeout=OBSERVERS_CLOSE_S)
        if not done:
            _logger.warning("observer_not_finished", observer=self._name, waiting=len(self._waiting))
            self._waiting.clear()
            task.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._call(self._waiting.popleft())
                self._log_missed()
                await asyncio.sleep(0)  # functions that never wait must not block the event loop
        finally:
            self._task = None

    async def _call(self, event: News) -> None:
        try:
            result = self._function(event)
            if inspect.isawaitable(result):
                await result
        except Exception:
            _logger.exception("observer_failed", observer=self._name, event_type=type(event).__name__)

    def _log_missed(self) -> None:
        """Logs how many events the function has missed because its queue was full, once the queue has room again."""
        if self._missed and len(self._waiting) < WAITING_EVENTS_MAX:
            _logger.error("observer_missed_events", observer=self._name, missed=self._missed)
            self._missed = 0

    @property
    def _name(self) -> str:
        return getattr(self._function, "__qualname__", repr(self._function))
