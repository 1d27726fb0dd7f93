"""A process with HTTP endpoints of the worst kinds, to which a server sends webhooks, pushes and callbacks.

`python -m rigs.hostile.endpoints COUNT` prints the ports of COUNT endpoints of each kind, in one line of JSON. It reads
lines: after `good` all endpoints accept everything at once, after `bad` each behaves as its kind.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable

_CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
_ACCEPTED = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
_PATIENCE_S = 20.0


async def chunks(writer: asyncio.StreamWriter) -> None:
    """A body of very many chunks of one byte."""
    writer.write(_CHUNKED + b"1\r\nx\r\n" * 65_000 + b"0\r\n\r\n")
    await writer.drain()


async def informational(writer: asyncio.StreamWriter) -> None:
    """Informational responses without end."""
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000)
        await writer.drain()


async def trickle(writer: asyncio.StreamWriter) -> None:
    """A head that never ends and comes byte by byte."""
    writer.write(b"HTTP/1.1 201 Created\r\nX: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def malformed(writer: asyncio.StreamWriter) -> None:
    """No HTTP."""
    writer.write(bytes(range(256)) * 4096)
    await writer.drain()


async def hang(_: asyncio.StreamWriter) -> None:
    """No response."""
    await asyncio.sleep(_PATIENCE_S)


KINDS: tuple[Callable[[asyncio.StreamWriter], Awaitable[None]], ...] = (chunks, informational, trickle, malformed, hang)


class Endpoints:
    """All endpoints of the process; `bad` says whether they behave as their kinds."""

    def __init__(self) -> None:
        self.bad = False

    async def listen(self, kind: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> int:
        """Starts an endpoint of a kind, and returns its port."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    await self._serve(reader, writer, kind)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        kind: Callable[[asyncio.StreamWriter], Awaitable[None]],
    ) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            if self.bad:
                await kind(writer)
                return
            writer.write(_ACCEPTED)
            await writer.drain()


async def main(count: int) -> None:
    """Serves until the end of standard input."""
    endpoints = Endpoints()
    ports = [await endpoints.listen(kind) for kind in KINDS for _ in range(count)]
    sys.stdout.write(f"{json.dumps(ports)}\n")
    sys.stdout.flush()
    while line := await asyncio.to_thread(sys.stdin.readline):
        endpoints.bad = line.strip() == "bad"


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
