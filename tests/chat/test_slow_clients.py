"""Clients that do not read lose their connection, and others are not affected."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import socket

from tests.chat.conftest import World
from tests.realtime.frames import masked_text
from tests.waiting import deadline

CONTENT = "x" * 60_000
ENOUGH = 400
"""The number of messages with this content that no kernel would buffer for a client with a small window."""


async def slow_connections(world: World) -> int:
    metrics = (await world.request("GET", "/metrics")).text
    found = re.search(r"^talkwire_slow_connections_total (\d+)", metrics, re.MULTILINE)
    assert found is not None
    return int(found.group(1))


async def open_deaf_client(world: World, token: str) -> socket.socket:
    """Returns a client that signs in and never reads."""
    loop = asyncio.get_running_loop()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    host, port = world.server.url.removeprefix("http://").split(":")
    await loop.sock_connect(client, (host, int(port)))
    key = base64.b64encode(os.urandom(16)).decode()
    request = (
        f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    await loop.sock_sendall(client, request.encode())
    # Waits for the response of the upgrade only, since the frame must not become part of the request.
    async with deadline():
        await loop.sock_recv(client, 12)
    await loop.sock_sendall(client, masked_text(f'40{{"token":"{token}"}}'))
    return client


async def receive_until(client: socket.socket, end: bytes, *, within_last: int) -> bytes:
    """Receives until `end` is within the last bytes, and returns everything received."""
    loop = asyncio.get_running_loop()
    received = bytearray()
    async with deadline():
        while received.rfind(end, max(0, len(received) - within_last)) < 0:
            data = await loop.sock_recv(client, 1 << 20)
            # At the end of a connection, `recv` returns at once each time, so the timeout would never trigger.
            assert data, f"the server closed the connection after {bytes(received[-200:])!r}"
            received += data
    return bytes(received)


async def read_to_the_end(client: socket.socket) -> int:
    """Reads until the connection ends, and returns the number of bytes."""
    loop = asyncio.get_running_loop()
    size = 0
    async with deadline():
        try:
            while data := await loop.sock_recv(client, 1 << 20):
                size += len(data)
        except ConnectionResetError:
            pass
    return size


async def test_a_client_that_never_reads_is_disconnected_without_affecting_others(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "deaf")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    before = await slow_connections(world)
    deaf = await open_deaf_client(world, world.server.token(world.id_of("deaf")))
    try:
        sent = 0
        while await slow_connections(world) == before:
            assert sent < ENOUGH, "the server buffers without end"
            for _ in range(8):
                await alice.send_message(conversation, CONTENT)
                sent += 1
        for number in range(1, sent + 1):
            assert (await bob.next("message:new"))["seq"] == number
        unread = await read_to_the_end(deaf)
        assert unread < sent * len(CONTENT)
    finally:
        deaf.close()


async def test_signals_are_not_buffered_for_a_client_that_never_reads(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "deaf")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    before = await slow_connections(world)
    deaf = await open_deaf_client(world, world.server.token(world.id_of("deaf")))
    try:
        signal = {"conversationId": conversation, "name": "move", "data": CONTENT[:4000]}
        for _ in range(160):  # 10 MB of signals, of which the kernel buffers at most some.
            for _ in range(16):
                await alice.emit("signal:send", signal)
            for _ in range(16):
                await bob.next("signal")
        assert await slow_connections(world) == before, "the connection would have ended at 1 MiB"
    finally:
        deaf.close()


async def test_a_client_that_sends_without_reading_gets_no_more_responses(world: World) -> None:
    conversation = await world.conversation("alice", "deaf")
    alice = await world.connect("alice")
    for _ in range(5):
        await alice.send_message(conversation, CONTENT)
    before = await slow_connections(world)
    deaf = await open_deaf_client(world, world.server.token(world.id_of("deaf")))
    try:
        # Sending before the namespace has accepted the socket violates the protocol.
        await receive_until(deaf, b'40{"sid"', within_last=400)
        ask = b"".join(masked_text(f'42{n}["messages:list",{{"conversationId":"{conversation}"}}]') for n in range(60))
        await asyncio.get_running_loop().sock_sendall(deaf, ask)
        # Not all pages fit into the buffer; the queries wait for the client, which is therefore not disconnected.
        received = await receive_until(deaf, b"4359[", within_last=400_000)
        assert len(received) > 60 * 3 * len(CONTENT)
        assert await slow_connections(world) == before
    finally:
        deaf.close()
