"""Finishes changes of teams: writes the memberships that follow from them, in batches, so that other commands are not
delayed."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import structlog

from talkwire.core.commands.desk.teams import FindTeamChange, FinishTeamChange, TeamBatch
from talkwire.core.domain.actors import TEAM_CHANGER
from talkwire.core.domain.desk.teams import TeamChange
from talkwire.core.domain.events import ConversationCreated, News, TeamUpdated
from talkwire.core.engine.stepwise_work import StepwiseWork
from talkwire.core.ports.chat import CommandExecutor

MEMBERSHIPS_PAUSE_S = 0.003
"""Pause between two batches of memberships, in which others can send, in seconds."""

MEMBERSHIPS_OTHERS_PAUSE_S = 0.05
"""Pause after finding that another node or task has written a batch of memberships, in seconds. It is longer than the
pause after an own batch, so that the other one writes the next batch too."""

MEMBERSHIPS_WAIT_S = 10.0
"""Longest time that a command waits for the memberships that follow from it, in seconds."""

_logger = structlog.get_logger(__name__)


class TeamChanger(StepwiseWork):
    """Finishes changes for which no command waits any more, also those that a killed server has left unfinished."""

    look_every_s: ClassVar[float] = 10.0

    def __init__(self, chat: CommandExecutor) -> None:
        super().__init__(chat)
        self._left: TeamChange | None = None

    @staticmethod
    def begins_with(event: News) -> bool:
        return type(event) is TeamUpdated or _makes_notes(event)

    async def step(self) -> float | None:
        if self._left is None:
            self._left = await self._chat.execute(TEAM_CHANGER, FindTeamChange())
            return None if self._left is None else 0.0
        batch: TeamBatch = await self._chat.execute(TEAM_CHANGER, FinishTeamChange(self._left))
        self._left = batch.left
        if batch.left is None:
            return None
        return MEMBERSHIPS_PAUSE_S if batch.is_written else MEMBERSHIPS_OTHERS_PAUSE_S

    def log_postponed(self, error: Exception) -> None:
        _logger.warning("team_change_postponed", error=str(error))

    async def finish_until(self, pos: int) -> None:
        """Does the steps of the change at the log position `pos` and of older ones."""
        rest_s = await self.step()
        while rest_s is not None and self._left is not None and self._left.pos <= pos:  # Suspends: executes commands.
            await asyncio.sleep(rest_s)
            rest_s = await self.step()


async def settle(chat: CommandExecutor, pos: int) -> bool:
    """Writes batches until all memberships are written that follow from the change at the log position `pos`. Returns
    False if that takes longer than `MEMBERSHIPS_WAIT_S`: then the node's `TeamChanger` continues."""
    try:
        async with asyncio.timeout(MEMBERSHIPS_WAIT_S):
            await TeamChanger(chat).finish_until(pos)
    except TimeoutError:
        return False
    return True


def _makes_notes(event: News) -> bool:
    """Returns whether a conversation has notes now: nobody waits for the memberships of these."""
    return type(event) is ConversationCreated and event.conversation.notes_of is not None
