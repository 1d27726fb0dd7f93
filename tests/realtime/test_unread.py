"""Clients that do not read what the server has written, over HTTP and over WebSockets: none of them stays for ever."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

from talkwire.realtime.http import connection_limits
from talkwire.realtime.http.http_limits import HttpLimits
from talkwire.realtime.http.http_protocol import HttpProtocol
from talkwire.realtime.transport import websocket
from talkwire.realtime.transport.websocket import WebSocketProtocol
from talkwire.wire import EngineOptions
from tests.realtime.collecting import only_new_objects
from tests.realtime.conftest import RecordingServer
from tests.realtime.frames import CLOSE, frame, masked_text
from tests.realtime.wires import OPEN, UPGRADE, served, until_a_turn
from tests.waiting import SteppedClock, deadline, pause, turns, until

MIB = 1024 * 1024
READ_S = 30.0
T = TypeVar("T")


async def answer_at_length(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
    """Responds with as many bytes as the path's last part says. The path counts as a health check."""
    size = int(scope["query_string"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]})
    await send({"type": "http.response.body", "body": b"x" * size})


def request(size: int, fields: str = "") -> bytes:
    return f"GET /healthz?{size} HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode()


def upgrade(**changes: str) -> bytes:
    fields = {**UPGRADE, **changes}
    return "\r\n".join(
        [f"GET {OPEN} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    ).encode()


@pytest.fixture
def engine() -> RecordingServer:
    engine = RecordingServer(EngineOptions())
    engine.namespace("/")
    return engine


@pytest.fixture(autouse=True)
def new_objects() -> Iterator[None]:
    with only_new_objects():
        yield


class Lazy:
    """A TCP connection that is read only when the test says so."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def read(self, size: int) -> bytes:
        async with deadline():
            return await asyncio.get_running_loop().sock_recv(self.socket, size)


@asynccontextmanager
async def lazy(engine: RecordingServer, read_s: float = READ_S) -> AsyncIterator[Lazy]:
    async with served(engine, app=answer_at_length, limits=HttpLimits(read_s=read_s)) as port:
        client = Lazy(port)
        try:
            yield client
        finally:
            client.socket.close()


def alive(kind: type[T]) -> list[T]:
    # By type: `isinstance` asks a weak proxy for the class of its object, which may be gone.
    return [each for each in gc.get_objects() if issubclass(type(each), kind)]


async def the(kind: type[T]) -> T:
    """The only connection of a kind."""
    await until_a_turn(lambda: bool(alive(kind)))
    (found,) = alive(kind)
    return found


async def until_ended(kind: type, clock: SteppedClock, within_s: float) -> None:
    """Lets so much time pass, or less if all connections of a kind have ended before."""
    ends_at = clock() + within_s
    while alive(kind) and clock() < ends_at:
        clock.advance(0.1)
        await turns(5)
    assert not alive(kind)


@pytest.fixture
def short_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_S", 0.2)


@pytest.mark.usefixtures("short_close")
async def test_a_client_that_closes_and_does_not_read_is_cut_off(engine: RecordingServer) -> None:
    async with lazy(engine) as client:
        await client.send(upgrade())
        peer = await the(WebSocketProtocol)
        while not peer.unsent():
            engine.connections[0].send("x" * 65536)
            await asyncio.sleep(0)
        await client.send(frame(CLOSE, (1000).to_bytes(2, "big")))
        del peer
        await until(lambda: not alive(WebSocketProtocol))


async def test_a_refused_upgrade_behind_an_answer_that_is_not_read_ends(
    engine: RecordingServer, clock: SteppedClock
) -> None:
    async with lazy(engine) as client:
        await client.send(request(8 * MIB) + upgrade(**{"Sec-WebSocket-Version": "12"}))
        await the(WebSocketProtocol)
        await until_ended(WebSocketProtocol, clock, websocket.CLOSE_TIMEOUT_S + 1)


async def test_an_upgrade_that_is_spared_behind_an_answer_that_is_not_read_ends(
    engine: RecordingServer, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limits, "descriptor_limit", lambda: 100_000)
    monkeypatch.setattr(connection_limits, "reserve", lambda _: 99_999)
    async with lazy(engine) as client:
        await client.send(request(8 * MIB) + upgrade())
        await the(HttpProtocol)
        await until_ended(HttpProtocol, clock, 2 * READ_S + 1)


async def test_an_upgrade_behind_an_answer_that_is_not_read_is_cut_off_at_the_usual_size(
    engine: RecordingServer,
) -> None:
    async with lazy(engine) as client:
        await client.send(request(8 * MIB) + upgrade())
        await until(lambda: bool(engine.connections))
        await client.send(masked_text("40"))
        connection = engine.connections[0]
        for _ in range(10):
            connection.send("x")
            await asyncio.sleep(0)
        await until(lambda: engine.metrics.slow_connections == 1)


async def test_a_client_that_stops_shortly_before_the_end_of_the_last_answer_is_cut_off(
    engine: RecordingServer, clock: SteppedClock
) -> None:
    async with lazy(engine) as client:
        await until_a_turn(lambda: engine.metrics.http_connections == 1)
        transport = (await the(HttpProtocol)).transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await client.send(request(MIB, "Connection: close\r\n"))
        await until_a_turn(lambda: transport.get_write_buffer_size() > 0)
        while transport.get_write_buffer_size() > 12 * 1024:
            await client.read(1024)
        assert transport.get_write_buffer_size()
        await until_ended(HttpProtocol, clock, 2 * READ_S + 1)
        assert engine.metrics.http_closed["read_timeout"] == 1


async def test_a_client_that_reads_slowly_and_steadily_gets_everything(engine: RecordingServer) -> None:
    """Its bytes leave the server's own buffer in steps of a third of the kernel's, which is megabytes."""
    async with lazy(engine, read_s=1.0) as client:
        await client.send(request(8 * MIB))
        for _ in range(50):
            assert await client.read(2000)
            await pause(0.1)
        assert engine.metrics.http_closed["read_timeout"] == 0
