"""An echo server in the test's own process, without chat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from talkwire.realtime.socketio.socket_server import Namespace, SocketServer
from talkwire.realtime.socketio.socketio_socket import Socket
from talkwire.wire import EngineOptions
from tests.realtime.linked import let_nodes_connect_late
from tests.realtime.wires import Wire, served
from tests.waiting import SteppedClock

MAX_PAYLOAD = 10_000

Connect = Callable[[], Awaitable[Wire]]


class RecordingServer(SocketServer):
    """Keeps the errors that handlers raised."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (handed on)
        super().__init__(*args, **kwargs)
        self.errors: list[BaseException] = []

    def report(self, error: BaseException) -> None:
        self.errors.append(error)


@pytest.fixture(autouse=True)
def _nodes_may_connect_late(monkeypatch: pytest.MonkeyPatch) -> None:
    let_nodes_connect_late(monkeypatch)


@pytest.fixture
def engine() -> RecordingServer:
    return RecordingServer(EngineOptions(max_payload=MAX_PAYLOAD))


@pytest.fixture
async def clock(engine: RecordingServer, monkeypatch: pytest.MonkeyPatch) -> SteppedClock:
    """The clock of the server and of the event loop, which only the test moves."""
    engine.now = SteppedClock(monkeypatch)
    return engine.now


@pytest.fixture
def root(engine: RecordingServer) -> Namespace:
    """The root namespace: `echo` is acknowledged with its arguments."""
    namespace = engine.namespace("/")

    @namespace.on("echo")
    def echo(socket: Socket, *args: object) -> tuple[object, ...]:
        return args

    return namespace


@pytest.fixture
async def port(engine: RecordingServer, root: Namespace) -> AsyncIterator[int]:
    async with served(engine) as port:
        yield port


@pytest.fixture
async def connect(port: int) -> AsyncIterator[Connect]:
    """Opens TCP connections to the server."""
    wires: list[Wire] = []

    async def connect() -> Wire:
        wires.append(await Wire.to(port))
        return wires[-1]

    yield connect
    for wire in wires:
        await wire.close()
