"""Clients that do not read: they lose their connection, and nobody else notices."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import socket

from tests.chat.chat_client import DEADLINE_S
from tests.chat.conftest import World
from tests.realtime.frames import masked_text

CONTENT = "x" * 60_000
ENOUGH = 400
"""Messages of that length that no kernel would buffer for a client with a small window."""


async def slow_connections(world: World) -> int:
    metrics = (await world.request("GET", "/metrics")).text
    found = re.search(r"^talkwire_slow_connections_total (\d+)", metrics, re.MULTILINE)
    assert found is not None
    return int(found.group(1))


async def open_deaf_client(world: World, token: str) -> socket.socket:
    """A client that signs in and never reads a byte."""
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
    # Only the answer to the upgrade is waited for, or the frame could get into the request.
    async with asyncio.timeout(DEADLINE_S):
        await loop.sock_recv(client, 12)
    await loop.sock_sendall(client, masked_text(f'40{{"token":"{token}"}}'))
    return client


async def receive_until(client: socket.socket, end: bytes, *, within_last: int) -> bytes:
    """Everything received until `end` is among the last so many bytes."""
    loop = asyncio.get_running_loop()
    received = bytearray()
    async with asyncio.timeout(DEADLINE_S):
        while received.rfind(end, max(0, len(received) - within_last)) < 0:
            data = await loop.sock_recv(client, 1 << 20)
            # At the end of a connection this answers at once and for ever, so that no timeout would come through.
            assert data, f"the server closed the connection after {bytes(received[-200:])!r}"
            received += data
    return bytes(received)


async def read_to_the_end(client: socket.socket) -> int:
    """How many bytes were on their way when the connection ended."""
    loop = asyncio.get_running_loop()
    size = 0
    async with asyncio.timeout(DEADLINE_S):
        try:
            while data := await loop.sock_recv(client, 1 << 20):
                size += len(data)
        except ConnectionResetError:
            pass
    return size


async def test_a_client_that_never_reads_is_cut_off_and_others_do_not_notice(world: World) -> None:
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


async def test_a_client_that_asks_without_reading_is_answered_no_more(world: World) -> None:
    conversation = await world.conversation("alice", "deaf")
    alice = await world.connect("alice")
    for _ in range(5):
        await alice.send_message(conversation, CONTENT)
    before = await slow_connections(world)
    deaf = await open_deaf_client(world, world.server.token(world.id_of("deaf")))
    try:
        # What is asked before the namespace has let the socket in breaks the protocol.
        await receive_until(deaf, b'40{"sid"', within_last=400)
        ask = b"".join(masked_text(f'42{n}["messages:list",{{"conversationId":"{conversation}"}}]') for n in range(60))
        await asyncio.get_running_loop().sock_sendall(deaf, ask)
        # So many pages would not fit; the queries wait for the client instead, so it is not cut off either.
        received = await receive_until(deaf, b"4359[", within_last=400_000)
        assert len(received) > 60 * 3 * len(CONTENT)
        assert await slow_connections(world) == before
    finally:
        deaf.close()
