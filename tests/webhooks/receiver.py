"""An endpoint that verifies each request with the library of Standard Webhooks, and answers as a test says."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from standardwebhooks import Webhook

from tests.waiting import deadline

Json = dict[str, Any]


class Response(NamedTuple):
    """An answer to a request. `status` None closes the connection, `hangs` never answers."""

    status: int | None = 204
    headers: Mapping[str, str] = {}
    body: bytes = b""
    hangs: bool = False


ACCEPT = Response()
Answer = Callable[[Json], Response]


class Receiver:
    """An endpoint. `answer` decides about each event; `accepted` are the accepted ones in order, with repetitions."""

    def __init__(self) -> None:
        self.secret = ""
        self.answer: Answer = lambda event: ACCEPT
        self.requests: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.accepted: list[Json] = []
        self.at_once = 0
        self.most_at_once = 0
        self._open: dict[str, int] = defaultdict(int)
        self.overlaps: list[str] = []
        """Conversations of which two events were in flight at the same time."""
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def start(self) -> None:
        """Listens, on the same port as before a `stop`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuses connections and breaks the open ones."""
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Returns when the condition holds, which is checked at each request."""
        async with deadline(), self._changed:
            await self._changed.wait_for(condition)

    def events(self, type_: str = "message:new") -> list[Json]:
        """Returns the accepted events of a type, each once, in the order of their first arrival."""
        return [event for event in self.unique() if event["type"] == type_]

    def unique(self) -> list[Json]:
        """Returns the accepted events, each once, in the order of their first arrival."""
        seen: dict[str, Json] = {}
        for event in self.accepted:
            seen.setdefault(event["id"], event)
        return list(seen.values())

    def texts(self, conversation_id: str) -> list[str]:
        """Returns the texts of a conversation's new messages as a receiver that ignores repetitions knows them."""
        return [each["data"]["content"] for each in self.events() if each["conversationId"] == conversation_id]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        lines = [line.partition(": ") for line in head[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        body = await reader.readexactly(int(headers["content-length"]))
        event: Json = Webhook(self.secret).verify(body, headers)
        assert headers["webhook-id"] == event["id"]
        assert event["timestamp"] == event["time"]
        key = event.get("conversationId") or event["id"]
        self._open[key] += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self._open[key] > 1:
            self.overlaps.append(key)
        try:
            self.headers.append(headers)
            self.requests.append(event)
            response = self.answer(event)
            await self._notify()
            if response.hangs:
                await reader.read(1)  # until the client has closed the connection
            if response.status is None:
                return False
            # Other requests may arrive meanwhile.
            await asyncio.sleep(0)
        finally:
            self._open[key] -= 1
            self.at_once -= 1
        if 200 <= response.status < 300:
            self.accepted.append(event)
        answered = [f"HTTP/1.1 {response.status} Status", f"content-length: {len(response.body)}"]
        answered += [f"{name}: {value}" for name, value in response.headers.items()]
        writer.write("\r\n".join([*answered, "", ""]).encode() + response.body)
        await writer.drain()
        await self._notify()
        return True

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Yields a receiver that listens."""
    receiver = Receiver()
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.stop()
