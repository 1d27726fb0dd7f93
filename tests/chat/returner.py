"""A client that recovers its session after a disconnect, like the official client: it keeps its `pid`, and treats a
string at the end of an event as the offset."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect

from talkwire.dialects.dialect import Dialect
from talkwire.dialects.messenger import MESSENGER
from tests.chat.chat_client import ChatClient, Payload
from tests.chat.conftest import World
from tests.waiting import DEADLINE_S

Delivered = tuple[str, Payload, str | None]
"""(event name, payload, offset)"""


class ReturningSocket(ChatClient):
    """One connection of a `Returner`."""

    def __init__(self, connection: ClientConnection, dialect: Dialect) -> None:
        super().__init__(connection, dialect)
        self.answer: Payload = {}
        self.notified: list[Delivered] = []
        self.extra: list[list[Any]] = []

    async def _receive(self, frame: str) -> None:
        kind, text = frame[:2], frame[2:].removeprefix(self._namespace)
        if kind == "40":
            self.answer = json.loads(text)
        elif kind == "42":
            name, payload, *rest = json.loads(text)
            self.extra.append(rest)
            self.notified.append((name, payload, rest[-1] if rest and isinstance(rest[-1], str) else None))
        await super()._receive(frame)


class Returner:
    """A client with all its connections, one after the other."""

    def __init__(self, world: World, name: str, dialect: Dialect = MESSENGER) -> None:
        self.world = world
        self.name = name
        self.dialect = dialect
        self.pid: str | None = None
        self.offset: str | None = None
        self.socket: ReturningSocket
        self._last: list[Delivered] = []

    async def come(self, query: Payload | None = None, **auth: object) -> bool:
        """Connects, with the `pid` and the offset if known, and returns whether the session was recovered."""
        token = self.world.server.token(self.world.id_of(self.name))
        wanted: Payload = {"token": token, "recovery": True}
        if self.pid is not None:
            wanted |= {"pid": self.pid} | ({} if self.offset is None else {"offset": self.offset})
        self.socket = await open_returning(self.world, self.dialect, query)
        await self.socket.sign_in(wanted | auth)
        pid = self.socket.answer.get("pid")
        recovered = pid is not None and pid == self.pid
        self.pid = pid
        return recovered

    async def notified(self) -> list[Delivered]:
        """Returns the durable events that this connection has received, without the welcome event."""
        await self.socket.pending()
        return [each for each in self.socket.notified if each[2] is not None and each[0] != "connected"]

    async def cut(self) -> list[Delivered]:
        """Cuts the connection, and returns the events that it has received."""
        notified = await self.notified()
        self.note()
        self.socket.connection.transport.abort()
        await self.socket.wait_closed()
        return notified

    def note(self) -> None:
        """Stores the offset of the last received event."""
        offsets = [offset for _, _, offset in self.socket.notified if offset is not None]
        self.offset = offsets[-1] if offsets else self.offset


async def open_returning(world: World, dialect: Dialect, query: Payload | None = None) -> ReturningSocket:
    parameters = {"EIO": "4", "transport": "websocket", **(query or {})}
    connection = await connect(
        f"{world.server.websocket_url}/socket.io/?{urlencode(parameters)}",
        open_timeout=DEADLINE_S,
        close_timeout=1,
        ping_interval=None,
        max_size=None,
        compression=None,
        proxy=None,
    )
    socket = ReturningSocket(connection, dialect)
    world.keep(socket)
    return socket
