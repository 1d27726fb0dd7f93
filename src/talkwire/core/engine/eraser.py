"""Removes what is left of erased users, in small steps, so that other commands are not delayed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

import structlog

from talkwire.core.commands.server.erasure import EndErasure, FindErasureStep, TakeErasureStep
from talkwire.core.domain.actors import ERASER
from talkwire.core.domain.events import News, UserErased
from talkwire.core.engine.stepwise_work import STEP_RETRY_S, StepwiseWork
from talkwire.core.ports.chat import CommandExecutor

ERASURE_PAUSE_S = 0.02
"""Pause between two steps of an erasure, in which others can send, in seconds."""

_logger = structlog.get_logger(__name__)


class Eraser(StepwiseWork):
    """Removes the data of erased users step by step, also for erasures that a killed server has left unfinished.

    `scrub` removes what the database's files and the file storage still hold of deleted rows; it returns False if that
    has to be tried again.
    """

    look_every_s: ClassVar[float] = 60.0

    def __init__(self, chat: CommandExecutor, scrub: Callable[[], Awaitable[bool]]) -> None:
        super().__init__(chat)
        self._scrub = scrub

    @staticmethod
    def begins_with(event: News) -> bool:
        return type(event) is UserErased

    async def step(self) -> float | None:
        """Does the next step of an erasure. The pause is longer where another node does the same work."""
        step = await self._chat.execute(ERASER, FindErasureStep())
        if step is None:
            return None
        if step.erasure.stage != "bytes":
            taken = await self._chat.execute(ERASER, TakeErasureStep(step))
            return ERASURE_PAUSE_S if taken else STEP_RETRY_S
        if not await self._scrub():
            return STEP_RETRY_S
        await self._chat.execute(ERASER, EndErasure(step.erasure.user_id))
        _logger.info("erasure_completed", user_id=step.erasure.user_id)
        return ERASURE_PAUSE_S

    def log_postponed(self, error: Exception) -> None:
        _logger.warning("erasure_postponed", error=str(error))
