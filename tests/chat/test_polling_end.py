"""The end of a polling session: the client receives the events of its last response exactly once, even if it
recovers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rigs.torture.clients.client_socket import Listener
from rigs.torture.clients.javascript import running_driver
from talkwire.core.domain.events import MessageSent, News
from tests.chat.chat_server import in_process, serving
from tests.chat.conftest import World, world_at
from tests.waiting import deadline


class Listening:
    """Records the events that one client receives."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self.connects: list[bool] = []
        """For each connect, whether the session was recovered."""
        self._changed = asyncio.Event()
        self.listener = Listener(self._connected, lambda _: None, self._notified)

    def _connected(self, _: str, recovered: bool) -> None:  # noqa: FBT001 (the listener's form)
        self.connects.append(recovered)
        self._changed.set()

    def _notified(self, name: str, args: Sequence[Any]) -> None:
        if name == "message:new":
            self.received.append(args[0]["content"])
            self._changed.set()

    async def until(self, connects: int, messages: int) -> None:
        async with deadline():
            while len(self.connects) < connects or len(self.received) < messages:
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def polling(folder: Path, world: World) -> AsyncIterator[Listening]:
    """Connects alice with the official client, polling and recovery."""
    client = Listening()
    with (folder / "client.log").open("wb") as errors:
        async with running_driver("socket.io-client", errors) as driver:
            auth = {"token": world.server.token(world.id_of("alice")), "recovery": True}
            socket = driver.socket("alice", world.server.url, ("polling",), auth)
            await socket.open(client.listener)
            await client.until(1, 0)
            yield client


async def test_events_in_the_last_response_of_a_session_arrive_once(tmp_path: Path) -> None:
    """With the official client, which handles the end of a session before the packets in the same response."""
    server = in_process(tmp_path)

    def end_with(events: Sequence[News]) -> None:
        """Closes the connections in the turn of the event loop in which the message is sent."""
        if any(type(event) is MessageSent and event.message.content == "last" for event in events):
            for connection in server.engine.connections:
                connection.close("forced close")

    async with serving(server) as address, world_at(address) as world:
        body = {"conversationId": await world.conversation("alice", "bob")}
        async with polling(tmp_path, world) as alice:
            server.chat.subscribe(end_with)
            for content in ("first", "last"):
                await world.request("POST", "/api/v1/messages", by="bob", json={**body, "content": content})
            await alice.until(2, 2)
            await world.request("POST", "/api/v1/messages", by="bob", json={**body, "content": "after"})
            await alice.until(2, 3)
    assert alice.connects == [False, True]
    assert alice.received == ["first", "last", "after"]
