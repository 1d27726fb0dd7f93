"""Finishes the erasure of users: cleans in small steps what their event leaves, so that nobody waits."""

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
    """The part of the chat that the eraser needs."""

    def execute(self, actor: Actor, command: Command[Any]) -> Awaitable[Any]: ...


class Eraser:
    """Works on unfinished erasures, also on those that a killed server has left.

    `scrub` removes what the database's files and the file storage still hold of deleted rows; it returns False if that
    has to be tried again.
    """

    def __init__(self, chat: ExecutesSteps, scrub: Callable[[], Awaitable[bool]]) -> None:
        self._chat = chat
        self._scrub = scrub
        self._woken = asyncio.Event()

    def follow(self, events: Sequence[News]) -> None:
        """Begins with the next step when a user was erased."""
        if any(type(event) is UserErased for event in events):
            self._woken.set()

    async def run(self) -> None:
        """Works until cancelled. While the database is unavailable it retries later."""
        while True:
            self._woken.clear()
            try:
                rest_s = STEP_PAUSE_S if await self.step() else RETRY_S
            except (ChatError, OSError) as error:
                _logger.warning("an erasure waits", error=str(error))
                rest_s = RETRY_S
            except Finished:
                await self._wait(LOOK_EVERY_S)
                continue
            await asyncio.sleep(rest_s)

    async def finish(self) -> None:
        """Finishes all erasures. Raises ChatError, and OSError if the file storage fails."""
        try:
            while True:
                await asyncio.sleep(0 if await self.step() else RETRY_S)
        except Finished:
            return

    async def step(self) -> bool:
        """Carries out the next step. Returns False if it has to be tried again later. Raises Finished when no erasure
        is pending."""
        step = await self._chat.execute(ERASER, FindErasureStep())
        if step is None:
            raise Finished
        if step.erasure.stage != "bytes":
            taken: bool = await self._chat.execute(ERASER, TakeErasureStep(step))
            return taken
        if not await self._scrub():
            return False
        await self._chat.execute(ERASER, EndErasure(step.erasure.user_id))
        _logger.info("user_erased", user_id=step.erasure.user_id)
        return True

    async def _wait(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return


class Finished(Exception):
    """No erasure is pending."""
