"""Fencing: a node that was stopped for longer than its lease, so that other nodes may have declared it dead,
disconnects its clients.

It does so before it handles any input that has arrived meanwhile; the clients reconnect to this node or another and
sign in again. It accepts no sessions until its lease is renewed and it has read the events that the other nodes have
committed.
"""

from __future__ import annotations

import asyncio

import structlog

from talkwire.core.domain.errors import ChatError
from talkwire.core.engine.chat import Chat
from talkwire.realtime.engine.engine_server import EngineServer

LEASE_LOST = "lease_lost"
"""Reason that clients receive when other nodes may have declared this node dead."""

LOG_LOST = "log_lost"
"""Reason that clients receive when the log was pruned beyond this node's position."""

LEASE_RETRY_S = 0.5
"""Seconds until the next attempt after the database was unavailable."""

_logger = structlog.get_logger(__name__)


def fence(engine: EngineServer, chat: Chat) -> Fencing:
    """Creates and returns a node's fencing, which ends the node's sessions when its lease (its record in the database
    that it is alive) has expired. Connects it with the lease and the engine by setting their callbacks.
    """
    fencing = Fencing(engine, chat)
    engine.on_lease_expired = chat.lease.handle_stop
    chat.lease.on_deadline_moved = fencing.set_deadline
    chat.lease.on_lost = fencing.suspend
    chat.lease.on_regained = fencing.resume
    chat.on_events_missed = lambda: engine.close_at_once(LOG_LOST)
    return fencing


class Fencing:
    """Closes the sessions of a node whose lease has expired, and accepts new ones after the lease is renewed."""

    def __init__(self, engine: EngineServer, chat: Chat) -> None:
        self._engine = engine
        self._chat = chat
        self._returning: asyncio.Task[None] | None = None

    def close(self) -> None:
        if self._returning is not None:
            self._returning.cancel()

    def set_deadline(self, deadline: float) -> None:
        """Allows the engine to handle clients' input until `deadline`, in seconds of the event loop's clock. Called
        several times within a lease's duration, as long as this node runs; after the deadline, other nodes may have
        declared it dead.
        """
        self._engine.lease_deadline = deadline

    def suspend(self) -> None:
        """Closes all sessions with the reason `lease_lost`, and accepts no new ones until `resume`. Called when the
        node's lease (its record in the database that it is alive) has expired.
        """
        self.close()
        self._engine.suspended = True
        self._engine.close_at_once(LEASE_LOST)

    def resume(self) -> None:
        """Called when the lease is held again. Accepts sessions as soon as this node has received all events that are
        in the log now, since users may have been banned meanwhile. Returns at once.
        """
        self.close()
        self._returning = asyncio.ensure_future(self._return())

    async def _return(self) -> None:
        await self._chat.feed.wait_until(await self._read_head())
        self._engine.suspended = False
        _logger.warning("lease_regained")

    async def _read_head(self) -> int:
        while True:  # Suspends: each round returns or rests.
            try:
                return await self._chat.read_head()
            except ChatError:
                await asyncio.sleep(LEASE_RETRY_S)
