"""Requests and connections that clients start and do not finish, one function for each kind."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from urllib.parse import urlsplit

from rigs.letting_go.counted import CountedServer
from tests.realtime.frames import BINARY, TEXT, frame, masked_text

RECEIVE_BUFFER = 4096
"""A client with little room soon leaves the server with bytes that it cannot send."""

ROOM_FOR_ANSWERS = 1_000_000
DEADLINE_S = 60.0

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": b64encode(b"0123456789abcdef").decode(),
}
ENGINE = "/socket.io/?EIO=4&transport="

Abort = Callable[[CountedServer], Awaitable[None]]


class Wire:
    """One TCP connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def request(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {headers[name]}" for name in headers)]
        await self.send("\r\n".join([*lines, "", ""]).encode() + body)

    async def head(self) -> bytes:
        return await self._reader.readuntil(b"\r\n\r\n")

    async def until(self, text: bytes) -> bytes:
        return await self._reader.readuntil(text)

    async def ended(self) -> None:
        """Waits until the server has closed the connection; ignores what it sends."""
        try:
            while await self._reader.read(65536):
                pass
        except ConnectionError:
            return


@asynccontextmanager
async def wire(server: CountedServer, room: int = RECEIVE_BUFFER) -> AsyncIterator[Wire]:
    """Yields a connection that ends with a reset. `room` is the size of the client's receive buffer."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=client, limit=2 * room)
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield Wire(reader, writer)
    finally:
        writer.transport.abort()


def bearer(server: CountedServer, name: str = "alice") -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token(name)}"}


async def json_body(client: Wire) -> str:
    """Returns the rest of a response that is one JSON object, or a polling payload with one."""
    head = await client.head()
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    return (await client._reader.readexactly(int(length.split(b":")[1]))).decode()


async def open_polling(client: Wire) -> str:
    """A new session's id."""
    await client.request("GET", f"{ENGINE}polling", {})
    return str(json.loads((await json_body(client))[1:])["sid"])


async def connect_websocket(client: Wire, token: str) -> None:
    """Upgrades and signs in."""
    await client.request("GET", f"{ENGINE}websocket", UPGRADE)
    await client.head()
    await client.until(b"}")
    await client.send(masked_text("40" + json.dumps({"token": token})))
    await client.until(b'"sid"')


# --- files ----------------------------------------------------------------------------------------------------------


def _download(method: str = "GET", key: str = "url", **headers: str) -> Abort:
    async def abort(server: CountedServer) -> None:
        async with wire(server) as client:
            await client.request(method, server.prepared[key], {**bearer(server), **headers})
            await client.head()

    return abort


async def _download_unread(server: CountedServer) -> None:
    """Disconnects before the first byte of the response."""
    async with wire(server) as client:
        await client.request("GET", server.prepared["url"], bearer(server))


async def _half_patch(server: CountedServer) -> None:
    tus = {"Tus-Resumable": "1.0.0", **bearer(server)}
    async with wire(server) as client:
        await client.request("POST", "/api/v1/files", {**tus, "Upload-Length": "500000", "Content-Length": "0"})
        head = (await client.head()).decode()
        path = next(line for line in head.split("\r\n") if line.lower().startswith("location")).partition(": ")[2]
        bytes_ = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0", "Content-Length": "500000"}
        await client.request("PATCH", urlsplit(path).path, {**tus, **bytes_}, b"x" * 300_000)
    async with wire(server) as client:  # or there were too many after a while
        await client.request("DELETE", urlsplit(path).path, {**tus, "Connection": "close"})
        await client.head()


async def _half_form(server: CountedServer) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": "500000"}
    async with wire(server) as client:
        await client.request("POST", "/api/v1/files", {**bearer(server), **headers}, head + b"x" * 300_000)


# --- REST -----------------------------------------------------------------------------------------------------------


async def _half_body(server: CountedServer) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": "1000"}
    async with wire(server) as client:
        await client.request("POST", "/api/v1/messages", {**bearer(server), **headers}, b'{"content": "')


async def _half_head(server: CountedServer) -> None:
    async with wire(server) as client:
        await client.send(b"GET /api/v1/conversations HTTP/1.1\r\nHost: localhost\r\nX-Half: ")


async def _unread_answers(server: CountedServer) -> None:
    """Sends several requests at once and reads no response."""
    async with wire(server) as client:
        for _ in range(5):
            await client.request("GET", "/api/v1/conversations", bearer(server))


async def _half_sign_in(server: CountedServer) -> None:
    body = json.dumps({"email": "nobody@example.com", "password": "a wrong password"}).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    async with wire(server) as client:
        await client.request("POST", "/api/v1/auth/login", headers, body)


# --- polling --------------------------------------------------------------------------------------------------------


async def _poll(server: CountedServer) -> None:
    async with wire(server) as client:
        engine_sid = await open_polling(client)
        await client.request("GET", f"{ENGINE}polling&sid={engine_sid}", {})


async def _half_post(server: CountedServer) -> None:
    async with wire(server) as client:
        engine_sid = await open_polling(client)
        await client.request("POST", f"{ENGINE}polling&sid={engine_sid}", {"Content-Length": "5000"}, b"40{")


async def _never_polled(server: CountedServer) -> None:
    """Opens a session and never polls, so that it times out."""
    async with wire(server) as client:
        await open_polling(client)


async def _half_upgrade(server: CountedServer) -> None:
    async with wire(server) as polling, wire(server) as client:
        engine_sid = await open_polling(polling)
        await polling.request("GET", f"{ENGINE}polling&sid={engine_sid}", {})
        await client.request("GET", f"{ENGINE}websocket&sid={engine_sid}", UPGRADE)
        await client.head()
        await client.send(masked_text("2probe"))
        await client.until(b"3probe")


# --- WebSockets -----------------------------------------------------------------------------------------------------


async def _half_handshake(server: CountedServer) -> None:
    """A WebSocket that never names a namespace."""
    async with wire(server) as client:
        await client.request("GET", f"{ENGINE}websocket", UPGRADE)
        await client.head()


async def _unread_handshake(server: CountedServer) -> None:
    async with wire(server) as client:
        await client.request("GET", f"{ENGINE}websocket", UPGRADE)


async def _refused_connect(server: CountedServer) -> None:
    async with wire(server) as client:
        await client.request("GET", f"{ENGINE}websocket", UPGRADE)
        await client.head()
        await client.until(b"}")
        await client.send(masked_text('40{"token": "none of ours"}'))
        await client.until(b"44{")


def _signed_in_and_then(*sent: bytes) -> Abort:
    async def abort(server: CountedServer) -> None:
        async with wire(server) as client:
            await connect_websocket(client, server.token("bob"))
            for data in sent:
                await client.send(data)

    return abort


async def _never_read(server: CountedServer) -> None:
    """Asks for far more than it has room for, and reads nothing."""
    ask = json.dumps(["message:list", {"conversationId": "talk", "limit": 100}])
    async with wire(server) as client:
        await connect_websocket(client, server.token("bob"))
        for number in range(40):
            await client.send(masked_text(f"42{number}{ask}"))


async def _slow_readers(server: CountedServer) -> None:
    """Opens several clients that do not read, until the server disconnects them."""
    body = json.dumps({"conversationId": "talk", "content": "x" * 60_000}).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    async with AsyncExitStack() as clients:
        readers = [await clients.enter_async_context(wire(server)) for _ in range(10)]
        for reader in readers:
            await connect_websocket(reader, server.token("bob"))
        async with wire(server, ROOM_FOR_ANSWERS) as other:
            for _ in range(40):
                await other.request("POST", "/api/v1/messages", {**bearer(server), **headers}, body)
                await json_body(other)
        for reader in readers:
            await reader.ended()


HALF_BINARY = masked_text('451-["message:send",{"_placeholder":true,"num":0}]')

KINDS: MappingProxyType[str, Abort] = MappingProxyType(
    {
        "a download": _download(),
        "a download of a part": _download(Range="bytes=1000-"),
        "a download before its first byte": _download_unread,
        "the head of a download": _download("HEAD"),
        "a thumbnail": _download(key="thumbnailUrl"),
        "an answer to If-None-Match": _download(**{"If-None-Match": "*"}),
        "the page": _download(key="page"),
        "a PATCH of an upload": _half_patch,
        "a form": _half_form,
        "a body": _half_body,
        "a head": _half_head,
        "answers": _unread_answers,
        "a sign-in": _half_sign_in,
        "a poll": _poll,
        "a polling POST": _half_post,
        "a session that times out": _never_polled,
        "an upgrade": _half_upgrade,
        "a handshake": _half_handshake,
        "a handshake that is not read": _unread_handshake,
        "a refused CONNECT": _refused_connect,
        "a connected socket": _signed_in_and_then(),
        "half a binary packet": _signed_in_and_then(HALF_BINARY),
        "half an attachment": _signed_in_and_then(HALF_BINARY, frame(BINARY, b"x" * 50_000, fin=False)),
        "half a fragmented message": _signed_in_and_then(frame(TEXT, b'42["x' + b"x" * 50_000, fin=False)),
        "half a frame": _signed_in_and_then(masked_text("42" + "x" * 60_000)[:50_000]),
        "a socket that never reads": _never_read,
        "slow readers": _slow_readers,
    }
)
