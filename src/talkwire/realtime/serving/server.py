"""Runs a server: one listening socket for clients, uvicorn on uvloop, and an orderly shutdown.

After SIGTERM or SIGINT, clients are sent to other nodes first, if there are any (`drain.py`). Then the server accepts
no connections, notifies its clients, finishes running requests, and closes the WebSockets (with the code 1001).

A second signal ends the process at once; nothing that was acknowledged is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from math import inf
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from talkwire.realtime.engine.engine_server import EngineServer
from talkwire.realtime.http.client_bundle import ClientBundle
from talkwire.realtime.http.connection_limits import ConnectionLimits
from talkwire.realtime.http.http_limits import HttpLimits
from talkwire.realtime.http.http_protocol import http_class
from talkwire.realtime.serving.drain import drain
from talkwire.realtime.serving.node_listener import NodeListener, PeerApp
from talkwire.realtime.transport.asgi_websocket import AsgiWebSockets
from talkwire.realtime.transport.polling import PollingApp
from talkwire.realtime.transport.websocket import websocket_class

SHUTDOWN_S = 8
"""Seconds that running requests may take at shutdown: less than the 10 s after which Docker kills the container."""

BACKLOG = 4096
"""Most connections that the kernel keeps until they are accepted."""

ACCEPTS_A_TURN = 4
"""Most connections that are accepted in one turn of the event loop. libuv accepts one for each descriptor on which it
listens, so the server has that many of its socket: clients that connect at the same time then share turns.

No more than a quarter of the smallest reserve of descriptors (`descriptors.py`), because idle connections that are
closed for new ones keep theirs until the next turn.
"""

_DATE_S = 1.0
"""Seconds between two values of the header `Date`."""
_RENEWS_DATE = 0
"""Number of uvicorn's ticks with which it renews the header `Date`."""

LINK_LIMITS = HttpLimits(keep_alive_s=75.0, body_s=inf, read_s=600.0)
"""Limits of connections from other nodes.

Unused connections are kept for longer than those nodes reuse them (`CONNECTION_IDLE_S` in `peer_http.py`). The body of
a poll ends only when its response has been delivered, and a file is read as slowly as a client there reads it.
"""

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


def listen(host: str, port: int) -> socket.socket:
    """Opens a listening socket and returns it; port 0 picks a free port. Raises OSError."""
    listening = _bound(host, port)
    try:
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def bind_shared(host: str, port: int) -> socket.socket:
    """Returns a bound TCP socket whose address other processes of the same system user may bind too. The socket does
    not listen yet: `Server` does that.

    Once several processes listen, the kernel spreads connections over them. Raises OSError.
    """
    return _bound(host, port, socket.SO_REUSEPORT)


def _bind(bound: socket.socket, host: str, port: int) -> None:
    try:
        bound.bind((host, port))
    except (TypeError, UnicodeError):  # an empty label, one that is too long, or a character that no name has
        raise OSError(errno.EINVAL, "this is not the name of a host") from None


def _bound(host: str, port: int, *options: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in (socket.SO_REUSEADDR, *options):
            bound.setsockopt(socket.SOL_SOCKET, option, 1)
        _bind(bound, host, port)
        bound.setblocking(False)  # noqa: FBT003 (takes it by place only)
    except OSError:
        bound.close()
        raise
    return bound


class ApplicationFailed(RuntimeError):
    """Raised by `Server.startup` if the embedding application did not start, so that the server did not start either.
    The application has logged the reason.
    """


class Server(uvicorn.Server):
    """A uvicorn server with this project's signal handling and shutdown.

    `on_shutdown` is called at the shutdown, to end long requests of the application. For `drain_s` seconds before the
    shutdown, clients are sent to other nodes; `shutdown_s` limits how long running requests may then take. `beside`
    says that `app` contains an embedding application, which receives the ASGI lifespan and all WebSockets outside the
    engine's path. `internal` is the listening socket for other nodes. `limits` apply to HTTP connections.
    """

    def __init__(  # noqa: PLR0913 (all but two may be left out)
        self,
        engine: EngineServer,
        app: AsgiApp,
        *,
        shutdown_s: int = SHUTDOWN_S,
        drain_s: float = 0.0,
        on_shutdown: Callable[[], None] = lambda: None,
        beside: bool = False,
        internal: NodeListener | None = None,
        limits: HttpLimits | None = None,
    ) -> None:
        self.drain_s = drain_s
        self._engine = engine
        self._on_shutdown = on_shutdown
        self._internal = internal
        self._begun = asyncio.Event()
        self._exiting = asyncio.Event()
        self.on_ready: Callable[[], None] = _nothing
        """Function that is called once the server accepts requests."""
        connection_limits = ConnectionLimits(
            engine.wheel, limits or HttpLimits(), engine.metrics, engine.trusted_proxies
        )
        super().__init__(
            uvicorn.Config(
                app,
                # uvicorn documents that this may be a class.
                ws=websocket_class(engine, WebSocketsSansIOProtocol if beside else None),
                http=http_class(connection_limits),
                loop="uvloop",
                lifespan="auto" if beside else "off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=shutdown_s,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts listening, for clients and other nodes, and calls `on_ready`. Raises ApplicationFailed if the
        embedding application does not start, where uvicorn would end the process.
        """
        copies = [each.dup() for each in sockets or () for _ in range(ACCEPTS_A_TURN - 1)]
        try:
            await super().startup(None if sockets is None else [*sockets, *copies])
        except SystemExit:
            for each in copies:
                each.close()
            raise ApplicationFailed("the application beside Talkwire did not start") from None
        if self._internal is not None:
            # uvicorn counts its connections and closes them with all others.
            self.servers.append(await listen_internally(self._engine, self._internal, self.server_state))
        self._begun.set()
        self.on_ready()

    async def has_begun(self, serving: asyncio.Task[None]) -> None:
        """Waits until the server accepts requests. If the task `serving`, which runs the server, ends before that,
        raises the task's exception, or returns if it has none.
        """
        begun = asyncio.ensure_future(self._begun.wait())
        await asyncio.wait([begun, serving], return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        if serving.done():
            await serving

    async def main_loop(self) -> None:
        """Runs until the server has to stop, and then drains: for `drain_s` seconds, sends its clients to other nodes,
        if there are any.

        It replaces uvicorn's own loop, which checks for the end ten times a second and took 0.13 % of a core on an idle
        server.
        """
        # Suspends: once `_exiting` is set, `on_tick` returns True.
        while not await self.on_tick(_RENEWS_DATE):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DATE_S):
                    await self._exiting.wait()
        self._engine.start_draining()
        if self.drain_s:
            await drain(self._engine, self.drain_s)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_shutdown()
        self._engine.shut_down()
        await super().shutdown(sockets)
        self._engine.wheel.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handles SIGTERM and SIGINT while the server runs: the first one starts an orderly shutdown, the second ends
        the process at once. Does nothing outside the main thread.

        uvicorn would raise the first signal again at the end, which makes an orderly exit look like a death by signal.
        """
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may handle signals
            return
        previous = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 (a signal handler's form)
        if self.should_exit:
            os._exit(1)
        self.should_exit = True

    @property
    def should_exit(self) -> bool:
        """Whether the server has to stop. Assign True to stop it, only in the server's thread or in
        a signal handler.
        """
        return self._exiting.is_set()

    @should_exit.setter
    def should_exit(self, value: bool) -> None:
        if value:
            self._exiting.set()
        else:
            self._exiting.clear()


async def listen_internally(
    engine: EngineServer, internal: NodeListener, state: uvicorn.server.ServerState
) -> asyncio.Server:
    """Starts serving other nodes on the internal listening socket, and returns the asyncio server, which the caller
    closes. The open connections are in `state.connections`, for the caller to close too.
    """
    connection_limits = ConnectionLimits(engine.wheel, LINK_LIMITS, engine.metrics)
    config = uvicorn.Config(
        PeerApp(engine, internal),
        ws=websocket_class(engine, link=internal.link),
        http=http_class(connection_limits),
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
    )
    config.load()

    def create_protocol() -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = config.http_protocol_class
        return make(config=config, server_state=state, app_state={})

    return await asyncio.get_running_loop().create_server(create_protocol, sock=internal.listening, backlog=BACKLOG)


@contextlib.asynccontextmanager
async def attached(engine: EngineServer, internal: NodeListener | None) -> AsyncIterator[AsgiWebSockets]:
    """A context manager for running inside another ASGI server: starts serving other nodes on the socket `internal`, if
    there is one, and yields the ASGI application for Engine.IO's WebSockets.

    On exit, notifies the clients, closes their sessions and waits for their WebSockets for some seconds.
    """
    state = uvicorn.server.ServerState()
    websockets = AsgiWebSockets(engine)
    nodes = None if internal is None else await listen_internally(engine, internal, state)
    try:
        yield websockets
    finally:
        engine.shut_down()
        await websockets.close()
        if nodes is not None:
            nodes.close()
        for connection in list(state.connections):
            connection.shutdown()
        engine.wheel.close()


def _nothing() -> None:
    """Does nothing: the default of `on_ready`."""


class EmbeddedServer(Server):
    """A `Server` that installs no signal handlers, for a program that handles signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def with_engine(engine: EngineServer, app: AsgiApp | None = None, bundle: ClientBundle | None = None) -> AsgiApp:
    """Returns an ASGI application that serves polling under the engine's path, the Socket.IO client's bundle below it,
    and passes all other requests to `app`, or responds with 404 if that is None.
    """
    polling = PollingApp(engine)

    async def application(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        if scope["type"] == "http" and engine.serves(scope["path"]):
            await polling(scope, receive, send)
        elif bundle is not None and scope["type"] == "http" and bundle.serves(scope["path"]):
            await bundle(scope, receive, send)
        elif app is not None:
            await app(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

    return application


def serve(engine: EngineServer, *, port: int, host: str = "127.0.0.1") -> None:
    """Runs a server until a signal stops it. Raises OSError if it cannot listen on the address."""
    listening = listen(host, port)
    uvicorn_server = Server(engine, with_engine(engine))
    uvicorn_server.run(sockets=[listening])
