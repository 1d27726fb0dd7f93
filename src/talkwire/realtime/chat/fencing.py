"""A node in doubt: one that was stopped for so long that others may have taken it for dead, and its users for gone.

Before it handles what has come in meanwhile, it breaks off all its sessions: their clients come back, here or
elsewhere, and are let in as at any connect. Nobody can begin anything here until the others know again that it lives,
and it knows what they have done.
"""

from __future__ import annotations

import asyncio

import structlog

from talkwire.core.domain.errors import ChatError
from talkwire.core.engine.chat import Chat
from talkwire.realtime.engine.engine_server import EngineServer

LEASE_LOST = "lease_lost"
LOG_LOST = "log_lost"
"""Why sessions were broken off, as clients are told: the second, since the log has been pruned beyond this node."""

RETRY_S = 0.5

_logger = structlog.get_logger(__name__)


class Fencing:
    """Joins the lease, which knows of the doubt, and the sessions of a node among others."""

    def __init__(self, engine: EngineServer, chat: Chat) -> None:
        self._engine = engine
        self._chat = chat
        self._returning: asyncio.Task[None] | None = None
        engine.on_doubt = chat.lease.doubt
        chat.lease.on_beat = self._put_off
        chat.lease.on_doubt = self._begin
        chat.lease.on_hold = self._end
        chat.on_loss = lambda: engine.break_off(LOG_LOST)

    def close(self) -> None:
        if self._returning is not None:
            self._returning.cancel()

    def _put_off(self, doubt_at: float) -> None:
        self._engine.doubt_at = doubt_at

    def _begin(self) -> None:
        self.close()
        self._engine.suspended = True
        self._engine.break_off(LEASE_LOST)

    def _end(self) -> None:
        self.close()
        self._returning = asyncio.ensure_future(self._return())

    async def _return(self) -> None:
        """Somebody may have been banned meanwhile: what the log holds by now comes first."""
        await self._chat.feed.reach(await self._read_head())
        self._engine.suspended = False
        _logger.warning("this node serves again")

    async def _read_head(self) -> int:
        while True:
            try:
                return await self._chat.read_head()
            except ChatError:
                await asyncio.sleep(RETRY_S)
