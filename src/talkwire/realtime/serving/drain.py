"""Draining: a node that leaves a cluster ends its sessions one after the other, so that their clients reconnect to
other nodes.

In the first part of the time window, no session is ended: load balancers learn from `/readyz` that this node is about
to stop. Over the rest of the window, sessions are ended at an even rate, so that the other nodes are not overloaded.
Clients that still connect to this node are served until the server stops: short service is better than none.
"""

from __future__ import annotations

import asyncio

import structlog

from talkwire.realtime.engine.connection import Connection
from talkwire.realtime.engine.engine_server import EngineServer
from talkwire.realtime.forwarding.tunnel import Tunnel

NOTICE_SHARE = 0.2
"""Share of the window in which no session is ended yet."""

_logger = structlog.get_logger(__name__)


async def drain(engine: EngineServer, window_s: float) -> None:
    """Ends the open sessions and forwarded WebSockets of this node one by one, evenly over the last four fifths of
    `window_s` seconds. Clients can still connect meanwhile. Returns after `window_s` seconds.
    """
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    _logger.info("draining", seconds=window_s, sessions=len(engine.connections))
    notice_s = window_s * NOTICE_SHARE
    await asyncio.sleep(notice_s)
    connections: list[Connection | Tunnel] = list(engine.connections)
    if engine.forwarder is not None:
        connections += engine.forwarder.tunnels
    for index, connection in enumerate(connections):
        due_s = began_s + notice_s + (window_s - notice_s) * index / len(connections)
        if due_s > loop.time():
            await asyncio.sleep(due_s - loop.time())
        connection.close_gracefully()
    await asyncio.sleep(max(0.0, began_s + window_s - loop.time()))
