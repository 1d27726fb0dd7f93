"""How a node among others goes: its clients are sent to the others one after the other, while it still serves.

Whoever sends clients here, such as a load balancer, is given a moment to learn from `/readyz` that this node is about
to go; then sessions are ended, evenly over the rest of the window, so that the others are not overrun. Who comes here
all the same meanwhile is served, until the server stops: to be served for a moment is better than to be turned away.
"""

from __future__ import annotations

import asyncio

import structlog

from talkwire.realtime.engine.connection import Connection
from talkwire.realtime.engine.engine_server import EngineServer
from talkwire.realtime.forwarding.tunnel import Tunnel

NOTICE_SHARE = 0.2
"""The part of the window in which nobody is sent away yet."""

_logger = structlog.get_logger(__name__)


async def drain(engine: EngineServer, window_s: float) -> None:
    """Ends the sessions that are open, spread over `window_s` seconds, and returns behind those."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    _logger.info("draining", seconds=window_s, sessions=len(engine.connections))
    notice_s = window_s * NOTICE_SHARE
    await asyncio.sleep(notice_s)
    connections: list[Connection | Tunnel] = list(engine.connections)
    if engine.passing is not None:
        connections += engine.passing.splices
    for index, connection in enumerate(connections):
        due_s = began_s + notice_s + (window_s - notice_s) * index / len(connections)
        if due_s > loop.time():
            await asyncio.sleep(due_s - loop.time())
        connection.end_in_order()
    await asyncio.sleep(max(0.0, began_s + window_s - loop.time()))
