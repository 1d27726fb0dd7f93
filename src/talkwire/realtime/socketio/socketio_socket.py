"""A client's socket in one Socket.IO namespace, the connection that has its sockets, and the interface of a namespace's
handler.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from math import inf
from secrets import token_urlsafe
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, assert_never

import structlog

from talkwire.core.engine.limits import RateLimited
from talkwire.observability.refusals import log_refusal
from talkwire.realtime.engine.connection import Connection, Handshake, Host
from talkwire.realtime.engine.hub import EncodingGroup
from talkwire.realtime.engine.preview import preview
from talkwire.wire import (
    AckReceived,
    ConnectRequested,
    Disconnected,
    EngineOptions,
    EventReceived,
    RemoteProtocolError,
    Session,
    SocketEvent,
    SocketSession,
    encode_ack,
    encode_event,
)

_SOCKET_ID_BYTES = 15

CONNECTS_FREE = 16
"""Namespace connects that one connection may make for free. Each further one counts as a new connection of its address,
because it costs the server as much.
"""

_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "unauthenticated": "token",
        "token_expired": "token",
        "banned": "banned",
        "forbidden": "forbidden",
        "rate_limited": "limit",
        "invalid_request": "dialect",
        "unavailable": "unavailable",
    }
)
"""The reasons of refusals in logs and metrics, by the code that clients receive."""

_NAMESPACE_SHOWN = 64

_logger = structlog.get_logger(__name__)


class ConnectRefused(Exception):
    """Refuses a client access to a namespace; the client receives `CONNECT_ERROR {message, data}`. `data` may have a
    `code`, which also labels the metric of refusals.

    With `parting`, an event's name and payload, the client is connected instead, receives that event, and is
    disconnected again: for dialects whose clients expect an event instead of CONNECT_ERROR.
    """

    def __init__(self, message: str, data: object | None = None, parting: tuple[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data
        self.parting = parting

    @property
    def reason(self) -> str:
        """The label of the refusal in logs and metrics, such as `token`, which the code in `data` determines;
        `application` if `data` has none of the chat's codes for refusals.
        """
        code = self.data.get("code") if isinstance(self.data, Mapping) else None
        return _REASONS.get(code, "application") if isinstance(code, str) else "application"


class Admitted(NamedTuple):
    """The result of admitting a client to a namespace.

    `encoding_group` determines the encoding of the events that are broadcast to the socket; `data` becomes
    `socket.data`. A recoverable socket has a `pid` (recovery token), and keeps its `socket_id` when it reconnects;
    without a `socket_id`, the socket gets a random id.
    """

    encoding_group: EncodingGroup
    data: Any
    socket_id: str | None = None
    pid: str | None = None


class NamespaceHandler(Protocol):
    """The interface of a namespace's handler: admits clients, and handles the events of their sockets."""

    async def admit(self, handshake: Handshake, namespace: str, auth: dict[str, Any]) -> Admitted:
        """Decides whether a client may join the namespace. Returns the properties of its socket. Raises ConnectRefused
        to refuse it.
        """
        ...

    def entered(self, socket: Socket) -> None:
        """Handles a client that has just joined the namespace; the packet that accepts it has been queued."""
        ...

    def received(self, socket: Socket, args: list[Any], ack_id: int | None) -> None:
        """Handles an event that a client has sent. `args[0]` is the event's name, a text or a number; `ack_id` is None
        if the client wants no ack.
        """
        ...

    def unreadable(self, socket: Socket, name: str | float, ack_id: int | None, flaw: str) -> None:
        """Handles an event whose payload the server refused to decode; `flaw` says why."""
        ...

    def expired(self, socket: Socket) -> None:
        """Handles a socket whose expiry time, `socket.expires`, has passed."""
        ...

    def say_goodbye(self, socket: Socket, reason: str) -> None:
        """Sends a client the reason why the server is about to close its socket. The client may reconnect."""
        ...

    def disconnected(self, socket: Socket, reason: str) -> None:
        """Handles a socket that has left the namespace or lost its connection. `reason` is one of Socket.IO's, such as
        "transport close".
        """
        ...


class SocketHost(Host, Protocol):
    """The interface that a Socket.IO connection uses of its server."""

    def connect_wait_s(self, address: str) -> float: ...
    def handler_of(self, namespace: str) -> NamespaceHandler | None: ...
    def report(self, error: BaseException) -> None: ...


class Socket:
    """One client in one namespace, as the namespace's handlers see it. Handlers may store anything in `data`."""

    __slots__ = (
        "_acks",
        "_next_ack",
        "connected",
        "connection",
        "data",
        "encoding_group",
        "expires",
        "handler",
        "id",
        "namespace",
        "rooms",
    )

    def __init__(
        self,
        connection: SocketConnection,
        namespace: str,
        group: EncodingGroup,
        handler: NamespaceHandler,
        data: Any,  # noqa: ANN401
    ) -> None:
        # Never the Engine.IO session id: that is a secret between the server and its client.
        self.id = token_urlsafe(_SOCKET_ID_BYTES)
        self.connected = True
        """Whether its client is in the namespace."""
        self.connection = connection
        self.namespace = namespace
        self.encoding_group = group
        self.handler = handler
        self.data = data
        self.rooms: tuple[str, ...] | set[str] = ()
        self.expires = inf
        """Time of the event loop at which `handler.expired` is called; `inf` for never."""
        self._acks: dict[int, asyncio.Future[list[Any]]] | None = None
        self._next_ack = 0

    @property
    def handshake(self) -> Handshake:
        """The parts of the session's opening request that the server keeps, such as the client's address and query."""
        return self.connection.handshake

    def emit(self, *args: object) -> None:
        """Sends an event to this client. `args[0]` is its name. Does nothing if the client has disconnected.

        Raises LocalProtocolError for arguments that JSON cannot hold.
        """
        packet = encode_event(self.namespace, args)
        if self.connected:
            self.connection.send_packet(packet)

    async def call(self, *args: object, timeout_s: float) -> list[Any]:
        """Sends an event (`args[0]` is its name) and waits for the client's ack. Returns the arguments of the ack.

        Raises TimeoutError after `timeout_s` seconds without an ack, ConnectionError if the client has disconnected or
        disconnects meanwhile, and LocalProtocolError for arguments that JSON cannot hold.
        """
        if not self.connected:
            raise ConnectionError("the socket is disconnected")
        if self._acks is None:
            self._acks = {}
        ack_id = self._next_ack
        packet = encode_event(self.namespace, args, ack_id)
        self._next_ack += 1
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._acks[ack_id] = future
        self.connection.send_packet(packet)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        finally:
            self._acks.pop(ack_id, None)

    def acknowledge(self, ack_id: int, args: list[object]) -> None:
        """Sends the ack of the client's event `ack_id`, with the arguments `args`. Does nothing if the client has
        disconnected. Raises LocalProtocolError for arguments that JSON cannot hold.
        """
        packet = encode_ack(self.namespace, args, ack_id)
        if self.connected:
            self.connection.send_packet(packet)

    def disconnect(self, reason: str = "server namespace disconnect") -> None:
        """Disconnects the client from this namespace. Its session and its other namespaces stay connected. `reason` is
        passed to the namespace's handler, not to the client. Does nothing if the client has disconnected.
        """
        if self.connected:
            self.connection.send(self.connection.packets.disconnect(self.namespace))
            self.connection.drop(self, reason)

    def acknowledged(self, ack_id: int, args: list[Any]) -> None:
        """Handles a client's ack: passes its arguments to the `call` that waits for it. Ignores an ack that no call
        waits for.
        """
        future = None if self._acks is None else self._acks.get(ack_id)
        if future is not None and not future.done():
            future.set_result(args)

    def forget_acks(self) -> None:
        """Makes all running `call`s, which wait for an ack, raise ConnectionError. Called when the socket has
        disconnected.
        """
        for future in (self._acks or {}).values():
            if not future.done():
                future.set_exception(ConnectionError("the socket disconnected"))


class SocketConnection(Connection):
    """An Engine.IO session that speaks Socket.IO, with one socket in each namespace that its client has joined."""

    __slots__ = ("_connecting", "_connects", "_others", "_root", "packets")

    server: SocketHost

    def __init__(self, server: SocketHost, session: Session, handshake: Handshake, options: EngineOptions) -> None:
        super().__init__(server, session, handshake)
        self.packets = SocketSession(options, server.now())
        self._root: Socket | None = None
        self._others: tuple[Socket, ...] = ()
        """The connection's sockets in other namespaces."""
        self._connecting: set[asyncio.Task[None]] | None = None
        self._connects = 0

    @property
    def sockets(self) -> tuple[Socket, ...]:
        """The client's sockets in all namespaces that it has joined."""
        return self._others if self._root is None else (self._root, *self._others)

    def receive_websocket(self, message: str | bytes, now: float) -> None:
        # Nearly all messages are events of the root namespace. They go straight to their handler, without the objects
        # and calls of the general path.
        if type(message) is str and self.session.only_forwards():
            event = self.packets.receive_root_event(message)
            socket = self._root
            if event is not None and socket is not None:
                socket.handler.received(socket, *event)
                return
        super().receive_websocket(message, now)

    def received(self, data: str | bytes, now: float) -> None:
        try:
            event = self.packets.receive(data, now)
        except RemoteProtocolError as error:
            _logger.debug("packet_refused", error=error.reason, first=preview(data))
            self.close("parse error")
            return
        if event is not None:
            self._receive(event)
        elif self.packets.waits_for_attachments:
            self.server.wheel.watch(self)

    def _receive(self, event: SocketEvent) -> None:
        match event:
            case EventReceived():
                socket = self._socket_in(event.namespace)
                if event.flaw:
                    socket.handler.unreadable(socket, event.args[0], event.ack_id, event.flaw)
                else:
                    socket.handler.received(socket, event.args, event.ack_id)
            case AckReceived():
                self._socket_in(event.namespace).acknowledged(event.ack_id, event.args)
            case ConnectRequested():
                self._connect(event)
            case Disconnected():
                self.drop(self._socket_in(event.namespace), "client namespace disconnect")
            case _:
                assert_never(event)

    def ended(self, reason: str) -> None:
        for task in self._connecting or ():
            task.cancel()
        for socket in self.sockets:
            self.drop(socket, reason)
        self.packets.close()

    @property
    def message_max(self) -> int:
        return self.packets.packet_max

    def say_goodbye(self, reason: str) -> None:
        for socket in self.sockets:
            socket.handler.say_goodbye(socket, reason)

    def next_deadline(self) -> float:
        deadline = self.session.next_deadline()
        if self.session.closed:
            return deadline
        if (of_packets := self.packets.next_deadline()) < deadline:
            deadline = of_packets
        if (root := self._root) is not None and root.expires < deadline:
            deadline = root.expires
        for socket in self._others:
            deadline = min(deadline, socket.expires)
        return deadline

    def handle_deadline(self, now: float) -> None:
        if self.packets.next_deadline() <= now and not self.session.closed:
            self.close("ping timeout" if self.packets.waits_for_attachments else "forced close")
            return
        for socket in self.sockets:
            if socket.expires <= now:
                socket.handler.expired(socket)
        super().handle_deadline(now)

    def send_packet(self, parts: list[str | bytes]) -> None:
        """Queues a Socket.IO packet for the client. `parts` are its text and its binary attachments."""
        self.server.hub.flush_pending()  # keeps the order: earlier broadcasts to rooms must not be overtaken
        for part in parts:
            self.session.send_message(part)
        self.server.hub.wake(self)

    def drop(self, socket: Socket, reason: str) -> None:
        """Marks a socket as disconnected, removes it from all rooms, and calls its handler's `disconnected` with the
        reason. Sends nothing to the client. Does nothing if the socket was dropped before.
        """
        if socket.connected:
            socket.connected = False
            if socket is self._root:
                self._root = None
            else:
                self._others = tuple(other for other in self._others if other is not socket)
            self.server.metrics.sockets -= 1
            self.server.hub.leave_all(socket)
            socket.forget_acks()
            socket.handler.disconnected(socket, reason)

    def _socket_in(self, namespace: str) -> Socket:
        """Returns the client's socket in a namespace, which the client must have joined."""
        return next(socket for socket in self.sockets if socket.namespace == namespace)

    # --- connecting to a namespace ----------------------------------------------------------------------------------

    def _connect(self, event: ConnectRequested) -> None:
        self._connects += 1
        wait_s = self.server.connect_wait_s(self.handshake.address) if self._connects > CONNECTS_FREE else 0.0
        if wait_s:
            self.slow_down()
            error = RateLimited(wait_s)
            self._refuse(event.namespace, ConnectRefused(error.message, {"code": error.code, "details": error.details}))
            return
        handler = self.server.handler_of(event.namespace)
        if handler is None:
            self._note_refused("namespace", event.namespace)
            self.send(self.packets.refuse(event.namespace, "Invalid namespace"))
            return
        task = asyncio.get_running_loop().create_task(self._admit(handler, event))
        if self._connecting is None:
            self._connecting = set()
        self._connecting.add(task)
        task.add_done_callback(self._connected)

    def _connected(self, task: asyncio.Task[None]) -> None:
        if self._connecting is not None:
            self._connecting.discard(task)
            if not self._connecting:
                self._connecting = None
        if not task.cancelled():
            error = task.exception()
            if error is not None:
                self.server.report(error)

    async def _admit(self, handler: NamespaceHandler, event: ConnectRequested) -> None:
        try:
            admitted = await handler.admit(self.handshake, event.namespace, event.auth)
        except ConnectRefused as refusal:
            self._refuse(event.namespace, refusal)
            return
        except Exception as error:  # noqa: BLE001 (the client receives an error and can try again)
            self.server.report(error)
            self._refuse(event.namespace, ConnectRefused("An internal error occurred.", {"code": "unavailable"}))
            return
        if self.session.closed:
            return
        socket = Socket(self, event.namespace, admitted.encoding_group, handler, admitted.data)
        socket.id = admitted.socket_id or socket.id
        if event.namespace == "/":
            self._root = socket
        else:
            self._others += (socket,)
        self.server.metrics.sockets += 1
        self.send(self.packets.accept(event.namespace, socket.id, admitted.pid))
        if self.websocket is not None:
            self.websocket.set_message_max(self.message_max)
        handler.entered(socket)
        self.server.wheel.watch(self)

    def _refuse(self, namespace: str, refusal: ConnectRefused) -> None:
        self._note_refused(refusal.reason, namespace)
        if self.session.closed:
            return
        if refusal.parting is None:
            self.send(self.packets.refuse(namespace, refusal.message, refusal.data))
            return
        accept, disconnect = self.packets.turn_away(namespace, token_urlsafe(_SOCKET_ID_BYTES))
        self.send_packet([accept, *encode_event(namespace, refusal.parting), disconnect])

    def _note_refused(self, reason: str, namespace: str) -> None:
        self.server.metrics.refused_connects[reason] += 1
        address = self.handshake.address
        log_refusal("connection_refused", reason=reason, namespace=namespace[:_NAMESPACE_SHOWN], address=address)
