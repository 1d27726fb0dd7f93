"""HTTP servers that behave as a test says, as third parties to which the server sends requests."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Respond = Callable[["ReceivedRequest", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it arrived: its first line, its headers by lower-case name, and its body."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A server on a port of this machine, with all requests that it has received."""

    port: int
    requests: list[ReceivedRequest] = field(default_factory=list)
    connections: int = 0


def response(status: str = "200 OK", body: bytes = b"{}", *headers: str) -> Respond:
    """Returns a handler that sends this response."""
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers))

    async def respond(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()

    return respond


@contextlib.asynccontextmanager
async def receiver(
    respond: Respond | None = None, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Receiver]:
    """Serves until the block ends. Each request of a connection is passed to `respond`; by default, it returns `{}`."""
    answer = respond or response()
    open_connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_connections.add(task)
        found.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                found.requests.append(request)
                await answer(request, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            open_connections.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, host, 0, ssl=tls)
    found = Receiver(server.sockets[0].getsockname()[1])
    try:
        yield found
    finally:
        server.close()
        for task in list(open_connections):
            task.cancel()
        await asyncio.gather(*open_connections, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> ReceivedRequest | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    line, *rest = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return ReceivedRequest(line, headers, body)
