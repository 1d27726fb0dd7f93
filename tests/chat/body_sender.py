"""A client that sends the body of a request piece by piece, and reads the answer whenever it comes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.chat.conftest import World
from tests.waiting import deadline

PATH = "/api/v1/messages/stream"


class BodySender:
    """A request over a connection of its own. Without `length`, the body is chunked."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int | None) -> None:
        self._reader = reader
        self._writer = writer
        self._is_chunked = length is None

    async def send(self, data: bytes) -> None:
        self._writer.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)
        async with deadline():
            await self._writer.drain()

    async def answer(self) -> tuple[int, Any]:
        """Returns the status and the JSON of the answer, whether or not the body has ended."""
        async with deadline():
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            status, *fields = head.lower().split("\r\n")
            length = next(int(field.split(":")[1]) for field in fields if field.startswith("content-length"))
            return int(status.split()[1]), json.loads(await self._reader.readexactly(length))

    async def end(self) -> tuple[int, Any]:
        """Ends the body, and returns the answer."""
        if self._is_chunked:
            self._writer.write(b"0\r\n\r\n")
        return await self.answer()

    async def break_off(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


@asynccontextmanager
async def sending_to(
    url: str, token: str, params: Mapping[str, Any], *, length: int | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[BodySender]:
    """Sends to a server or a proxy on this machine."""
    address = urlsplit(url)
    name = None if tls is None else address.hostname
    reader, writer = await asyncio.open_connection("127.0.0.1", address.port, ssl=tls, server_hostname=name)
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    head = [
        f"POST {PATH}?{urlencode(params)} HTTP/1.1",
        f"host: {address.netloc}",
        f"authorization: Bearer {token}",
        framing,
    ]
    writer.write("\r\n".join([*head, "", ""]).encode())
    sender = BodySender(reader, writer, length)
    try:
        yield sender
    finally:
        await sender.break_off()


@asynccontextmanager
async def sending(
    world: World, params: Mapping[str, Any], by: str = "helper", *, length: int | None = None
) -> AsyncIterator[BodySender]:
    async with sending_to(world.server.url, world.server.token(world.id_of(by)), params, length=length) as sender:
        yield sender
