"""Sockets of python-socketio's client."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import aiohttp
import engineio
import socketio

from rigs.torture.clients.client_socket import Json, Listener, Transports, Unanswered

CONNECTS_WITHIN_S = 10.0
PAUSES_S = (0.2, 0.5, 1.0, 1.5)

# The library refuses polls of more than 16 packets, from any server.
engineio.payload.Payload.max_decode_packets = 10_000


class PythonSocket:
    """Implements `Socket`. The library knows no recovery, so every connection is a new socket, with a new client, since
    one that lost its connection at the wrong moment is unusable.
    """

    def __init__(self, url: str, namespace: str, transports: Transports, auth: Json) -> None:
        self._url = url
        self._namespace = namespace
        self._transports = list(transports)
        self._auth = auth
        self._client: Any = None
        self._listener: Listener | None = None
        self._task: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self._leaving = False

    @property
    def connected(self) -> bool:
        return self._client is not None and self._namespace in self._client.namespaces and not self._gone.is_set()

    async def open(self, listener: Listener) -> None:
        self._listener = listener
        self._task = asyncio.create_task(self._stay())

    async def call(self, event: str, payload: Json, timeout_s: float) -> Json:
        client = self._client
        if not self.connected:
            raise Unanswered("not connected")
        try:
            answer: Json = await client.call(event, payload, namespace=self._namespace, timeout=timeout_s)
        except (socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError) as error:
            raise Unanswered(str(error) or type(error).__name__) from None
        return answer

    def drop(self) -> None:
        self._gone.set()

    async def close(self) -> None:
        self._leaving = True
        self._gone.set()
        if self._task is not None:
            await self._task

    async def _stay(self) -> None:
        failed = 0
        while not self._leaving:
            if await self._come():
                failed = 0
                await self._gone.wait()
                self._report_gone("the connection ended")
            await self._go()
            if not self._leaving:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PAUSES_S[min(failed, len(PAUSES_S) - 1)]):
                        await self._wait_leaving()
            failed += 1

    async def _wait_leaving(self) -> None:
        while not self._leaving:
            self._gone.clear()
            await self._gone.wait()

    async def _come(self) -> bool:
        assert self._listener is not None
        self._gone = gone = asyncio.Event()
        client = self._client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        listener = self._listener

        def received(event: str, *args: Any) -> None:  # noqa: ANN401 (JSON)
            # Late input of an abandoned client is ignored.
            if client is self._client and not gone.is_set():
                listener.received(event, list(args))

        client.on("*", received, namespace=self._namespace)
        client.on("disconnect", lambda *reason: gone.set(), namespace=self._namespace)
        # Registered before anything that arrives behind the answer to CONNECT.
        client.on("connect", lambda: self._report_come(client), namespace=self._namespace)
        try:
            await client.connect(
                self._url,
                transports=self._transports,
                auth=self._auth,
                namespaces=[self._namespace],
                wait_timeout=CONNECTS_WITHIN_S,
            )
        except (socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError, ValueError, TimeoutError):
            return False
        return True

    def _report_come(self, client: Any) -> None:  # noqa: ANN401 (untyped)
        assert self._listener is not None
        self._listener.connected(str(client.namespaces.get(self._namespace)), False)

    def _report_gone(self, reason: str) -> None:
        assert self._listener is not None
        self._listener.disconnected(reason)

    async def _go(self) -> None:
        client = self._client
        with suppress(socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError, TimeoutError):
            async with asyncio.timeout(CONNECTS_WITHIN_S):
                await client.disconnect()
