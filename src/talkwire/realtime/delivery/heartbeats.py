"""Heartbeats as proofs that a socket's client has received what it was sent.

A connection delivers in order, so the response to a ping that left after a packet proves that the client has received
the packet. Both kinds of proofs (`delivery_proofs`, `offline_proofs`) check once a second and ask a client for a
heartbeat if its regular one has not come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from talkwire.core.domain.model import Actor
from talkwire.realtime.clients.chat_client import ChatClient
from talkwire.realtime.socketio.socketio_socket import Socket

ROUND_S = 1.0


class Recipient(Protocol):
    """A socket that was sent something."""

    @property
    def actor(self) -> Actor: ...

    @property
    def gone(self) -> bool:
        """Whether its client can never respond again."""
        ...

    def answered_after(self, time: float) -> bool:
        """Whether its client has responded to a heartbeat that left after this time."""
        ...

    def hasten_ping(self) -> None:
        """Sends a heartbeat now, unless one is in flight."""
        ...


class SocketRecipient:
    """Implements `Recipient`."""

    __slots__ = ("_socket",)

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    @property
    def actor(self) -> Actor:
        client: ChatClient = self._socket.data
        return client.actor

    @property
    def gone(self) -> bool:
        return self._socket.connection.session.closed

    def answered_after(self, time: float) -> bool:
        return self._socket.connection.session.last_ping_answered > time

    def hasten_ping(self) -> None:
        connection = self._socket.connection
        now = connection.server.now()
        connection.session.hasten_ping(now)
        connection.handle_deadline(now)


class HeartbeatRounds:
    """Calls `check` a second after `start`, and again every second as long as it returns True."""

    def __init__(self, check: Callable[[], bool]) -> None:
        self._check = check
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Starts the rounds unless they are running."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(ROUND_S, self._round)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _round(self) -> None:
        self._timer = None
        if self._check():
            self.start()
