"""Finishes changes of teams: writes the memberships that follow from them, in batches, so that other commands are not
delayed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

import structlog

from talkwire.core.commands.command import Command
from talkwire.core.commands.desk.teams import FindTeamChange, FinishTeamChange
from talkwire.core.domain.actors import TEAM_CHANGER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import News, TeamUpdated
from talkwire.core.domain.model import Actor

BATCH_PAUSE_S = 0.01
"""The pause between two batches, in which others can send."""

WAIT_S = 10.0
"""How long a command waits for the memberships that follow from it."""

RETRY_S = 5.0
LOOK_EVERY_S = 10.0

_logger = structlog.get_logger(__name__)


class ExecutesBatches(Protocol):
    """The interface through which batches of memberships are written. The chat implements it."""

    def execute(self, actor: Actor, command: Command[Any]) -> Awaitable[Any]: ...


async def settle(chat: ExecutesBatches, pos: int) -> bool:
    """Writes batches until all memberships are written that follow from the change at the log position `pos`. Returns
    False if that takes longer than `WAIT_S`: then `TeamChanger` goes on."""
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while asyncio.get_running_loop().time() < deadline:  # Suspends: each round executes a command.
        oldest_pos = await chat.execute(TEAM_CHANGER, FinishTeamChange())
        if oldest_pos is None or oldest_pos > pos:
            return True
        await asyncio.sleep(BATCH_PAUSE_S)
    return False


class TeamChanger:
    """Finishes changes for which no command waits any more, also those that a killed server has left unfinished."""

    def __init__(self, chat: ExecutesBatches) -> None:
        self._chat = chat
        self._woken = asyncio.Event()

    def follow(self, events: Sequence[News]) -> None:
        """Looks for unfinished changes soon if one of the events says that a team has changed."""
        if any(type(event) is TeamUpdated for event in events):
            self._woken.set()

    async def run(self) -> None:
        """Finishes changes until cancelled. While the database is unavailable, it retries every few seconds."""
        while True:  # Suspends: each round executes a command and rests.
            self._woken.clear()
            try:
                await self.finish()
            except (ChatError, OSError) as error:
                _logger.warning("team_change_postponed", error=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                await self._wait(LOOK_EVERY_S)

    async def finish(self) -> None:
        """Finishes all pending changes and returns. Raises ChatError."""
        pos = await self._chat.execute(TEAM_CHANGER, FindTeamChange())
        while pos is not None:  # Suspends: each round executes a command and rests.
            pos = await self._chat.execute(TEAM_CHANGER, FinishTeamChange())
            await asyncio.sleep(BATCH_PAUSE_S)

    async def _wait(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return
