"""Deletes messages and events older than the retention time, in small steps, so that sending is hardly delayed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

from talkwire.core.commands.server.retention import PruneApart, PruneOld
from talkwire.core.domain.actors import PRUNER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor

STEP_PAUSE_S = 0.2
CHECK_EVERY_S = 60.0


class Executes(Protocol):
    def execute(self, actor: Actor, command: PruneOld) -> Awaitable[bool]: ...


class Pruner:
    """Repeatedly deletes messages and events that are older than the server's retention time."""

    def __init__(self, chat: Executes, retention: timedelta) -> None:
        self._chat = chat
        self._command = PruneOld(round(retention.total_seconds() * 1000))
        self._look_every_s = min(CHECK_EVERY_S, retention.total_seconds() / 2)

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Deletes messages and events that are older than the retention time, in small steps, until cancelled. While
        the database is unavailable it retries later."""
        while True:
            try:
                more = await self._chat.execute(PRUNER, self._command)
            except ChatError:
                more = False
            await sleep(STEP_PAUSE_S if more else self._look_every_s)


class ExecutesPruning(Protocol):
    def execute(self, actor: Actor, command: PruneApart) -> Awaitable[str | None]: ...


class ConversationPruner:
    """Repeatedly deletes old messages in conversations that have, or had, their own retention time. `retention` applies
    to those that have none of their own any more; None keeps their messages."""

    def __init__(self, chat: ExecutesPruning, retention: timedelta | None) -> None:
        self._chat = chat
        self._retention_ms = None if retention is None else round(retention.total_seconds() * 1000)

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Deletes old messages of conversations that have, or had, their own retention time, in small steps, until
        cancelled. While the database is unavailable, it retries later."""
        after_id: str | None = ""
        while True:
            try:
                after_id = await self._chat.execute(PRUNER, PruneApart(self._retention_ms, after_id or ""))
            except ChatError:
                after_id = None
            await sleep(CHECK_EVERY_S if after_id is None else STEP_PAUSE_S)
