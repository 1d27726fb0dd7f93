"""A raw Engine.IO client: HTTP requests and WebSocket frames as the test wrote them.

It knows of the protocol only what no test wants to repeat: the query of a session, the record separator of
polling payloads, and that a ping is answered with a pong. Every wait has a deadline.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.http_client import AsyncHttpClient
from tests.waiting import DEADLINE_S, deadline, until_asked

PING_INTERVAL_S = 0.3
SEPARATOR = "\x1e"

Query = Mapping[str, str | None]
NO_QUERY: Query = {}


class WebSocketClient:
    """One WebSocket to the server."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, *frames: str | bytes) -> None:
        for frame in frames:
            await self.connection.send(frame)

    async def receive_frame(self) -> str | bytes:
        """Returns the next frame of any kind; leaves pings unanswered."""
        async with deadline():
            return await self.connection.recv()

    async def receive(self) -> str | bytes:
        """The next frame that is not a ping; pings on the way are answered."""
        async with deadline():
            while (frame := await self.connection.recv()) == "2":
                await self.connection.send("3")
        return frame

    async def receive_text(self) -> str:
        frame = await self.receive()
        assert isinstance(frame, str), f"a binary frame instead of text: {frame!r}"
        return frame

    async def wait_closed(self) -> None:
        """Waits until the server has closed, although every ping was answered; fails if anything else arrives."""
        try:
            frame = await self.receive()
        except ConnectionClosed:
            return
        raise AssertionError(f"a frame instead of the close: {frame!r}")

    async def wait_closed_in_silence(self) -> list[str | bytes]:
        """Returns the frames that arrived before the server closed; leaves pings unanswered."""
        frames: list[str | bytes] = []
        async with deadline():
            try:
                while True:
                    frames.append(await self.connection.recv())
            except ConnectionClosed:
                return frames

    async def close(self) -> None:
        await self.connection.close()


class PendingPoll:
    """A poll whose request was sent. Its response can be awaited or abandoned."""

    def __init__(self, task: asyncio.Task[httpx.Response]) -> None:
        self._task = task

    async def answer(self) -> httpx.Response:
        async with deadline():
            return await self._task

    async def cancel(self) -> None:
        """Drops the connection of this poll."""
        self._task.cancel()
        await asyncio.wait([self._task])


class PollingSession:
    """One Engine.IO session over HTTP long-polling."""

    def __init__(self, server: Server, engine_sid: str) -> None:
        self.server = server
        self.engine_sid = engine_sid
        self._pending: PendingPoll | None = None
        self._packets: deque[str] = deque()

    async def poll(self) -> httpx.Response:
        return await self.server.request("GET", {"sid": self.engine_sid})

    async def post(self, body: str, content_type: str = "text/plain;charset=UTF-8") -> httpx.Response:
        headers = {"content-type": content_type}
        return await self.server.request("POST", {"sid": self.engine_sid}, body, headers=headers)

    async def start_poll(self) -> PendingPoll:
        """Returns a poll that the server holds, unless it had output already."""
        sent = asyncio.Event()

        # httpx reports the progress of a request through this hook.
        async def trace(event_name: str, info: dict[str, object]) -> None:
            if event_name == "http11.send_request_body.complete":
                sent.set()

        request = self.server.request("GET", {"sid": self.engine_sid}, extensions={"trace": trace})
        pending = PendingPoll(asyncio.create_task(request))
        async with deadline():
            await sent.wait()
        # The response to a later request shows that the server has read the earlier one.
        await self.server.request("GET", {"sid": "nobody"})
        self._pending = pending
        return pending

    async def receive(self) -> str:
        """The next packet that is not a ping, from the pending poll or new ones; pings are answered."""
        while True:
            while self._packets:
                packet = self._packets.popleft()
                if packet != "2":
                    return packet
                await self.send("3")
            answer = await (self._pending.answer() if self._pending else self.poll())
            self._pending = None
            assert answer.status_code == 200, answer.text
            self._packets.extend(answer.text.split(SEPARATOR))

    def received_already(self) -> list[str]:
        """Returns the messages that arrived in the latest response behind the packet last received."""
        packets = [packet for packet in self._packets if packet not in {"2", "6"}]
        self._packets.clear()
        return packets

    async def send(self, *packets: str) -> None:
        answer = await self.post(SEPARATOR.join(packets))
        assert (answer.status_code, answer.text) == (200, "ok")


class Server:
    """The server under test, reached at one Engine.IO path."""

    def __init__(self, url: str, path: str, resources: AsyncExitStack, http: httpx.AsyncClient) -> None:
        self.url = url
        self.path = path
        self._resources = resources
        self.http = http

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def target(self, transport: str, query: Query = NO_QUERY) -> str:
        """Path and query; a parameter whose value is None is left out."""
        parameters = {"EIO": "4", "transport": transport, **query}
        return f"{self.path}?{urlencode({k: v for k, v in parameters.items() if v is not None})}"

    async def request(
        self,
        method: str,
        query: Query = NO_QUERY,
        body: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        extensions: dict[str, Any] | None = None,
    ) -> httpx.Response:
        url = self.url + self.target("polling", query)
        async with deadline():
            return await self.http.request(method, url, content=body, headers=headers, extensions=extensions)

    async def connect_websocket(self, query: Query = NO_QUERY) -> WebSocketClient:
        """A WebSocket of which no frame has been read."""
        connection = await connect(
            "ws" + self.url.removeprefix("http") + self.target("websocket", query),
            open_timeout=DEADLINE_S,
            close_timeout=1,
            ping_interval=None,
            max_size=None,
            proxy=None,
        )
        self._resources.push_async_callback(connection.close)
        return WebSocketClient(connection)

    async def refuses_websocket(self, query: Query) -> bool:
        """Returns whether this request opens no session: the handshake fails, or the server closes
        before any packet.
        """
        try:
            client = await self.connect_websocket(query)
        except InvalidHandshake:
            return True
        return await client.wait_closed_in_silence() == []

    async def wait_session_gone(self, engine_sid: str, *, unlike: str) -> None:
        """Returns when the server no longer knows the session; `unlike` is a transport it does not use.

        A request over the other transport asks without touching the session: a living one answers
        "Bad request", where a poll would take its packets.
        """

        async def is_gone() -> bool:
            return error_code(await self.request("GET", {"sid": engine_sid, "transport": unlike})) == 1

        await until_asked(is_gone)

    async def open_websocket(self) -> WebSocketClient:
        """A WebSocket session whose open packet has been read."""
        client = await self.connect_websocket()
        assert (await client.receive_text()).startswith("0{")
        return client

    async def open_polling(self) -> PollingSession:
        """A polling session whose open packet has been read."""
        answer = await self.request("GET")
        assert answer.status_code == 200, answer.text
        return PollingSession(self, open_packet(answer.text)["sid"])


def open_packet(packet: str | bytes) -> dict[str, Any]:
    """The JSON of an Engine.IO open packet."""
    assert isinstance(packet, str)
    assert packet.startswith("0"), packet
    handshake = json.loads(packet[1:])
    assert isinstance(handshake, dict)
    return handshake


def error_code(answer: httpx.Response) -> int | None:
    """Returns the `code` of an error response, None for any other."""
    if answer.status_code != 400 or not answer.text.startswith("{"):
        return None
    code = answer.json()["code"]
    assert isinstance(code, int)
    return code


@asynccontextmanager
async def server_at(url: str, path: str) -> AsyncIterator[Server]:
    """Reaches a running server; closes every connection made to it."""
    async with (
        AsyncHttpClient(timeout=DEADLINE_S) as http,
        AsyncExitStack() as resources,
    ):
        yield Server(url, path, resources, http)
