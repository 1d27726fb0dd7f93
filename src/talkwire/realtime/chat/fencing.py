"""Fencing of a node that was stopped for so long that other nodes may have expired it and its users.

Before it handles what has come in meanwhile, it closes all its sessions: their clients reconnect here or elsewhere and
sign in again. It accepts no sessions until the other nodes regard it as alive and it has read what they have done.
"""

from __future__ import annotations

import asyncio

import structlog

from talkwire.core.domain.errors import ChatError
from talkwire.core.engine.chat import Chat
from talkwire.realtime.engine.engine_server import EngineServer

LEASE_LOST = "lease_lost"
LOG_LOST = "log_lost"
"""The reasons that clients receive. The second one: the log was pruned beyond this node's position."""

RETRY_S = 0.5

_logger = structlog.get_logger(__name__)


def fence(engine: EngineServer, chat: Chat) -> Fencing:
    """Returns the fencing of a node, and sets all callbacks that connect it to the lease, the log and the sessions."""
    fencing = Fencing(engine, chat)
    engine.on_lease_expired = chat.lease.handle_stop
    chat.lease.on_deadline_moved = fencing.set_deadline
    chat.lease.on_lost = fencing.suspend
    chat.lease.on_regained = fencing.resume
    chat.on_events_missed = lambda: engine.close_at_once(LOG_LOST)
    return fencing


class Fencing:
    """Suspends the sessions of a node without a lease."""

    def __init__(self, engine: EngineServer, chat: Chat) -> None:
        self._engine = engine
        self._chat = chat
        self._returning: asyncio.Task[None] | None = None

    def close(self) -> None:
        if self._returning is not None:
            self._returning.cancel()

    def set_deadline(self, deadline: float) -> None:
        """Has the engine handle input until a time. Later, other nodes may have expired this one."""
        self._engine.lease_deadline = deadline

    def suspend(self) -> None:
        """Closes all sessions, and accepts none."""
        self.close()
        self._engine.suspended = True
        self._engine.close_at_once(LEASE_LOST)

    def resume(self) -> None:
        """Accepts sessions again after the log was read: users may have been banned meanwhile."""
        self.close()
        self._returning = asyncio.ensure_future(self._return())

    async def _return(self) -> None:
        await self._chat.feed.wait_until(await self._read_head())
        self._engine.suspended = False
        _logger.warning("this node serves again")

    async def _read_head(self) -> int:
        while True:
            try:
                return await self._chat.read_head()
            except ChatError:
                await asyncio.sleep(RETRY_S)
