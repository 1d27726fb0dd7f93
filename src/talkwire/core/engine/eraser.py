"""Removes what is left of erased users, in small steps, so that other commands are not delayed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import structlog

from talkwire.core.commands.command import Command
from talkwire.core.commands.server.erasure import EndErasure, FindErasureStep, TakeErasureStep
from talkwire.core.domain.actors import ERASER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import News, UserErased
from talkwire.core.domain.model import Actor

STEP_PAUSE_S = 0.02
"""The pause between two steps, in which others can send."""

RETRY_S = 5.0
"""The pause after an error, and where another node does the same work."""

LOOK_EVERY_S = 60.0

_logger = structlog.get_logger(__name__)


class ExecutesSteps(Protocol):
    """The interface through which the eraser executes its commands. The chat implements it."""

    def execute(self, actor: Actor, command: Command[Any]) -> Awaitable[Any]: ...


class Eraser:
    """Removes the data of erased users step by step, also for erasures that a killed server has left unfinished.

    `scrub` removes what the database's files and the file storage still hold of deleted rows; it returns False if that
    has to be tried again.
    """

    def __init__(self, chat: ExecutesSteps, scrub: Callable[[], Awaitable[bool]]) -> None:
        self._chat = chat
        self._scrub = scrub
        self._woken = asyncio.Event()

    def follow(self, events: Sequence[News]) -> None:
        """Wakes the eraser if one of the events says that a user was erased."""
        if any(type(event) is UserErased for event in events):
            self._woken.set()

    async def run(self) -> None:
        """Removes the data of erased users until cancelled. While the database is unavailable, it retries every few
        seconds."""
        while True:  # Suspends: each round executes a command, or rests.
            self._woken.clear()
            try:
                rest_s = await self.step()
            except (ChatError, OSError) as error:
                _logger.warning("erasure_postponed", error=str(error))
                rest_s = RETRY_S
            if rest_s is None:
                await self._wait(LOOK_EVERY_S)
            else:
                await asyncio.sleep(rest_s)

    async def finish(self) -> None:
        """Completes all pending erasures and returns. Raises ChatError, and OSError if the file storage fails."""
        rest_s = await self.step()
        while rest_s is not None:
            await asyncio.sleep(rest_s)
            rest_s = await self.step()

    async def step(self) -> float | None:
        """Carries out the next step of an erasure. Returns how many seconds to wait before the following step, or None
        when no erasure is pending."""
        step = await self._chat.execute(ERASER, FindErasureStep())
        if step is None:
            return None
        if step.erasure.stage != "bytes":
            taken = await self._chat.execute(ERASER, TakeErasureStep(step))
            return STEP_PAUSE_S if taken else RETRY_S
        if not await self._scrub():
            return RETRY_S
        await self._chat.execute(ERASER, EndErasure(step.erasure.user_id))
        _logger.info("erasure_completed", user_id=step.erasure.user_id)
        return STEP_PAUSE_S

    async def _wait(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return
