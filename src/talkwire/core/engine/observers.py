"""Functions of the application's that are told what has happened.

Each has a queue of its own, so that a slow one holds up neither delivery nor the others. It is told each durable event
once on this node, in the order of the log and after its commit, from its registration to the end of the process: what
happens while nothing runs is in the log, and nobody is told of it later.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog

from talkwire.core.domain.events import News

WAITING_MAX = 10_000
"""Events that may wait for one function; beyond them it misses some, and the log says how many."""

CLOSE_S = 5.0
"""How long what still waits may take at the end."""

Function = Callable[[Any], Any]
"""Takes the event; what it answers is of no interest, but awaited if it can be."""

_logger = structlog.get_logger(__name__)


class Observers:
    """By the type of the event."""

    def __init__(self) -> None:
        self._by_type: dict[type, list[_Observer]] = {}

    def add(self, event_types: Iterable[type], function: Function) -> None:
        """Has `function` told of each event of these types."""
        observer = _Observer(function)
        for event_type in event_types:
            self._by_type.setdefault(event_type, []).append(observer)

    def follow(self, events: Sequence[News]) -> None:
        """A batch from the bus."""
        if self._by_type:
            for event in events:
                for observer in self._by_type.get(type(event), ()):
                    observer.tell(event)

    async def close(self) -> None:
        """Waits for what was told, but not for ever."""
        observers = {observer for observers in self._by_type.values() for observer in observers}
        await asyncio.gather(*(observer.close() for observer in observers))


class _Observer:
    """One function and what it has to be told."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._waiting: deque[News] = deque()
        self._missed = 0
        self._task: asyncio.Task[None] | None = None

    def tell(self, event: News) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self._missed += 1
            return
        self._waiting.append(event)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        task = self._task
        if task is None:
            return
        done, _ = await asyncio.wait([task], timeout=CLOSE_S)
        if not done:
            _logger.warning("an observer is not finished at the end", observer=self._name, waiting=len(self._waiting))
            self._waiting.clear()
            task.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._call(self._waiting.popleft())
                self._say_missed()
                await asyncio.sleep(0)  # functions that wait for nothing must not hold up the loop
        finally:
            self._task = None

    async def _call(self, event: News) -> None:
        try:
            answer = self._function(event)
            if inspect.isawaitable(answer):
                await answer
        except Exception:
            _logger.exception("an observer failed", observer=self._name, event_type=type(event).__name__)

    def _say_missed(self) -> None:
        """As soon as there is room again."""
        if self._missed and len(self._waiting) < WAITING_MAX:
            _logger.error("an observer is too slow and has missed events", observer=self._name, missed=self._missed)
            self._missed = 0

    @property
    def _name(self) -> str:
        return getattr(self._function, "__qualname__", repr(self._function))
