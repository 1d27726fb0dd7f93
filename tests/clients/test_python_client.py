"""The python-socketio client against the echo server."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import socketio
from engineio.packet import PING, Packet

from tests.waiting import DEADLINE_S, deadline, until

pytestmark = [
    pytest.mark.parametrize(
        "transports",
        [["polling"], ["websocket"], ["polling", "websocket"]],
        ids=["polling", "websocket", "polling and websocket"],
    ),
    # This client does not read the response to its last POST, and may leave that connection to the garbage collector.
    pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning"),
]


@pytest.fixture(autouse=True)
def nothing_left_to_collect() -> Iterator[None]:
    """What a client leaves behind is collected in its own test, where the warning is expected."""
    yield
    gc.collect()


class EchoClient:
    """A python-socketio client that keeps what each event brought."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self._events: dict[tuple[str, str], asyncio.Queue[tuple[Any, ...]]] = {}
        for namespace in ("/", "/custom"):
            for event in ("auth", "message-back"):
                self._keep(event, namespace)

    def _keep(self, event: str, namespace: str) -> None:
        queue: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        self._events[event, namespace] = queue
        self.client.on(event, lambda *values: queue.put_nowait(values), namespace=namespace)

    async def next(self, event: str, namespace: str = "/") -> tuple[Any, ...]:
        async with deadline():
            return await self._events[event, namespace].get()

    async def echo(self, *values: object, namespace: str = "/") -> tuple[Any, ...]:
        await self.client.emit("message", values, namespace=namespace)
        return await self.next("message-back", namespace)

    async def acked(self, *values: object, namespace: str = "/") -> object:
        """The arguments of the ack: nothing as None, one as itself, several as a tuple."""
        return await self.client.call("message-with-ack", values, namespace=namespace, timeout=DEADLINE_S)


@asynccontextmanager
async def connected(url: str, transports: list[str], namespaces: tuple[str, ...] = ("/",)) -> AsyncIterator[EchoClient]:
    client = EchoClient()
    await client.client.connect(
        url, transports=transports, namespaces=list(namespaces), auth={"token": "123"}, wait_timeout=DEADLINE_S
    )
    try:
        yield client
    finally:
        await client.client.disconnect()


async def test_the_client_connects_with_its_auth(echo_url: str, transports: list[str]) -> None:
    async with connected(echo_url, transports) as client:
        assert await client.next("auth") == ({"token": "123"},)
        assert client.client.get_sid() not in {None, client.client.eio.sid}


async def test_the_client_uses_its_last_transport(echo_url: str, transports: list[str]) -> None:
    async with connected(echo_url, transports) as client:
        await client.echo("hello")
        assert client.client.transport() == transports[-1]


async def test_the_client_receives_its_events_back(echo_url: str, transports: list[str]) -> None:
    async with connected(echo_url, transports) as client:
        values = (1, "2", {"3": [True, None], "\u20ac": "\U0001f600"}, 1.5)
        assert await client.echo(*values) == values
        assert await client.echo() == ()


async def test_the_client_receives_its_events_back_in_order(echo_url: str, transports: list[str]) -> None:
    async with connected(echo_url, transports) as client:
        # This client refuses a polling payload of more than 16 packets, from any server.
        for number in range(12):
            await client.client.emit("message", number)
        assert [await client.next("message-back") for _ in range(12)] == [(n,) for n in range(12)]


async def test_the_client_receives_its_binary_back(echo_url: str, transports: list[str]) -> None:
    async with connected(echo_url, transports) as client:
        values = (b"\x01\x02", {"deep": [b"", {"er": b"\xff"}]}, "text")
        assert await client.echo(*values) == values


async def test_the_client_receives_large_messages_back(echo_url: str, transports: list[str]) -> None:
    async with connected(echo_url, transports) as client:
        values = ("x" * 300_000, b"\x07" * 300_000)
        assert await client.echo(*values) == values


async def test_the_client_receives_acks(echo_url: str, transports: list[str]) -> None:
    async with connected(echo_url, transports) as client:
        assert await client.acked("hello") == "hello"
        assert await client.acked(1, "2", {"3": [False]}) == (1, "2", {"3": [False]})
        assert await client.acked() is None


async def test_the_client_receives_binary_acks(echo_url: str, transports: list[str]) -> None:
    async with connected(echo_url, transports) as client:
        assert await client.acked(b"\x01\x02", {"deep": [b"\x03"]}) == (b"\x01\x02", {"deep": [b"\x03"]})


async def test_the_client_times_out_without_an_ack(echo_url: str, transports: list[str]) -> None:
    async with connected(echo_url, transports) as client:
        with pytest.raises(socketio.exceptions.TimeoutError):
            await client.client.call("nobody-acks-this", "hello", timeout=0.1)
        assert await client.echo("still here") == ("still here",)


async def test_the_client_joins_several_namespaces(echo_url: str, transports: list[str]) -> None:
    async with connected(echo_url, transports, ("/", "/custom")) as client:
        assert await client.next("auth", "/custom") == ({"token": "123"},)
        assert client.client.get_sid("/") != client.client.get_sid("/custom")
        assert await client.echo(b"\x01", namespace="/custom") == (b"\x01",)
        assert await client.acked("custom", namespace="/custom") == "custom"
        assert await client.echo("main") == ("main",)


async def test_the_client_is_refused_by_an_unknown_namespace(echo_url: str, transports: list[str]) -> None:
    client = socketio.AsyncClient(reconnection=False)
    errors: list[object] = []
    client.on("connect_error", errors.append, namespace="/unknown")
    with pytest.raises(socketio.exceptions.ConnectionError, match="/unknown"):
        await client.connect(echo_url, transports=transports, namespaces=["/unknown"], wait_timeout=DEADLINE_S)
    assert errors == [{"message": "Invalid namespace"}]


async def test_the_client_stays_connected_over_many_heartbeats(echo_url: str, transports: list[str]) -> None:
    async with connected(echo_url, transports) as client:
        # The client has no event for a heartbeat. The server sends the next ping when the last one was answered.
        pings = 0
        receive = client.client.eio._receive_packet

        async def count(packet: Packet) -> None:
            nonlocal pings
            pings += packet.packet_type == PING
            await receive(packet)

        client.client.eio._receive_packet = count
        await until(lambda: pings >= 4)
        assert await client.echo("still here") == ("still here",)
