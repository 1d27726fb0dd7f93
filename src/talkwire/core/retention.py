"""How long things are kept. What is older becomes a tombstone, and the log begins later: its floor moves.

It happens in small steps, so that sends hardly notice. It is no event: whoever loads an old message finds a tombstone,
and whoever resumes from before the floor is told to load everything afresh (`cursor_expired`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import MappingProxyType
from typing import Protocol

from talkwire.core.access import must_operate
from talkwire.core.commands.retention import PruneOld
from talkwire.core.errors import ChatError
from talkwire.core.handler import ChangeHandler, Changes
from talkwire.core.model import Actor
from talkwire.core.transaction import Transaction

STEP = 200
"""Log positions that one transaction prunes: a few milliseconds of it."""

STEP_PAUSE_S = 0.2
LOOK_EVERY_S = 60.0

PRUNER = Actor("talkwire", "Talkwire", role="admin")


class Executes(Protocol):
    def execute(self, actor: Actor, command: PruneOld) -> Awaitable[bool]: ...


def prune_old(tx: Transaction, actor: Actor, command: PruneOld) -> bool:
    """One step."""
    must_operate(actor)
    return tx.retention.prune(tx.now_ms - command.retention_ms, STEP)


class Pruner:
    """Prunes for as long as it runs."""

    def __init__(self, chat: Executes, retention: timedelta) -> None:
        self._chat = chat
        self._command = PruneOld(round(retention.total_seconds() * 1000))
        self._look_every_s = min(LOOK_EVERY_S, retention.total_seconds() / 2)

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Never ends by itself. While the database does not answer, nothing is lost by waiting."""
        while True:
            try:
                more = await self._chat.execute(PRUNER, self._command)
            except ChatError:
                more = False
            await sleep(STEP_PAUSE_S if more else self._look_every_s)


CHANGES: Changes = MappingProxyType({PruneOld: ChangeHandler(prune_old)})
