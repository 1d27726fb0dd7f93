"""A Socket.IO client that measures how long connecting, acknowledgements and deliveries take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from talkwire.egress import system_tls
from talkwire.wire import Ack, Connect, ConnectError, Decoder, Event, PacketType, decode_packet, encode_event

SOCKET_CONNECT_S = 10.0
"""Longest time that a socket may take to connect, in seconds."""


class Refused(Exception):
    """Raised when the server refuses a Socket.IO connection. Its text is the error code of the refusal."""


@dataclass(slots=True)
class Measurements:
    """The measurements of all clients of a load test. Durations are in seconds.

    `expected` is the number of deliveries that the acknowledged messages should cause; `refused` counts refused
    messages by error code.
    """

    connects: list[float] = field(default_factory=list)
    acknowledgements: list[float] = field(default_factory=list)
    deliveries: list[float] = field(default_factory=list)
    expected: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    disconnected: int = 0


class LoadClient:
    """A load test's client: one user with one socket, which adds its measurements to `measured`. The texts of its
    messages begin with `run_id`; messages without it are not measured."""

    def __init__(self, connection: ClientConnection, run_id: str, measured: Measurements) -> None:
        self._connection = connection
        self._run_id = run_id
        self._measured = measured
        self._decoder = Decoder()
        self._waiting: dict[int, tuple[float, int]] = {}
        """Times at which the messages without an acknowledgement were sent, and numbers of members that they were sent
        to, by the number of the acknowledgement."""
        self._accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing = False
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connected(cls, url: str, token: str, run_id: str, measured: Measurements) -> LoadClient:
        """Connects a client to the server at `url`, and returns it once the server has accepted the socket. Adds the
        duration to `measured`. Raises Refused, OSError, TimeoutError, or InvalidStatus or ConnectionClosed of
        `websockets`."""
        start = time.perf_counter()
        address = f"ws{url.removeprefix('http').rstrip('/')}/socket.io/?EIO=4&transport=websocket"
        tls = system_tls() if address.startswith("wss:") else None
        connection = await connect(
            address, ssl=tls, max_size=None, compression=None, ping_interval=None, open_timeout=SOCKET_CONNECT_S
        )
        client = cls(connection, run_id, measured)
        await connection.send("40" + msgspec.json.encode({"token": token}).decode())
        async with asyncio.timeout(SOCKET_CONNECT_S):
            await client._accepted
        measured.connects.append(time.perf_counter() - start)
        return client

    @property
    def waiting(self) -> int:
        """The number of messages that the server has not acknowledged yet."""
        return len(self._waiting)

    async def send(self, conversation_id: str, members: int, number: int) -> None:
        """Sends a message to a conversation with `members` members. Its text contains the time of sending, so that
        recipients can measure the delivery.

        `number` identifies the message's acknowledgement, so each message of a client needs another one. Raises
        ConnectionClosed if the connection has ended.
        """
        now = time.perf_counter()
        self._waiting[number] = now, members
        message = {"conversationId": conversation_id, "content": f"{self._run_id} {now!r}"}
        for part in encode_event("/", ["message:send", message], number):
            await self._connection.send(f"4{part}" if isinstance(part, str) else part)

    async def close(self) -> None:
        self._closing = True
        await self._connection.close()
        await asyncio.wait([self._reading])

    async def _read(self) -> None:
        try:
            async for frame in self._connection:
                await self._receive(frame)
        except ConnectionClosed:
            pass
        if not self._accepted.done():
            self._accepted.set_exception(Refused("connection_closed"))
        elif not self._closing:
            self._measured.disconnected += 1

    async def _receive(self, frame: str | bytes) -> None:
        packet = decode_packet(frame)
        if packet.type is PacketType.PING:
            await self._connection.send("3")
        elif packet.type is PacketType.MESSAGE:
            self._handle(self._decoder.receive(packet.data), time.perf_counter())

    def _handle(self, packet: object, now: float) -> None:
        match packet:
            case Event(args=["message:new", {"content": str(content)}, *_]):
                run_id, _, sent_at = content.partition(" ")
                if run_id == self._run_id:
                    self._measured.deliveries.append(now - float(sent_at))
            case Ack(args=[dict(answer)], ack_id=int(number)) if number in self._waiting:
                began, members = self._waiting.pop(number)
                self._acknowledged(now - began, members, answer)
            case Connect() if not self._accepted.done():
                self._accepted.set_result(None)
            case ConnectError(data=data) if not self._accepted.done():
                self._accepted.set_exception(Refused(_code(data)))

    def _acknowledged(self, duration_s: float, members: int, answer: Mapping[str, Any]) -> None:
        if answer.get("success"):
            self._measured.acknowledgements.append(duration_s)
            self._measured.expected += members
            return
        code = _code(answer)
        self._measured.refused[code] = self._measured.refused.get(code, 0) + 1


def _code(answer: object) -> str:
    """Returns the error code in the payload of a refusal: `{data: {code}}` for a connection, `{error: {code}}` for a
    command. Without a code, returns the payload's `message`, or `refused`."""
    if isinstance(answer, Mapping):
        inner = answer.get("data") or answer.get("error")
        if isinstance(inner, Mapping) and isinstance(inner.get("code"), str):
            return str(inner["code"])
        if isinstance(answer.get("message"), str):
            return str(answer["message"])
    return "refused"
