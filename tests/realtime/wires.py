"""Servers in the test's own process and connections to them, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from websockets.frames import Opcode

from talkwire.realtime.engine.engine_server import EngineServer
from talkwire.realtime.http.http_limits import HttpLimits
from talkwire.realtime.serving.node_listener import NodeListener
from talkwire.realtime.serving.server import AsgiApp, Server, listen, with_engine
from tests.realtime.frames import masked_text
from tests.waiting import deadline

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The accept value for that key in RFC 6455, section 1.3."""

UPGRADE = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}
OPEN = "/socket.io/?EIO=4&transport=websocket"


@asynccontextmanager
async def served(
    engine: EngineServer,
    internal: NodeListener | None = None,
    app: AsgiApp | None = None,
    limits: HttpLimits | None = None,
) -> AsyncIterator[int]:
    """Yields the port. `app` serves paths outside the engine's, and other nodes connect to `internal`. Stops like
    `Server.shutdown`, but without uvicorn's pauses.
    """
    listening = listen("127.0.0.1", 0)
    server = Server(engine, with_engine(engine, app), internal=internal, limits=limits)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await until_a_turn(lambda: server.started or task.done())
        yield listening.getsockname()[1]
    finally:
        task.cancel()
        await asyncio.wait([task])
        for each in server.servers:
            each.close()
        engine.shut_down()
        engine.wheel.close()
        await until_a_turn(lambda: not server.server_state.connections)
        listening.close()


async def until_a_turn(condition: Callable[[], bool]) -> None:
    """Waits for a turn of the event loop in which the condition holds, which may be the only one.

    Needs no timer, so the clock may stand still.
    """
    async with deadline():
        while not condition():  # noqa: ASYNC110 (each turn is looked at)
            await asyncio.sleep(0)


class Wire:
    """One TCP connection; every wait has a deadline."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, port: int) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def request(
        self, target: str, headers: Mapping[str, str], method: str = "GET", body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """Returns status, headers (names in lower case) and body of the response."""
        await self.begin(target, headers, method, body)
        return await self.answer()

    async def begin(self, target: str, headers: Mapping[str, str], method: str = "GET", body: bytes = b"") -> None:
        """Sends a request."""
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Returns the response to a request."""
        async with deadline():
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            status = int(head[0].split(" ")[1])
            return status, headers, await self.reader.readexactly(int(headers.get("content-length", 0)))

    async def open(self, target: str = OPEN) -> Wire:
        """Upgrades to a WebSocket and reads the open packet."""
        status, headers, _ = await self.request(target, UPGRADE)
        assert (status, headers["sec-websocket-accept"]) == (101, ACCEPT)
        assert (await self.text()).startswith("0{")
        return self

    async def sign_in(self) -> Wire:
        """Joins the root namespace."""
        await self.send(masked_text("40"))
        assert (await self.text()).startswith("40{")
        return self

    async def send(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))
        await self.writer.drain()

    async def say(self, *texts: str) -> None:
        await self.send(*map(masked_text, texts))

    async def frame(self) -> tuple[Opcode, bytes]:
        """The next frame, which a server never masks."""
        async with deadline():
            first, second = await self.reader.readexactly(2)
            assert first & 0x70 == 0
            assert second & 0x80 == 0
            length = second
            if second >= 126:
                length = int.from_bytes(await self.reader.readexactly(2 if second == 126 else 8), "big")
            return Opcode(first & 0x0F), await self.reader.readexactly(length)

    async def text(self) -> str:
        opcode, data = await self.frame()
        assert opcode is Opcode.TEXT, (opcode, data)
        return data.decode()

    async def close_code(self) -> int:
        """Returns the code of the close frame, which must be the next frame."""
        opcode, data = await self.frame()
        assert opcode is Opcode.CLOSE, (opcode, data)
        return int.from_bytes(data[:2], "big")

    async def ended(self) -> None:
        """Waits until the server has closed the connection; fails if anything else arrives."""
        async with deadline():
            assert await self.reader.read(1) == b""

    async def close(self) -> None:
        self.writer.close()
