"""Sockets of users that see cards: they act, and record what they receive of cards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from rigs.torture.clients.client_socket import Json, Listener
from rigs.torture.clients.python_client import PythonSocket
from rigs.torture.cluster.cluster import token
from rigs.torture.cluster.processes import wait_until

OPENS_WITHIN_S = 30.0


@dataclass(frozen=True)
class ReceivedEvent:
    """An event of a card that a socket has received, and when, by the monotonic clock."""

    at_s: float
    name: str
    data: Json


class CardSocket:
    """A user's socket at one node, which connects again when its connection ends."""

    def __init__(self, user: str, url: str) -> None:
        self._socket = PythonSocket(url, "/", ("websocket",), {"token": token(user)})
        self._opened = asyncio.Event()
        self.received: list[ReceivedEvent] = []

    async def open(self) -> None:
        """Returns when the socket is connected."""
        await self._socket.open(Listener(lambda *_: self._opened.set(), lambda _: None, self._receive))
        async with asyncio.timeout(OPENS_WITHIN_S):
            await self._opened.wait()

    async def until_connected(self) -> None:
        """Returns once the socket is connected again after its connection was lost."""

        async def is_connected() -> bool:
            return self._socket.connected

        await wait_until(is_connected, "a socket is connected again", OPENS_WITHIN_S)

    async def call(self, event: str, payload: Json, timeout_s: float) -> Json:
        """Returns the acknowledgement. Raises Unanswered."""
        return await self._socket.call(event, payload, timeout_s)

    async def close(self) -> None:
        await self._socket.close()

    def events(self, name: str, message_id: str) -> list[ReceivedEvent]:
        """Returns the events of a card that were received, in their order."""
        return [each for each in self.received if each.name == name and each.data["messageId"] == message_id]

    def _receive(self, event: str, args: list[Any]) -> None:
        if event.startswith("card:"):
            self.received.append(ReceivedEvent(time.monotonic(), event, args[0]))


@asynccontextmanager
async def opened_sockets(urls: Mapping[str, str]) -> AsyncIterator[dict[str, CardSocket]]:
    """Opens a socket for each user of `urls` at the node with that address, and closes them afterwards."""
    async with AsyncExitStack() as stack:
        sockets = {}
        for user, url in urls.items():
            sockets[user] = CardSocket(user, url)
            await sockets[user].open()
            stack.push_async_callback(sockets[user].close)
        yield sockets
