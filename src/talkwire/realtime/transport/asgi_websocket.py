"""WebSockets of another ASGI server in which Talkwire is embedded: they serve the same sessions, with ASGI messages
instead of bytes.

Sessions write WebSocket frames as for the project's own server; this module takes the frames apart into messages again.
So all recipients of a broadcast share one encoded frame up to this point.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from talkwire.asgi import Receive, Send
from talkwire.identity.address import came_over_tls, client_address, is_forwarded, joined
from talkwire.realtime.engine.connection import Connection, Handshake
from talkwire.realtime.engine.engine_server import EngineServer
from talkwire.realtime.forwarding.peer_http import PeerConnectionBroken
from talkwire.wire import Admission, EngineRequest, HandshakeRefused, RefusalCode, Transport, read_query, unframe

REFUSAL_EXTENSION = "websocket.http.response"
"""Name of the ASGI extension of servers that can answer a WebSocket's handshake with an HTTP response."""

HELD_FROM = 64 * 1024
"""Unsent bytes from which on the connection pauses handlers and ephemeral events."""

CLOSED_WITHIN_S = 5.0
"""Seconds that a client may take to read the remaining output after its WebSocket was closed."""

_POLICY_VIOLATION = 1008
_TOO_BIG = 1009
_GOING_AWAY = 1001
_NORMAL = 1000


class AsgiWebSockets:
    """An ASGI application that serves the `websocket` scopes of Engine.IO's path: opens sessions, upgrades them, or
    forwards the WebSocket to the node that owns its session.
    """

    def __init__(self, engine: EngineServer) -> None:
        self._engine = engine
        self._serving: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401 (ASGI)
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            if (await receive())["type"] == "websocket.connect":
                await self._serve(_Upgrade(scope, self._engine), receive, send)
        finally:
            self._serving.discard(task)

    async def close(self) -> None:
        """Waits until all WebSockets have ended, for at most CLOSED_WITHIN_S seconds. The caller ends them before, by
        shutting down the engine.
        """
        if self._serving:
            await asyncio.wait(self._serving, timeout=CLOSED_WITHIN_S)

    async def _serve(self, upgrade: _Upgrade, receive: Receive, send: Send) -> None:
        engine = self._engine
        try:
            if engine.is_for_another(upgrade.query.get("sid")):
                await self._forward(upgrade, receive, send)
                return
            engine.is_fenced()
            admission = upgrade.admit()
        except HandshakeRefused as refusal:
            engine.note_refusal(refusal, upgrade.query)
            await _refuse(upgrade.scope, send, refusal)
            return
        await send({"type": "websocket.accept", "subprotocol": upgrade.subprotocol})
        websocket = AsgiWebSocket(engine)
        if admission.engine_sid is None:
            connection = engine.open(Transport.WEBSOCKET, upgrade.handshake())
            await websocket.run(connection, receive, send, carries=True)
            return
        found = engine.find(admission.engine_sid)
        if found is None or not found.upgrade(websocket, engine.now()):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        await websocket.run(found, receive, send, carries=False)

    async def _forward(self, upgrade: _Upgrade, receive: Receive, send: Send) -> None:
        """Forwards a WebSocket to the node that owns its session, until one side ends. Raises HandshakeRefused."""
        forwarder = self._engine.forwarder
        assert forwarder is not None
        upgrade.check_origin()
        try:
            async with forwarder.connect(upgrade.query["sid"], upgrade.target, upgrade.address) as other:
                await send({"type": "websocket.accept", "subprotocol": upgrade.subprotocol})
                await _relay(other, receive, send)
        except PeerConnectionBroken:
            raise HandshakeRefused.of(RefusalCode.UNKNOWN_SESSION) from None


async def _relay(other: ClientConnection, receive: Receive, send: Send) -> None:
    """Forwards WebSocket messages between a client and another node in both directions, until one side ends. Does not
    close the WebSocket `other`; the client's is closed if the other node's ends first.
    """
    directions = asyncio.create_task(_send_there(receive, other)), asyncio.create_task(_send_back(other, send))
    try:
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for direction in directions:
            direction.cancel()
        await asyncio.wait(directions)


async def _send_there(receive: Receive, other: ClientConnection) -> None:
    try:
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            await other.send(message["bytes"] if text is None else text)
            await asyncio.sleep(0)  # neither suspends while messages are buffered
    except ConnectionClosed:
        pass  # the other direction ends too


async def _send_back(other: ClientConnection, send: Send) -> None:
    try:
        async for message in other:
            await send({"type": "websocket.send", "text" if isinstance(message, str) else "bytes": message})
    except (ConnectionClosed, WebSocketException):
        pass  # the client takes this for a network failure and reconnects
    await send({"type": "websocket.close", "code": other.close_code or _GOING_AWAY})


class _Upgrade:
    """A client's request for a WebSocket, given as an ASGI scope, with methods that check it."""

    def __init__(self, scope: Any, engine: EngineServer) -> None:  # noqa: ANN401 (ASGI)
        self.scope = scope
        self.query = read_query(scope["query_string"].decode("latin-1"))
        offered = scope.get("subprotocols") or [None]
        self.subprotocol: str | None = offered[0]
        self._engine = engine
        self._headers = joined((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])

    def admit(self) -> Admission:
        """Checks the request, and returns its admission to a new or open session. Raises HandshakeRefused."""
        headers = self._headers
        request = EngineRequest("GET", self.query, headers.get("origin"), websocket=True)
        return self._engine.admit(request, headers.get("host", ""), self.address, over_tls=self._by_tls)

    def check_origin(self) -> None:
        """Raises HandshakeRefused if the request comes from a web page whose origin is not allowed."""
        headers = self._headers
        if not self._engine.origins.allows(headers.get("origin"), headers.get("host", ""), over_tls=self._by_tls):
            raise HandshakeRefused.of(RefusalCode.FORBIDDEN)

    def handshake(self) -> Handshake:
        return Handshake(
            address=self.address,
            query=self.query,
            authorization=self._headers.get("authorization"),
            forwarded=is_forwarded(self._headers),
            cookie=self._engine.kept_cookie(self._headers),
        )

    @property
    def target(self) -> str:
        """The path and query that this node requests from another node to forward the WebSocket, and that the seal
        covers: the engine's path with the query that the client sent.
        """
        return f"{self._engine.path}?{self.scope['query_string'].decode('latin-1')}"

    @property
    def _peer(self) -> str:
        client = self.scope.get("client")
        return client[0] if client else ""

    @property
    def address(self) -> str:
        """The client's address. Behind a trusted proxy, it is taken from the proxy's header."""
        return client_address(self._peer, self._headers.get("x-forwarded-for"), self._engine.trusted_proxies)

    @property
    def _by_tls(self) -> bool:
        forwarded_proto = self._headers.get("x-forwarded-proto")
        return came_over_tls(self.scope.get("scheme", "ws"), self._peer, forwarded_proto, self._engine.trusted_proxies)


class AsgiWebSocket:
    """One WebSocket of an ASGI server; implements `connection.WebSocket`, the interface that sessions' connections
    use.
    """

    def __init__(self, engine: EngineServer) -> None:
        self._engine = engine
        self.write: Callable[[bytes], None] = self._write
        self._connection: Connection | None = None
        self._waiting: deque[bytes] = deque()
        self._unsent = 0
        self._held = False
        self._close_code: int | None = None
        self._message_max = engine.options.max_payload
        self._wakes = asyncio.Event()
        self._reads = asyncio.Event()
        self._reads.set()
        self._ended = asyncio.Event()
        self._abort_timer: asyncio.TimerHandle | None = None

    # --- connection.WebSocket ---------------------------------------------------------------------------------------

    def _write(self, frames: bytes) -> None:
        if self._close_code is not None:
            return
        self._waiting.append(frames)
        self._unsent += len(frames)
        self._wakes.set()
        if self._unsent > HELD_FROM and not self._held:
            self._held = True
            if self._connection is not None:
                self._connection.set_writable(False)

    def unsent(self) -> int:
        return self._unsent

    def close(self, code: int) -> None:
        """Closes the WebSocket after all output is sent, for which there are CLOSED_WITHIN_S seconds. Drops input that
        still arrives. Further calls do nothing.
        """
        self._connection = None
        if self._close_code is None:
            self._close_code = code
            self._wakes.set()
            self._reads.set()
            self._abort_timer = asyncio.get_running_loop().call_later(CLOSED_WITHIN_S, self._ended.set)

    def abort(self) -> None:
        """Closes the WebSocket without sending the remaining output."""
        self._waiting.clear()
        self._unsent = 0
        self.close(_GOING_AWAY)
        self._ended.set()

    def set_reading(self, reading: bool) -> None:  # noqa: FBT001
        if reading or self._close_code is not None:
            self._reads.set()
        else:
            self._reads.clear()

    def set_message_max(self, size: int) -> None:
        self._message_max = size

    # --- the ASGI server --------------------------------------------------------------------------------------------

    async def run(self, connection: Connection, receive: Receive, send: Send, *, carries: bool) -> None:
        """Serves the WebSocket as a transport of the session `connection`, until it ends. `carries` is True if the
        WebSocket has opened the session, False if it is on trial in an upgrade from polling.
        """
        self._connection = connection
        if carries:
            connection.start_on_websocket(self)
        self.set_message_max(connection.message_max)
        reading = asyncio.ensure_future(self._receive(receive))
        writing = asyncio.ensure_future(self._send(send))
        ended = asyncio.ensure_future(self._ended.wait())
        tasks = reading, writing, ended
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self._detach()
        for task in (reading, writing):
            if not task.cancelled():
                task.result()

    async def _receive(self, receive: Receive) -> None:
        """Receives and handles the client's messages; returns when the client has disconnected."""
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            self._take(message["bytes"] if text is None else text)
            await self._reads.wait()
            # Lets other clients be served while one sends without a pause.
            await asyncio.sleep(0)

    def _take(self, message: str | bytes) -> None:
        engine, connection = self._engine, self._connection
        if engine.now() > engine.lease_deadline:
            engine.on_lease_expired()
        if connection is None:
            return
        size = len(message) if isinstance(message, bytes) else len(message.encode("utf-8", "surrogatepass"))
        if size > self._message_max:
            self.close(_TOO_BIG)
            connection.websocket_closed(self, engine.now(), "transport error")
        else:
            connection.receive_websocket(message, engine.now())

    async def _send(self, send: Send) -> None:
        """Sends the queued frames as ASGI messages; returns after it has sent the close."""
        while True:  # Suspends: the event was cleared.
            # Suspends: each round removes frames; nothing adds any before a suspension.
            while self._waiting:
                frames = self._waiting.popleft()
                for part in unframe(frames):
                    await send({"type": "websocket.send", "text" if isinstance(part, str) else "bytes": part})
                self._unsent -= min(len(frames), self._unsent)
                self._release()
            if self._close_code is not None:
                await send({"type": "websocket.close", "code": self._close_code})
                return
            self._wakes.clear()
            await self._wakes.wait()

    def _release(self) -> None:
        if self._held and self._unsent <= HELD_FROM / 2:
            self._held = False
            if self._connection is not None:
                self._connection.set_writable(True)

    def _detach(self) -> None:
        connection, self._connection = self._connection, None
        self._waiting.clear()
        self.write = _discard
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        self._close_code = self._close_code or _NORMAL
        if connection is not None:
            connection.websocket_closed(self, self._engine.now(), "transport close")


def _discard(_: bytes) -> None:
    """Drops frames: replaces a WebSocket's `write` after the WebSocket has ended."""


async def _refuse(scope: Any, send: Send, refusal: HandshakeRefused) -> None:  # noqa: ANN401 (ASGI)
    """Refuses a WebSocket handshake: with an HTTP response if the ASGI server supports it, else by closing the
    WebSocket.
    """
    if REFUSAL_EXTENSION not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal.message})
        return
    body = refusal.body()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    status = int(HTTPStatus(refusal.status))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
