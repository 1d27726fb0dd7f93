"""Uses Engine.IO's heartbeats (ping and pong) as proofs that a client has received what was sent to it.

A connection delivers in order, so the pong for a ping that was sent after a packet proves that the client has received
the packet. Both kinds of proofs (`delivery_proofs`, `offline_proofs`) check once a second, and send a client an early
ping if its regular heartbeat has not come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from talkwire.core.domain.model import Actor
from talkwire.realtime.clients.chat_client import ChatClient
from talkwire.realtime.socketio.socketio_socket import Socket

ROUND_S = 1.0
"""Seconds between two rounds of early heartbeats."""


class Recipient(Protocol):
    """A socket whose client is to prove by a heartbeat that sent packets have arrived."""

    @property
    def actor(self) -> Actor: ...

    @property
    def gone(self) -> bool:
        """Returns whether the client's session has ended, so that it can never answer a heartbeat again."""
        ...

    def answered_after(self, time: float) -> bool:
        """Returns whether the client has answered a heartbeat that was sent after `time`, in seconds of the event
        loop's clock.
        """
        ...

    def hasten_ping(self) -> None:
        """Sends the client a heartbeat (a ping) now instead of at its regular time. Does nothing while an earlier ping
        is unanswered.
        """
        ...


class SocketRecipient:
    """A chat socket as a `Recipient`: reads the state of its session's heartbeats, and can send one early."""

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
    """A timer for checks of heartbeats: calls `check` a second after `start`, and again every second as long as `check`
    returns True.
    """

    def __init__(self, check: Callable[[], bool]) -> None:
        self._check = check
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Starts the timer unless it is running: the first check is one second later."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(ROUND_S, self._round)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _round(self) -> None:
        self._timer = None
        if self._check():
            self.start()
