"""Raw connections: HTTP requests and WebSocket frames as bytes that a generator made, whatever they are."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

Address = tuple[str, int]

ANSWER_DEADLINE_S = 30.0
"""Nothing takes so long; who waits until then has found something that hangs."""


@dataclass(frozen=True)
class Answer:
    status: int
    head: str
    body: bytes

    @property
    def closes(self) -> bool:
        return "\r\nconnection: close" in self.head.lower()


class ConnectionEnded(Exception):
    """The server closed, and some requests have no answer."""

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__(f"closed after {len(answers)} answers")
        self.answers = answers


class ConnectionRefused(Exception):
    """No session comes of it; the text is what the server said."""


class HttpConnection:
    """A connection that is kept, and opened again where the server has closed it."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def exchange(self, requests: Sequence[bytes]) -> list[Answer]:
        """The answers to requests that are sent at once. Raises ConnectionEnded, OSError, TimeoutError."""
        if self._reader is None or self._reader.at_eof():
            self.close()
            self._reader, self._writer = await asyncio.open_connection(*self._address)
        assert self._writer is not None
        self._writer.write(b"".join(requests))
        answers: list[Answer] = []
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                for request in requests:
                    answer = await _read_answer(self._reader, has_body=not request.startswith(b"HEAD "))
                    answers.append(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            raise ConnectionEnded(answers) from None
        except BaseException:
            self.close()
            raise
        if answers[-1].closes:
            self.close()
        return answers

    def close(self) -> None:
        if self._writer is not None:
            if self._writer.transport.get_write_buffer_size():
                self._writer.transport.abort()  # what is not sent yet would keep the socket open
            else:
                self._writer.close()
        self._reader = self._writer = None


async def _read_answer(reader: asyncio.StreamReader, *, has_body: bool) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status = int(head.split(" ", 2)[1])
    headers = dict(line.lower().partition(":")[::2] for line in head.split("\r\n")[1:])
    if not has_body or status in {204, 304}:
        return Answer(status, head, b"")
    if "chunked" in headers.get("transfer-encoding", ""):
        return Answer(status, head, await _read_chunks(reader))
    if "content-length" in headers:
        return Answer(status, head, await reader.readexactly(int(headers["content-length"])))
    return Answer(status, head, await reader.read())


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks = []
    while (size := int(await reader.readline(), 16)) > 0:
        chunks.append((await reader.readexactly(size + 2))[:-2])
    await reader.readline()
    return b"".join(chunks)


async def send_and_close(address: Address, data: bytes, *, half_close: bool, wait_s: float) -> bytes:
    """The beginning of what the server says to bytes that may be no request at all; nothing after `wait_s`."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(data)
        if half_close:
            writer.write_eof()
        async with asyncio.timeout(wait_s):
            return await reader.read(65536)
    except (TimeoutError, OSError):
        return b""  # not all that is sent is worth an answer, and the server may have closed before all was sent
    finally:
        writer.transport.abort()  # what is not sent yet would keep the socket open


# --- WebSockets -----------------------------------------------------------------------------------------------------

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """A WebSocket frame as a client sends it, or as it must not (RFC 6455, 5.2)."""
    first = (0x80 if fin else 0) | (rsv << 4) | opcode
    size = len(payload)
    bit = 0x80 if masked else 0
    if size < 126:
        head = bytes([first, bit | size])
    elif size < 65536:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    # The mask 0 leaves the payload as it is.
    return head + (bytes(4) if masked else b"") + payload


def text_frame(text: str) -> bytes:
    return frame(TEXT, text.encode("utf-8", "surrogatepass"))


class RawWebSocket:
    """A WebSocket of which whole frames are read, and anything is written."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def drain(self) -> None:
        await self._writer.drain()

    async def receive(self) -> tuple[int, bytes]:
        """The next frame. Raises ConnectionEnded."""
        try:
            first, second = await self._reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", await self._reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
            return first & 0x0F, await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise ConnectionEnded([]) from None

    async def receive_text(self) -> str:
        """The next text that is no heartbeat; heartbeats are answered. Raises ConnectionEnded."""
        while True:
            opcode, payload = await self.receive()
            if opcode == CLOSE:
                raise ConnectionEnded([])
            if opcode == TEXT and payload == b"2":
                self.send(text_frame("3"))
            elif opcode == TEXT:
                return payload.decode()

    def close(self) -> None:
        self._writer.close()

    async def closed(self) -> None:
        """Closes, and returns when that is done."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


def upgrade_head(host: str, target: str = "/socket.io/?EIO=4&transport=websocket", headers: str = "") -> bytes:
    """A request for a WebSocket. `headers` are further lines."""
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    return ("\r\n".join(lines) + f"\r\n{headers}\r\n").encode("latin-1", "replace")


async def open_websocket(address: Address, target: str = "/socket.io/?EIO=4&transport=websocket") -> RawWebSocket:
    """A WebSocket whose open packet, if it is a session's, has not been read. Raises ConnectionRefused, OSError."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(upgrade_head(f"{address[0]}:{address[1]}", target))
    try:
        async with asyncio.timeout(ANSWER_DEADLINE_S):
            head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        head = b""
    if not head.startswith(b"HTTP/1.1 101"):
        writer.close()
        raise ConnectionRefused(head.decode("latin-1"))
    return RawWebSocket(reader, writer)


async def open_session(address: Address, connect: str = "") -> RawWebSocket:
    """A session whose open packet has been read; `connect` is a CONNECT packet that must be answered with one.
    Raises ConnectionRefused, ConnectionEnded, OSError."""
    websocket = await open_websocket(address)
    try:
        async with asyncio.timeout(ANSWER_DEADLINE_S):
            answer = await websocket.receive_text()
            if connect and answer.startswith("0{"):
                websocket.send(text_frame(f"4{connect}"))
                answer = await websocket.receive_text()
    except BaseException:
        websocket.close()
        raise
    if not answer.startswith("40" if connect else "0{"):
        websocket.close()
        raise ConnectionRefused(answer)
    return websocket
