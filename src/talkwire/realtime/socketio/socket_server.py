"""A Socket.IO server: namespaces with handlers, rooms, acknowledgements. Knows nothing of chat.

server = SocketServer()
chat = server.namespace("/")

@chat.on("message")
def message(socket, *args): ...

serve(server, port=3000)
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Collection
from typing import Any, TypeVar

import structlog

from talkwire.realtime.engine.connection import Handshake
from talkwire.realtime.engine.engine_server import EngineServer
from talkwire.realtime.engine.hub import EncodingGroup, Hub
from talkwire.realtime.socketio.socketio_socket import Admitted, NamespaceHandler, Socket, SocketConnection
from talkwire.wire import Session, encode_event, message_frame

Connect = Callable[[Socket, dict[str, Any]], Awaitable[None] | None]
Disconnect = Callable[[Socket, str], None]
Handler = Callable[..., Any]
Middleware = Callable[[Handshake, dict[str, Any]], Awaitable[Any]]
H = TypeVar("H", bound=Handler)

_logger = structlog.get_logger(__name__)


class SocketServer(EngineServer):
    """A Socket.IO server: an Engine.IO server whose sessions speak Socket.IO. Takes the parameters of
    `EngineServer`.
    """

    def __init__(self, *args: Any, path: str = "/socket.io/", **kwargs: Any) -> None:  # noqa: ANN401 (handed on)
        super().__init__(*args, path=path, **kwargs)
        self._handlers: dict[str, NamespaceHandler] = {}

    def make_connection(self, session: Session, handshake: Handshake) -> SocketConnection:
        return SocketConnection(self, session, handshake, self.options)

    def namespace(self, name: str) -> Namespace:
        """Adds a plain Socket.IO namespace to the server and returns it, to register handlers on. `name` starts with
        `/`. Clients that join later no longer reach an earlier namespace of this name.
        """
        namespace = Namespace(name, self.hub)
        self.add(name, namespace)
        return namespace

    def add(self, name: str, handler: NamespaceHandler) -> None:
        """Adds a Socket.IO namespace to the server; `handler` admits its sockets and handles their events. If the
        namespace exists already, `handler` replaces its handler for clients that join later.
        """
        self._handlers[name] = handler

    def handler_of(self, namespace: str) -> NamespaceHandler | None:
        """Returns the handler of a namespace, or None if there is no such namespace. A query belongs to the name, as in
        Socket.IO's Node server: `/chat?x=1` is another namespace than `/chat`.
        """
        return self._handlers.get(namespace)

    def report(self, error: BaseException) -> None:
        """Logs an exception that a handler raised. Other clients are not affected."""
        _logger.error("handler_failed", exc_info=error)


class Namespace:
    """A plain Socket.IO namespace, on which an application registers handlers.

    Handlers are functions or coroutine functions. The events of one connection are handled one after the other. A
    handler's return value is sent as the ack, if the client asked for one; a tuple is sent as several arguments.
    """

    def __init__(self, name: str, hub: Hub) -> None:
        self.name = name
        self._hub = hub
        self._encoding_group = hub.add_encoding_group(EncodingGroup(name))
        self._events: dict[str | int, Handler] = {}
        self._middlewares: list[Middleware] = []
        self._connect: Connect | None = None
        self._disconnect: Disconnect | None = None

    # --- registering handlers ---------------------------------------------------------------------------------------

    def use(self, middleware: Middleware) -> Middleware:
        """Registers a middleware: a coroutine function with the parameters `(handshake, auth)` that runs before a
        client may join, and raises ConnectRefused to refuse the client. Middlewares run in the order of their
        registration. Returns the middleware, so it can be used as a decorator.
        """
        self._middlewares.append(middleware)
        return middleware

    def on_connect(self, handler: Connect) -> Connect:
        """Registers a handler with the parameters `(socket, auth)`, called when a client has joined the namespace;
        replaces an earlier one. `socket.data` is the auth payload, unless the handler assigns something else. Returns
        the handler, so it can be used as a decorator.
        """
        self._connect = handler
        return handler

    def on_disconnect(self, handler: Disconnect) -> Disconnect:
        """Registers a handler with the parameters `(socket, reason)`, called when a client has left the namespace or
        disconnected; replaces an earlier one. Returns the handler, so it can be used as a decorator.
        """
        self._disconnect = handler
        return handler

    def on(self, event: str | int) -> Callable[[H], H]:
        """Returns a decorator that registers a handler with the parameters `(socket, *args)` for events named `event`,
        and replaces an earlier one.
        """

        def register(handler: H) -> H:
            self._events[event] = handler
            return handler

        return register

    def join(self, socket: Socket, room: str) -> None:
        self._hub.join(room, socket)

    def leave(self, socket: Socket, room: str) -> None:
        self._hub.leave(room, socket)

    def emit(self, *args: object, room: str | None = None, skip: Collection[Socket] = ()) -> None:
        """Sends an event to the sockets in a room, or in the whole namespace if `room` is None, except those in `skip`.
        `args[0]` is the event's name.

        Raises LocalProtocolError for arguments that JSON cannot hold.
        """
        frames = b"".join(message_frame(part) for part in encode_event(self.name, args))
        for socket, connection in self._encoding_group.rooms.get(room or _EVERYONE, {}).items():
            if socket not in skip:
                self._hub.send(connection, frames)

    # --- NamespaceHandler -------------------------------------------------------------------------------------------

    async def admit(self, handshake: Handshake, namespace: str, auth: dict[str, Any]) -> Admitted:  # noqa: ARG002
        for middleware in self._middlewares:
            await middleware(handshake, auth)
        return Admitted(self._encoding_group, auth)

    def entered(self, socket: Socket) -> None:
        self._hub.join(_EVERYONE, socket)
        if self._connect is not None:
            handler = self._connect
            self._enter_lane(socket, lambda: handler(socket, socket.data), None)

    def received(self, socket: Socket, args: list[Any], ack_id: int | None) -> None:
        name = args[0]
        handler = self._events.get(name)
        if handler is not None:
            self._enter_lane(socket, lambda: handler(socket, *args[1:]), ack_id)

    def unreadable(self, socket: Socket, name: str | float, ack_id: int | None, flaw: str) -> None:
        """Ignores an event whose payload could not be decoded, like an event without a handler."""

    def expired(self, socket: Socket) -> None:
        """Does nothing: sockets of plain namespaces do not expire."""

    def say_goodbye(self, socket: Socket, reason: str) -> None:
        """Does nothing: in a plain namespace, the connection closes without a reason."""

    def disconnected(self, socket: Socket, reason: str) -> None:
        if self._disconnect is not None:
            try:
                self._disconnect(socket, reason)
            except Exception as error:  # noqa: BLE001 (the connection's other sockets have to be dropped too)
                socket.connection.server.report(error)

    def _enter_lane(self, socket: Socket, call: Callable[[], Any], ack_id: int | None) -> None:
        socket.connection.lane.enter(lambda: self._run(socket, call, ack_id), pipelined=False)

    def _run(self, socket: Socket, call: Callable[[], Any], ack_id: int | None) -> bool:
        try:
            result = call()
            if inspect.isawaitable(result):
                task = asyncio.ensure_future(self._await(socket, result, ack_id))
                task.add_done_callback(lambda _: socket.connection.lane.finished())
                return True
            self._acknowledge(socket, result, ack_id)
        except Exception as error:  # noqa: BLE001 (one client's event must not harm others)
            socket.connection.server.report(error)
        return False

    async def _await(self, socket: Socket, result: Awaitable[Any], ack_id: int | None) -> None:
        try:
            self._acknowledge(socket, await result, ack_id)
        except Exception as error:  # noqa: BLE001 (as above)
            socket.connection.server.report(error)

    @staticmethod
    def _acknowledge(socket: Socket, result: object, ack_id: int | None) -> None:
        if ack_id is not None:
            socket.acknowledge(ack_id, list(result) if isinstance(result, tuple) else [result])


_EVERYONE = ""
"""Name of the room that holds every socket of a namespace."""
