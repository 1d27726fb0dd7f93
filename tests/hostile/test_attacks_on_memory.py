"""What connections held is given back when they are closed, however they were used."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rigs.hostile.client import client_of
from rigs.hostile.connections import (
    BINARY,
    TEXT,
    ConnectionEnded,
    ConnectionRefused,
    frame,
    open_session,
    text_frame,
)
from rigs.hostile.processes import descriptors
from rigs.hostile.scene import set_up
from rigs.hostile.target import Target, running_target


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """A server for each test: what one has made the allocator keep would hide what the next one leaves."""
    with running_target(tmp_path) as target:
        yield target


MEGABYTE = 900_000
GROWS_MIB = 100
"""What a server may keep of some hundred megabytes: the allocator's, not the connections'."""

_GIVEN_BACK_S = 15.0
_SENT_WITHIN_S = 60.0
_READ_ON_S = 3.0


def grown_mib(target: Target, before: float) -> float:
    """How much memory has grown since it was `before`, once that is little, or after a while."""
    deadline = time.monotonic() + _GIVEN_BACK_S
    while (grown := target.resident_mib() - before) > GROWS_MIB and time.monotonic() < deadline:
        time.sleep(0.2)
    return grown


async def open_and_leave(target: Target, data: bytes) -> None:
    """A WebSocket that sends something and is closed at once."""
    with suppress(ConnectionEnded, ConnectionRefused, OSError):
        websocket = await open_session(target.address)
        websocket.send(data)
        with suppress(OSError):
            await websocket.drain()
        await websocket.closed()


def test_closed_websockets_with_half_a_packet_leave_nothing(target: Target) -> None:
    data = text_frame('4510-["x"]') + frame(BINARY, bytes(MEGABYTE)) * 9

    async def attack() -> None:
        for _ in range(60):
            await open_and_leave(target, data)

    before = target.resident_mib()
    asyncio.run(attack())
    assert grown_mib(target, before) < GROWS_MIB


def test_closed_websockets_with_half_a_message_leave_nothing(target: Target) -> None:
    data = frame(TEXT, b"4" * MEGABYTE, fin=False)

    async def attack() -> None:
        for _ in range(200):
            await open_and_leave(target, data)

    before = target.resident_mib()
    asyncio.run(attack())
    assert grown_mib(target, before) < GROWS_MIB


async def send_all(target: Target, data: bytes) -> None:
    """Sends as long as the server reads, and reads as long as it responds."""
    reader, writer = await asyncio.open_connection(*target.address)

    async def read() -> None:
        while await reader.read(65536):
            pass

    reading = asyncio.create_task(read())
    try:
        async with asyncio.timeout(_SENT_WITHIN_S):
            for start in range(0, len(data), 65536):
                writer.write(data[start : start + 65536])
                await writer.drain()
            await asyncio.wait([reading], timeout=_READ_ON_S)
    except (OSError, TimeoutError):
        pass  # refused, or no longer read
    finally:
        reading.cancel()
        writer.transport.abort()  # unsent bytes would keep the socket open
        with suppress(OSError):
            await writer.wait_closed()


async def peak_mib_while(target: Target, attack: Coroutine[None, None, None]) -> float:
    """The most memory that the server has during an attack."""
    task = asyncio.create_task(attack)
    peak = 0.0
    while not task.done():
        peak = max(peak, target.resident_mib())
        await asyncio.sleep(0.02)
    await task
    return peak


def test_pipelined_requests_do_not_pile_up(target: Target) -> None:
    head = f"GET /healthz HTTP/1.1\r\nHost: {target.address[0]}\r\n\r\n".encode()
    before = target.resident_mib()
    peak = asyncio.run(peak_mib_while(target, send_all(target, head * (6 * 2**20 // len(head)))))
    assert peak - before < GROWS_MIB
    assert grown_mib(target, before) < GROWS_MIB


def test_headers_without_end_are_not_gathered(target: Target) -> None:
    before = target.resident_mib()
    head = f"GET /healthz HTTP/1.1\r\nHost: {target.address[0]}\r\n".encode()
    peak = asyncio.run(peak_mib_while(target, send_all(target, head + b"a: b\r\n" * (16 * 2**20 // 6))))
    assert peak - before < GROWS_MIB
    assert grown_mib(target, before) < GROWS_MIB


def test_downloads_that_are_broken_off_close_their_files(target: Target) -> None:
    scene = set_up(target.server)
    form = {"file": ("film", b"x" * 5_000_000, "application/octet-stream")}
    with client_of(scene) as rest:
        made = rest.done("author", "POST", "files", files=form)
    request = (
        f"GET /api/v1/files/{made['id']}/film HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {scene.tokens['author']}\r\n"
    )

    def of_files() -> int:
        return sum("/files/" in name for name in descriptors(target.pid))

    before = of_files()
    for number in range(40):
        range_ = f"Range: bytes={number}-\r\n" if number % 2 else ""
        with socket.create_connection(target.address) as connection:
            connection.sendall((request + range_ + "\r\n").encode())
            connection.recv(1000)
    wait_until(lambda: of_files() <= before)
    assert of_files() <= before


def wait_until(holds: Callable[[], bool]) -> None:
    """Returns when it holds, or after a while."""
    deadline = time.monotonic() + _GIVEN_BACK_S
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.1)
