"""Runs a node (one chat server) until it stops: as a process of its own, in the caller's event loop, or inside another
ASGI server.

A node also stops when its memory no longer matches the database, because the database was restored to an earlier time
or replaced by another one. A process of its own then starts the node again and keeps the listening socket, so that
clients wait instead of being refused. In the other two cases the node ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable

import structlog
import uvloop

from talkwire.app import Node
from talkwire.collector import collect_while_idle, tune_collector
from talkwire.core.domain.errors import LogReplaced
from talkwire.datafolder import reachable_url
from talkwire.realtime.http.descriptors import raise_descriptor_limit
from talkwire.realtime.serving.server import Server, attached, listen
from talkwire.realtime.transport.asgi_websocket import AsgiWebSockets
from talkwire.service_manager import report_alive

DESCRIPTORS_MIN = 1024
"""Fewest file descriptors with which a server does not log a warning: each client needs one."""

_SWITCH_INTERVAL_S = 0.0005
"""Seconds after which a thread lets others run, a tenth of Python's default: a finished commit should not wait 5 ms for
the event loop."""

_logger = structlog.get_logger(__name__)


def run(node: Node, listening: socket.socket | None = None, on_ready: Callable[[], None] | None = None) -> None:
    """Serves the chat until a signal stops the process. Accepts connections on the socket `listening`, else at the
    settings' address. Restarts the node if its database was replaced or went back in time. Calls `on_ready` after each
    start, once the node accepts requests.

    Raises OSError if it cannot listen on the address, and all errors that `Node.start` raises.
    """
    descriptors = raise_descriptor_limit()
    if descriptors < DESCRIPTORS_MIN:
        _logger.warning("file_descriptors", limit=descriptors)
    else:
        _logger.debug("file_descriptors", limit=descriptors)
    next_: socket.socket | None = listening or listen(node.settings.host, node.settings.port)
    while next_ is not None:
        with next_, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            next_ = runner.run(_run_once(node, next_, on_ready))


async def _run_once(node: Node, listening: socket.socket, on_ready: Callable[[], None] | None) -> socket.socket | None:
    """Starts the node and serves until the server stops. Returns the socket to continue listening on if the node has to
    restart, else None.
    """
    kept: list[socket.socket] = []
    async with node.started():
        _tune_interpreter()
        background = [asyncio.create_task(collect_while_idle()), asyncio.create_task(report_alive())]
        server = node.server()
        if on_ready is not None:
            server.on_ready = on_ready
        try:
            # A stopping node accepts no more connections; for a restart, the copy of the socket keeps them waiting.
            await serve(node, listening, server, lambda: kept.append(listening.dup()))
        except LogReplaced:
            _logger.warning("restarting")
            return kept[0]
        finally:
            for task in background:
                task.cancel()
    return None


async def serve(
    node: Node, listening: socket.socket, server: Server, on_replaced: Callable[[], None] = lambda: None
) -> None:
    """Serves a started node on the socket `listening` until `server` stops.

    Raises ApplicationFailed if the embedding application fails to start, and LogReplaced if the node had to stop
    because its database was replaced or went back in time. `on_replaced` is called before the node stops for that
    reason.
    """
    node.announce_url(reachable_url(listening))
    replaced = False

    def stop() -> None:
        nonlocal replaced
        if server.should_exit:
            return
        replaced = True
        on_replaced()
        _logger.error("database_replaced", ends="node")
        server.drain_s = 0.0
        server.should_exit = True

    node.chat.on_replaced = stop
    await server.serve(sockets=[listening])
    if replaced:
        raise LogReplaced


@contextlib.asynccontextmanager
async def run_attached(node: Node) -> AsyncIterator[AsgiWebSockets]:
    """Runs the node inside another ASGI server. Yields the application that the ASGI server must send WebSockets to;
    HTTP requests go to `node.app`. If the database is replaced or goes back in time, the process ends itself with
    SIGTERM.

    Raises all errors that `Node.start` raises.
    """

    def stop() -> None:
        _logger.error("database_replaced", ends="process")
        signal.raise_signal(signal.SIGTERM)

    async with node.started(), attached(node.engine, node.internal) as websockets:
        node.chat.on_replaced = stop
        try:
            yield websockets
        finally:
            node.files.uploads.stop_waiting()


def _tune_interpreter() -> None:
    """Sets the interpreter's thread switch interval and garbage collector for a process with one busy event loop and
    one writer thread.
    """
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    tune_collector()
