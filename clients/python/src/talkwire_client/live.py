"""The Socket.IO connection of a user: it reports that there are new events, and receives signals.

Signals are events that the server does not store, such as typing.
"""

from __future__ import annotations

import asyncio
import logging
import math
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any, cast
from weakref import WeakSet

import aiohttp
import socketio

from talkwire_client.backoff import Backoff
from talkwire_client.errors import TalkwireError
from talkwire_client.event import Signal
from talkwire_client.outages import Outages, Wait, reason_of
from talkwire_client.payloads import AnySignal
from talkwire_client.tokens import TokenSource

CONNECT_S = 20.0
"""Longest time that the server may take to accept a socket, and to answer a command, in seconds."""

DISCONNECT_S = 5.0
"""Longest time that closing a socket waits for the server, in seconds."""

REFUSED_TOKEN = frozenset({"unauthenticated", "token_expired"})
REFUSED_USER = frozenset({"banned", "forbidden"})

SIGNAL_TYPES = frozenset(
    {
        "call:accept",
        "call:ended",
        "call:hangup",
        "call:invite",
        "call:reject",
        "call:signal",
        "card:updated",
        "desk:updated",
        "message:delta",
        "message:stop",
        "notification",
        "presence:update",
        "signal",
        "turn:working",
        "typing:user",
        "upload:progress",
    }
)
"""Types in `AnySignal`: events that are not in the log."""

CONNECTION_TYPES = frozenset({"connected", "error", "session:ending"})

SIGNALS_KEPT = 1000
"""Most signals that wait for a slow reader; older ones are dropped."""

_logger = logging.getLogger(__name__)


class SignalStream:
    """The signals (events that the server does not store, such as typing) since its creation, for `async for`."""

    def __init__(self, live: LiveConnection) -> None:
        self._live = live
        self._kept: deque[AnySignal] = deque(maxlen=SIGNALS_KEPT)
        live.signal_streams.add(self)
        live.start()

    def receive(self, signal: AnySignal) -> None:
        self._kept.append(signal)

    def __aiter__(self) -> AsyncIterator[AnySignal]:
        return self

    async def __anext__(self) -> AnySignal:
        while not self._kept:  # Suspends: news that have come are kept in a new event.
            await self._live.next_news()
        return self._kept.popleft()


class _Session:
    """One connection of python-socketio's client.

    That client reports no event for a connection that ends before the socket was accepted, so this class also watches
    the task in which the client reads.
    """

    def __init__(self, client: Any, receive: Callable[..., None]) -> None:  # noqa: ANN401 (untyped)
        self.client = client
        self.is_joined = False
        self.refusal: dict[str, Any] | None = None
        """The `data` of a CONNECT_ERROR."""
        self.ended = asyncio.Event()
        self._answered = asyncio.Event()
        client.on("connect", self._join)
        client.on("connect_error", self._refuse)
        client.on("disconnect", self._end)
        client.on("*", receive)

    async def connect(self, url: str, token: str, transports: list[str]) -> None:
        """Connects, and returns when the server has accepted or refused the socket or has closed the connection."""
        await self.client.connect(url, auth={"token": token}, transports=transports, namespaces="/", wait=False)
        reading = self.client.eio.read_loop_task
        if reading is None:
            self._end()
        else:
            reading.add_done_callback(self._end)
        await self._answered.wait()

    def _join(self) -> None:
        self.is_joined = True
        self._answered.set()

    def _refuse(self, reason: object = None, *_: object) -> None:
        data = reason.get("data") if isinstance(reason, dict) else None
        self.refusal = data if isinstance(data, dict) else {}
        self._answered.set()

    def _end(self, *_: object) -> None:
        self.ended.set()
        self._answered.set()


class LiveConnection:
    """A user's Socket.IO connection. It connects when first used, reconnects after growing pauses, and renews its
    token.
    """

    def __init__(
        self,
        url: str,
        tokens: TokenSource,
        *,
        transports: Sequence[str],
        max_pause_s: float,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._url = url
        self._tokens = tokens
        self._transports = list(transports)
        self._tls = tls
        self._backoff = Backoff(max_pause_s)
        self._outages = Outages(url, "the socket to ")
        self._wait = Wait(self._outages)
        self._task: asyncio.Task[None] | None = None
        self._refused_tokens = 0
        self._failure: TalkwireError | None = None
        self._news = asyncio.Event()
        self.is_connected = False
        self.changes = 1
        """Number that grows when there may be new events in the log: with each event and each new connection."""
        self.signal_streams: WeakSet[SignalStream] = WeakSet()

    def start(self) -> None:
        """Starts connecting in a background task, unless the task has been started before."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def next_news(self) -> None:
        """Waits until an event or signal arrives or the socket connects or disconnects.

        Raises `TalkwireError` if the server has finally refused this user's sockets.
        """
        if self._failure is not None:
            raise self._failure
        await self._news.wait()

    async def close(self) -> None:
        """Disconnects the socket and ends the task that reconnects it."""
        while self._task is not None and not self._task.done():
            # Repeated, since python-socketio catches a cancellation in some places.
            self._task.cancel()
            await asyncio.wait([self._task], timeout=1)

    async def _run(self) -> None:
        # The session is ours, so that nothing of it is open after `close`.
        connector = aiohttp.TCPConnector(ssl=True if self._tls is None else self._tls)
        async with aiohttp.ClientSession(connector=connector, trust_env=True) as http:
            try:
                while self._failure is None:  # Suspends: each round but the last one rests.
                    try:
                        await self._connect_once(http)
                    except (socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError, TimeoutError) as error:
                        self._wait.fail(f"The connection failed: {reason_of(error)}.")
                        _logger.info("the socket is not connected: %s", reason_of(error))
                    if self._failure is None:
                        await asyncio.sleep(self._backoff.next_s())
            finally:
                self._wait.stop()
        self._publish()

    async def _connect_once(self, http: aiohttp.ClientSession) -> None:
        """Connects once, and returns after the socket was refused or has disconnected."""
        token = await self._tokens.current()
        self._wait.start()
        client = socketio.AsyncClient(reconnection=False, handle_sigint=False, http_session=http)
        session = _Session(client, self._receive)
        try:
            async with asyncio.timeout(CONNECT_S):
                await session.connect(self._url, token, self._transports)
            if session.refusal is not None:
                self._wait.fail(f"It refuses the connection as {session.refusal.get('code')}.")
                self._judge(session.refusal, token)
            elif session.is_joined:
                self._wait.stop()
                self._outages.end()
                self._backoff.reset()
                self._refused_tokens = 0
                self.is_connected = True
                self.changes += 1
                self._publish()
                await self._stay(session, token)
        finally:
            self.is_connected = False
            self._publish()
            with suppress(TimeoutError):
                async with asyncio.timeout(DISCONNECT_S):
                    await client.disconnect()

    async def _stay(self, session: _Session, token: str) -> None:
        """Sends the server a new token before the old one expires, until the socket has disconnected."""
        # Suspends: a token that has just been renewed lives for at least a second.
        while not session.ended.is_set():
            renew_in_s = self._tokens.renew_in_s
            try:
                async with asyncio.timeout(None if renew_in_s == math.inf else max(0.0, renew_in_s)):
                    await session.ended.wait()
            except TimeoutError:
                newer = await self._tokens.current()
                if newer != token:
                    token = newer
                    await session.client.call("auth:refresh", {"token": token}, timeout=CONNECT_S)

    def _judge(self, refusal: dict[str, Any], token: str) -> None:
        """Decides whether to connect again after the server refused a socket with `token`. If not, records the
        error.
        """
        code = str(refusal.get("code"))
        if code in REFUSED_TOKEN:
            self._tokens.refuse(token)
            self._refused_tokens += 1
        is_final = self._refused_tokens > 1 or not self._tokens.is_renewable
        if code in REFUSED_USER or (code in REFUSED_TOKEN and is_final):
            self._failure = TalkwireError(code, "The server refused the socket.", refusal.get("details"))

    def _receive(self, type_: str, data: Any = None, *_: object) -> None:  # noqa: ANN401 (JSON)
        if type_ in SIGNAL_TYPES:
            for stream in self.signal_streams:
                stream.receive(cast("AnySignal", Signal(type_, data)))
        elif type_ not in CONNECTION_TYPES:
            self.changes += 1
        self._publish()

    def _publish(self) -> None:
        """Wakes all tasks that wait in `next_news`."""
        self._news.set()
        self._news = asyncio.Event()
