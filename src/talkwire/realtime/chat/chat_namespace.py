"""A Socket.IO namespace for chat: admits sockets, and cleans up after them. `catching_up` starts or resumes them.

`event_handling` handles the events that clients send; `event_delivery` and `signal_delivery` send the chat's events to
clients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from talkwire.dialects.dialect import Dialect
from talkwire.realtime.chat.catching_up import CatchingUp
from talkwire.realtime.chat.event_handling import EventHandling
from talkwire.realtime.chat.requests import EventReplies
from talkwire.realtime.chat.services import NamespaceServices
from talkwire.realtime.chat.sign_in import SignIn
from talkwire.realtime.chat.socket_commands import SocketCommands
from talkwire.realtime.clients.chat_client import ChatClient, DialectEncoding
from talkwire.realtime.engine.connection import GOING_AWAY, Handshake
from talkwire.realtime.socketio.socketio_socket import Admitted, Socket

ANSWER_S = 5.0
"""Seconds that running handlers may take until a connection whose token has expired is closed without their answers."""

_logger = structlog.get_logger(__name__)


class ChatNamespace:
    """A Socket.IO namespace that serves the chat; implements `socketio_socket.NamespaceHandler`. `dialects` are the
    event vocabularies that clients can choose; the first is the default.
    """

    def __init__(self, name: str, dialects: Sequence[Dialect], services: NamespaceServices) -> None:
        self._name = name
        # Bound once, not for each client.
        self._logger = _logger.bind()
        self._hub = services.server.hub
        self._report = services.server.report
        self._now = services.server.now
        self._chat = services.chat
        self._rooms = services.rooms
        self._devices = services.devices
        self._encoding_groups: dict[tuple[str, bool], DialectEncoding] = {}
        self._replies = EventReplies(name, self._hub)
        self._sign_in = SignIn(services.callers, dialects, services.sockets_per_user, services.server.metrics)
        self._catching_up = CatchingUp(name, services, self._greet, self.end)
        self._commands = SocketCommands(services, self._sign_in)
        self._events = EventHandling(services, self._replies, self._commands)

    async def admit(self, handshake: Handshake, namespace: str, auth: dict[str, Any]) -> Admitted:  # noqa: ARG002
        dialect = self._sign_in.dialect_of(handshake, auth)
        client = await self._sign_in.identify(handshake, auth, dialect)
        recoverable, plan = await self._catching_up.choose(client, handshake, auth)
        if recoverable is None:
            return Admitted(self._encoding_group(dialect, recoverable=False), client)
        if plan is not None and plan.waited:
            client = await self._sign_in.identify(handshake, auth, dialect)
        client.recoverable, client.resume_plan = recoverable, plan
        return Admitted(self._encoding_group(dialect, recoverable=True), client, recoverable.socket_id, recoverable.pid)

    def entered(self, socket: Socket) -> None:
        client: ChatClient = socket.data
        client.entry = self._chat.directory.hold(client.actor.user_id, client.entry)
        client.connected_at = self._now()
        self._log_connected(socket)
        self._devices.add(client)
        self._commands.set_expiry(socket)
        self._catching_up.entered(socket)

    def received(self, socket: Socket, args: list[Any], ack_id: int | None) -> None:
        self._events.receive(socket, args, ack_id)

    def unreadable(self, socket: Socket, name: str | float, ack_id: int | None, flaw: str) -> None:
        self._events.receive_unreadable(socket, name, ack_id, flaw)

    def expired(self, socket: Socket) -> None:
        self.close_connection(socket, "token_expired")

    def say_goodbye(self, socket: Socket, reason: str) -> None:
        self._send_goodbye(socket, reason, reconnect=True)

    def disconnected(self, socket: Socket, reason: str) -> None:
        client: ChatClient = socket.data
        duration_s = round(self._now() - client.connected_at, 3)
        self._logger.info(
            "disconnected", user_id=client.actor.user_id, socket_id=socket.id, reason=reason, duration_s=duration_s
        )
        self._catching_up.disconnected(socket, reason)
        self._devices.remove(client)
        self._chat.directory.release(client.actor.user_id)
        # A user stops typing in a conversation before leaving its room.
        self._chat.signals.disconnected(client.actor.user_id, socket.id)
        self._rooms.publish_left(client)

    def end(self, socket: Socket, reason: str) -> None:
        """Sends a client the reason and disconnects its socket from the namespace. Client libraries do not connect
        again after that.
        """
        self._send_goodbye(socket, reason, reconnect=False)
        socket.disconnect()

    def close_connection(self, socket: Socket, reason: str) -> None:
        """Sends a client the reason and closes its connection, after which client libraries connect again by
        themselves. Running handlers have ANSWER_S seconds to send their acknowledgements; a second call closes the
        connection at once.
        """
        connection = socket.connection
        if connection.ending:
            connection.close("forced server close", GOING_AWAY)
            return
        socket.expires = self._now() + ANSWER_S
        connection.close_gracefully(reason)
        connection.server.wheel.watch(connection)

    def _log_connected(self, socket: Socket) -> None:
        client: ChatClient = socket.data
        self._logger.info(
            "connected",
            user_id=client.actor.user_id,
            socket_id=socket.id,
            namespace=self._name,
            dialect=client.dialect.name,
            transport=socket.connection.session.transport.value,
            address=socket.connection.handshake.address,
            recovered=client.resume_plan is not None,
        )

    def _greet(self, socket: Socket) -> None:
        """Sends a socket with a new session the welcome event of its dialect, if there is one."""
        client: ChatClient = socket.data
        user = client.entry.user
        welcome = None if user is None else client.dialect.welcome(user, socket.id, self._chat.cursor)
        if welcome is not None:
            # A socket that is about to catch up could not resume from the cursor.
            is_live = client.recoverable is not None and not client.dialect.sends_notifications
            offset = self._chat.cursor if is_live else None
            self._replies.send(socket, welcome.name, welcome.payload(None), offset)

    def _encoding_group(self, dialect: Dialect, *, recoverable: bool) -> DialectEncoding:
        """Returns the encoding group (sockets that receive the same bytes) of a dialect (event vocabulary), with or
        without recovery. Creates it when the first socket needs it, since every event is encoded for every existing
        group.
        """
        group = self._encoding_groups.get((dialect.name, recoverable))
        if group is None:
            group = DialectEncoding(self._name, dialect, recoverable=recoverable, epoch=lambda: self._chat.epoch)
            self._hub.add_encoding_group(group)
            self._encoding_groups[dialect.name, recoverable] = group
        return group

    def _send_goodbye(self, socket: Socket, reason: str, *, reconnect: bool) -> None:
        client: ChatClient = socket.data
        try:
            goodbye = client.dialect.goodbye(reason, reconnect)
            if goodbye is not None:
                self._replies.send(socket, *goodbye)
        except Exception as error:  # noqa: BLE001 (the socket is closed all the same)
            self._report(error)


def end_socket(socket: Socket, reason: str) -> None:
    """Disconnects a chat client's socket. Before, sends the goodbye event of its dialect, if there is one: the reason,
    and that the client should not reconnect with the same sign-in. `reason` is one of those with `reconnect` False in
    `docs/messenger.md`, such as `banned`.
    """
    handler = socket.handler
    assert isinstance(handler, ChatNamespace)
    handler.end(socket, reason)


def end_for_operator(socket: Socket) -> None:
    """Closes a chat client's connection with the reason `ended`, because an operator asked for it. The user stays
    signed in, so the client may connect again.
    """
    handler = socket.handler
    assert isinstance(handler, ChatNamespace)
    handler.close_connection(socket, "ended")
