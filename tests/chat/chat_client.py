"""A raw Socket.IO client for tests, over one WebSocket. It reads in the background and queues received events."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from talkwire.dialects.dialect import Dialect
from talkwire.dialects.messenger import MESSENGER
from tests.chat.description import described_events
from tests.waiting import DEADLINE_S, deadline

Payload = dict[str, Any]


class Refused(Exception):
    """The server sent CONNECT_ERROR; `error` is its payload."""

    def __init__(self, error: Payload) -> None:
        super().__init__(str(error))
        self.error = error


class ChatClient:
    """A socket, by default in its dialect's namespace. `close_code` is None while the connection is open."""

    def __init__(
        self, connection: ClientConnection, dialect: Dialect = MESSENGER, namespace: str | None = None
    ) -> None:
        self.connection = connection
        self.dialect = dialect
        name = dialect.namespace if namespace is None else namespace
        self._namespace = "" if name == "/" else f"{name},"
        self.socket_id = ""
        self.close_code: int | None = None
        self.events: deque[tuple[str, Payload]] = deque()
        self.disconnected = False
        self._acks: dict[int, tuple[str, asyncio.Future[Payload]]] = {}
        self.undescribed: set[str] = set()
        """Descriptions of received payloads that do not match `/asyncapi.json`."""
        self.custom_events: set[str] = set()
        """Names of the application's custom events, which `/asyncapi.json` does not describe."""
        self.answers_heartbeats = True
        self.acked: list[int] = []
        self._next_ack = 0
        self._connecting: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    # --- sending ----------------------------------------------------------------------------------------------------

    async def sign_in(self, auth: Payload | None = None) -> ChatClient:
        """Sends CONNECT and waits for the response. Raises Refused."""
        self._connecting = asyncio.get_running_loop().create_future()
        self.disconnected = False
        await self.connection.send(f"40{self._namespace}{'' if auth is None else json.dumps(auth)}")
        async with deadline():
            self.socket_id = (await self._connecting)["sid"]
        return self

    async def emit(self, event: str, *args: object) -> None:
        await self.connection.send(f"42{self._namespace}{json.dumps([event, *args])}")

    def start_call(self, event: str, *args: object) -> asyncio.Future[Payload]:
        """Sends an event without waiting. The returned future resolves to its acknowledgement."""
        ack_id = self._next_ack
        self._next_ack += 1
        future: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._acks[ack_id] = (event, future)
        # Writing to the transport's buffer lets many calls leave in one write.
        self.connection.protocol.send_text(f"42{self._namespace}{ack_id}{json.dumps([event, *args])}".encode())
        self.connection.transport.writelines([d for d in self.connection.protocol.data_to_send() if d])
        return future

    async def call(self, event: str, *args: object) -> Payload:
        """Sends an event and returns its acknowledgement."""
        async with deadline():
            return await self.start_call(event, *args)

    async def done(self, event: str, *args: object) -> Payload:
        """Sends an event that must succeed, and returns its acknowledgement."""
        answer = await self.call(event, *args)
        assert answer["success"] is True, answer
        return answer

    async def refused(self, event: str, *args: object) -> Payload:
        """Sends an event that must be refused, and returns the error of its acknowledgement."""
        answer = await self.call(event, *args)
        assert answer["success"] is False, answer
        error = answer["error"]
        assert isinstance(error, dict)
        return error

    async def send_message(self, conversation_id: str, content: str, **further: object) -> Payload:
        """Sends a message and returns it."""
        payload = {"conversationId": conversation_id, "content": content, **further}
        message = (await self.done("message:send", payload))["message"]
        assert isinstance(message, dict)
        return message

    async def next(self, event: str, deadline_s: float = DEADLINE_S) -> Payload:
        """Waits for the next event of this name. Other events stay queued."""
        async with asyncio.timeout(deadline_s):
            while True:
                for index, (name, payload) in enumerate(self.events):
                    if name == event:
                        del self.events[index]
                        return payload
                if self._reading.done():
                    raise AssertionError(f"the connection closed before {event!r} came; there were {self.events}")
                self._changed.clear()
                await self._changed.wait()

    async def pending(self, *events: str) -> list[tuple[str, Payload]]:
        """Returns the queued events with these names, or all. A ping first makes sure that everything sent before has
        arrived, even in a dialect without `ping`, which refuses it."""
        await self.call("ping")
        return [(name, payload) for name, payload in self.events if not events or name in events]

    async def wait_disconnected(self) -> None:
        """Waits until the server has disconnected the socket or closed the connection."""
        async with deadline():
            while not (self.disconnected or self._reading.done()):
                self._changed.clear()
                await self._changed.wait()

    async def wait_closed(self, deadline_s: float = DEADLINE_S) -> int | None:
        """Returns the code with which the server closed the connection."""
        async with asyncio.timeout(deadline_s):
            await asyncio.wait([self._reading])
        return self.close_code

    async def close(self) -> None:
        self._reading.cancel()
        await self.connection.close()

    # --- receiving --------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        try:
            while True:
                frame = await self.connection.recv()
                assert isinstance(frame, str)
                await self._receive(frame)
                self._changed.set()
        except ConnectionClosed:
            self.close_code = self.connection.close_code
        finally:
            self._changed.set()

    async def _receive(self, frame: str) -> None:
        kind, text = frame[:2], frame[2:].removeprefix(self._namespace)
        match kind:
            case "2":
                if self.answers_heartbeats:
                    await self.connection.send("3")
            case "40":
                self._connecting.set_result(json.loads(text))
            case "44":
                self._connecting.set_exception(Refused(json.loads(text)))
            case "41":
                self.disconnected = True
            case "42":
                name, *args = json.loads(text)
                self.events.append((name, args[0] if args else {}))
                if name not in self.custom_events:
                    self._compare(described_events(self.dialect).problem_of_event(name, args[0]))
            case "43":
                digits, bracket, rest = text.partition("[")
                self.acked.append(int(digits))
                event, future = self._acks.pop(int(digits))
                answer = json.loads(bracket + rest)[0]
                future.set_result(answer)
                self._compare(described_events(self.dialect).problem_of_answer(event, answer))
            case _:
                assert frame.startswith("0"), frame

    def _compare(self, problem: str | None) -> None:
        if problem is not None:
            self.undescribed.add(problem)


async def open_client(
    websocket_url: str,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    dialect: Dialect = MESSENGER,
    namespace: str | None = None,
) -> ChatClient:
    """Opens a connection without signing in. The namespace defaults to the dialect's."""
    parameters = {"EIO": "4", "transport": "websocket", **(query or {})}
    connection = await connect(
        f"{websocket_url}/socket.io/?{urlencode(parameters)}",
        additional_headers=dict(headers or {}),
        open_timeout=DEADLINE_S,
        close_timeout=1,
        ping_interval=None,
        max_size=None,
        compression=None,
        proxy=None,
    )
    return ChatClient(connection, dialect, namespace)
