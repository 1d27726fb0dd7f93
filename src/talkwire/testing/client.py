"""A Socket.IO client for tests, over one WebSocket. It reads in the background and queues the events that it
receives."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from talkwire.wire import (
    Ack,
    Connect,
    ConnectError,
    Decoder,
    Disconnect,
    Event,
    PacketType,
    SocketPacket,
    decode_packet,
    encode_event,
)

DEADLINE_S = 10.0
"""Longest time that a test client waits for the server, in seconds."""


class Rejected(Exception):
    """Raised if the server refuses a socket. `data` is the server's reason, `{code, …}`."""

    def __init__(self, message: str, data: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class Client:
    """A Socket.IO test client with a socket in one namespace, connected by WebSocket. Create it with `connected`.

    `waiting` holds the received events, as (name, arguments), that no call of `wait_for` has returned yet.
    """

    def __init__(self, connection: ClientConnection, namespace: str) -> None:
        self.id = ""
        """Id of the socket; empty until the server has accepted the connection."""
        self.waiting: deque[tuple[str, list[Any]]] = deque()
        self._connection = connection
        self._namespace = namespace
        self._decoder = Decoder()
        self._acks: dict[int, asyncio.Future[Any]] = {}
        self._next_ack = 0
        self._received = asyncio.Condition()
        self._rejection: Rejected | None = None
        self._is_accepted = False
        self._is_disconnected = False
        self._reading = asyncio.create_task(self._read())

    @property
    def connected(self) -> bool:
        return self._is_accepted and not self._is_disconnected and not self._reading.done()

    async def emit(self, event: str, *args: object) -> None:
        """Sends an event without asking for an acknowledgement."""
        await self._send(encode_event(self._namespace, [event, *args]))

    async def call(self, event: str, *args: object, timeout_s: float = DEADLINE_S) -> Any:  # noqa: ANN401 (JSON)
        """Sends an event and returns the first argument of its acknowledgement; None if that has no arguments. Raises
        TimeoutError after `timeout_s` seconds, and ConnectionError when the connection closes before the
        acknowledgement arrives.
        """
        ack_id = self._next_ack
        self._next_ack += 1
        answer = self._acks[ack_id] = asyncio.get_running_loop().create_future()
        if self._reading.done():
            raise ConnectionError("the socket is disconnected")
        await self._send(encode_event(self._namespace, [event, *args], ack_id))
        async with asyncio.timeout(timeout_s):
            return await answer

    async def wait_for(
        self,
        event: str,
        where: Callable[[Any], bool] = lambda _: True,
        *,
        timeout_s: float = DEADLINE_S,
    ) -> Any:  # noqa: ANN401 (JSON)
        """Waits for the next event of this name whose first argument satisfies `where`, and returns that argument.

        Other events stay queued. Raises TimeoutError, whose text lists the queued events, and ConnectionError when the
        socket ends first.
        """
        try:
            async with asyncio.timeout(timeout_s), self._received:
                while True:  # Suspends: a condition waits for the next notification.
                    for index, (name, args) in enumerate(self.waiting):
                        data = args[0] if args else None
                        if name == event and where(data):
                            del self.waiting[index]
                            return data
                    if self._is_disconnected or self._reading.done():
                        raise ConnectionError(f"the socket ended before {event!r} arrived")
                    await self._received.wait()
        except TimeoutError:
            raise TimeoutError(f"{event!r} did not arrive; received instead: {list(self.waiting)}") from None

    async def wait_disconnected(self, *, timeout_s: float = DEADLINE_S) -> None:
        """Waits until the server has ended the socket or the connection has closed. Raises TimeoutError after
        `timeout_s` seconds."""
        async with asyncio.timeout(timeout_s), self._received:
            await self._received.wait_for(lambda: self._is_disconnected or self._reading.done())

    async def close(self) -> None:
        """Closes the connection without a Socket.IO disconnect, like a browser that leaves the page."""
        await self._connection.close()
        await asyncio.wait([self._reading])

    async def connect(self, auth: Mapping[str, object]) -> None:
        """Connects a socket to the client's namespace. `auth` is Socket.IO's auth payload, with a token.

        Raises Rejected if the server refuses the socket, TimeoutError if it does not answer in time, and
        ConnectionError if the connection ends.
        """
        prefix = "" if self._namespace == "/" else f"{self._namespace},"
        await self._connection.send(f"40{prefix}{msgspec.json.encode(auth).decode()}")
        async with asyncio.timeout(DEADLINE_S), self._received:
            await self._received.wait_for(
                lambda: self._is_accepted or self._rejection is not None or self._reading.done()
            )
        if self._rejection is not None:
            raise self._rejection
        if not self._is_accepted:
            raise ConnectionError("the server closed the connection")

    # --- receiving --------------------------------------------------------------------------------------------------

    async def _send(self, parts: list[str | bytes]) -> None:
        for part in parts:
            await self._connection.send(f"4{part}" if isinstance(part, str) else part)

    async def _read(self) -> None:
        try:
            async for message in self._connection:
                await self._receive(message)
                async with self._received:
                    self._received.notify_all()
        except ConnectionClosed:
            pass
        finally:
            for answer in self._acks.values():
                if not answer.done():
                    answer.set_exception(ConnectionError("the socket ended before the acknowledgement arrived"))
                    answer.exception()  # suppresses asyncio's warning when no caller awaits the future
            # Wakes the callers that wait for events, after this task has ended.
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(self._notify_end()))

    async def _notify_end(self) -> None:
        async with self._received:
            self._received.notify_all()

    async def _receive(self, message: str | bytes) -> None:
        packet = decode_packet(message)
        match packet.type:
            case PacketType.PING:
                await self._connection.send("3")
            case PacketType.MESSAGE:
                inner = self._decoder.receive(packet.data)
                if inner is not None and inner.namespace == self._namespace:
                    self._receive_inner(inner)
            case _:
                pass

    def _receive_inner(self, packet: SocketPacket) -> None:
        match packet:
            case Event(args=[name, *args]):
                self.waiting.append((str(name), args))
            case Ack(args=args, ack_id=ack_id) if ack_id in self._acks:
                answer = self._acks.pop(ack_id)
                if not answer.done():
                    answer.set_result(args[0] if args else None)
            case Connect(data=data):
                self.id = str((data or {}).get("sid"))
                self._is_accepted = True
            case ConnectError(data=dict(data)):
                self._rejection = Rejected(str(data.get("message")), data.get("data"))
            case ConnectError(data=data):
                self._rejection = Rejected(str(data))
            case Disconnect():
                self._is_disconnected = True
            case _:
                pass


@contextlib.asynccontextmanager
async def connected(
    url: str, auth: Mapping[str, object], *, namespace: str = "/", query: Mapping[str, str] | None = None
) -> AsyncIterator[Client]:
    """Connects a Socket.IO test client to the server at `url`, and closes it when the block ends.

    `auth` is Socket.IO's auth payload, with a token. Raises Rejected, TimeoutError or OSError.
    """
    parameters = urlencode({"EIO": "4", "transport": "websocket", **(query or {})})
    address = f"ws{url.removeprefix('http').rstrip('/')}/socket.io/?{parameters}"
    async with connect(address, max_size=None, compression=None, ping_interval=None, proxy=None) as connection:
        client = Client(connection, namespace)
        try:
            await client.connect(auth)
            yield client
        finally:
            await client.close()
