"""What a page of Socket.IO's Admin UI receives, for tests, by python-socketio's client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import bcrypt
from socketio.exceptions import ConnectionError as RefusedByServer

from tests.python_socketio import python_client
from tests.waiting import DEADLINE_S, deadline

NAMESPACE = "/admin"
PASSWORD = "let me see"
ACCOUNT = f"admin:{bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}"
SIGN_IN = {"username": "admin", "password": PASSWORD}


class AdminPage:
    """A connected page, and all that it has received."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 (untyped)
        self.client = client
        self.seen: list[tuple[Any, ...]] = []
        self._changed = asyncio.Event()
        client.on("*", self._receive, namespace=NAMESPACE)

    def _receive(self, *packet: object) -> None:
        self.seen.append(packet)
        self._changed.set()

    async def next(self, name: str, *start: object) -> tuple[Any, ...]:
        """Waits for the first packet of this name whose arguments begin with `start`, and returns its arguments."""
        packet = await self._first(lambda packet: packet[: 1 + len(start)] == (name, *start))
        return packet[1:]

    async def next_event(self, name: str, socket_id: str, event: str) -> list[Any]:
        """Waits for the first `event_sent` or `event_received` of this event, and returns what is shown of it."""
        packet = await self._first(lambda packet: packet[:3] == (name, "/", socket_id) and packet[3][0] == event)
        shown: list[Any] = packet[3]
        return shown

    async def _first(self, is_meant: Callable[[tuple[Any, ...]], bool]) -> tuple[Any, ...]:
        async with deadline():
            while True:
                for packet in self.seen:
                    if is_meant(packet):
                        return packet
                self._changed.clear()
                await self._changed.wait()

    async def sends(self, *event: object) -> None:
        """Sends an event with several arguments."""
        await self.client.emit(event[0], tuple(event[1:]), namespace=NAMESPACE)

    async def reads_on(self) -> None:
        """Waits until the server has handled what the page sent, and sent its next statistics."""
        self.seen = [packet for packet in self.seen if packet[0] != "server_stats"]
        await self.next("server_stats")
        self.seen = [packet for packet in self.seen if packet[0] != "server_stats"]
        await self.next("server_stats")

    def names(self) -> set[str]:
        """Returns the names of all packets so far."""
        return {packet[0] for packet in self.seen}


async def _connect(client: Any, url: str, auth: object) -> None:  # noqa: ANN401 (untyped)
    await client.connect(url, auth=auth, namespaces=[NAMESPACE], transports=["websocket"], wait_timeout=DEADLINE_S)


@asynccontextmanager
async def admin_page(url: str, auth: object = None) -> AsyncIterator[AdminPage]:
    """Connects a page, by default with the right password."""
    async with python_client(reconnection=False) as client:
        page = AdminPage(client)
        await _connect(client, url, auth or SIGN_IN)
        yield page


async def refusal(url: str, auth: object) -> str:
    """Returns the message with which a page is refused."""
    messages: list[str] = []
    async with python_client(reconnection=False) as client:
        client.on("connect_error", lambda error: messages.append(error["message"]), namespace=NAMESPACE)
        with contextlib.suppress(RefusedByServer):
            await _connect(client, url, auth)
    assert len(messages) == 1, f"{auth} was answered with {messages}"
    return messages[0]
