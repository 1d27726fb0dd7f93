"""Work that a node does in small steps after an event, so that other commands are not delayed, and that any node may
continue after a kill."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageSent, News
from talkwire.core.ports.chat import CommandExecutor

STEP_RETRY_S = 5.0
"""Pause after a step that has failed, in seconds."""


class StepwiseWork(ABC):
    """The base class of work in steps. Some events begin work, and every `look_every_s` seconds the node looks for work
    that a killed server has left."""

    look_every_s: ClassVar[float]

    def __init__(self, chat: CommandExecutor) -> None:
        self._chat = chat
        self._woken = asyncio.Event()

    @staticmethod
    @abstractmethod
    def begins_with(event: News) -> bool:
        """Returns whether the event, which is no `MessageSent`, begins work."""

    @abstractmethod
    async def step(self) -> float | None:
        """Does the next step. Returns how many seconds to wait before the following one, or None when nothing is
        left."""

    @abstractmethod
    def log_postponed(self, error: Exception) -> None:
        """Logs that a step has failed and will be tried again."""

    def follow(self, events: Sequence[News]) -> None:
        """Looks for work soon if one of the events begins some."""
        for event in events:
            if type(event) is not MessageSent and self.begins_with(event):  # nearly every event is a message
                self._woken.set()

    async def run(self) -> None:
        """Does all work until cancelled. While the database is unavailable, it retries every few seconds."""
        while True:  # Suspends: each round executes a command and rests.
            self._woken.clear()
            try:
                await self.finish()
            except (ChatError, OSError) as error:
                self.log_postponed(error)
                await asyncio.sleep(STEP_RETRY_S)
            else:
                await self._wait(self.look_every_s)

    async def finish(self) -> None:
        """Does all steps that are left, and returns. Raises ChatError, and OSError if a file cannot be removed."""
        rest_s = await self.step()
        while rest_s is not None:  # Suspends: each round executes a command.
            await asyncio.sleep(rest_s)
            rest_s = await self.step()

    async def _wait(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return
