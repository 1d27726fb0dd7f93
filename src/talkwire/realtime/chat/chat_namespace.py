"""A Socket.IO namespace for chat: admits sockets, starts or resumes them, and cleans up after them.

`event_handling` handles the events that clients send; `event_delivery` and `signal_delivery` send the chat's events to
clients.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import structlog

from talkwire.dialects.dialect import Dialect
from talkwire.realtime.chat.event_handling import EventHandling
from talkwire.realtime.chat.requests import EventReplies
from talkwire.realtime.chat.services import NamespaceServices
from talkwire.realtime.chat.sign_in import SignIn
from talkwire.realtime.chat.socket_commands import SocketCommands
from talkwire.realtime.clients.chat_client import ChatClient, DialectEncoding
from talkwire.realtime.engine.connection import GOING_AWAY, Handshake
from talkwire.realtime.socketio.socketio_socket import Admitted, Socket

ANSWER_S = 5.0
"""How long running handlers may take until a connection whose token has expired is closed without their answers."""

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
        self._offline = services.offline
        self._devices = services.devices
        self._recovery = services.recovery
        self._encoding_groups: dict[tuple[str, bool], DialectEncoding] = {}
        self._replies = EventReplies(name, self._hub)
        self._sign_in = SignIn(services.callers, dialects, services.sockets_per_user, services.server.metrics)
        self._commands = SocketCommands(services, self._sign_in)
        self._events = EventHandling(services, self._replies, self._commands)

    async def admit(self, handshake: Handshake, namespace: str, auth: dict[str, Any]) -> Admitted:  # noqa: ARG002
        dialect = self._sign_in.dialect_of(handshake, auth)
        client = await self._sign_in.identify(handshake, auth, dialect)
        if self._recovery is None or not self._recovery.is_requested(handshake, auth):
            return Admitted(self._encoding_group(dialect, recoverable=False), client)
        plan = await self._recovery.find(client, self._name, auth)
        if plan is None:
            client.recoverable = self._recovery.begin(client, self._name)
        else:
            if plan.waited:
                client = await self._sign_in.identify(handshake, auth, dialect)
            client.recoverable, client.resume_plan = plan.recoverable, plan
        recoverable = client.recoverable
        return Admitted(self._encoding_group(dialect, recoverable=True), client, recoverable.socket_id, recoverable.pid)

    def entered(self, socket: Socket) -> None:
        client: ChatClient = socket.data
        user_id = client.actor.user_id
        client.entry = self._chat.directory.hold(user_id, client.entry)
        client.connected_at = self._now()
        self._log_connected(socket)
        self._devices.add(client)
        self._commands.set_expiry(socket)
        if self._recovery is not None and client.recoverable is not None:
            self._replace(self._recovery.attach(socket), socket)
        if self._recovery is not None and client.resume_plan is not None:
            plan, client.resume_plan = client.resume_plan, None
            client.catching_up = True
            # Before resuming, which may end the socket in this turn.
            self._chat.signals.connected(user_id, socket.id)
            self._recovery.resume(socket, plan, partial(self._may_stay, socket), partial(self._resumed, socket))
        else:
            self._begin(socket)
            self._chat.signals.connected(user_id, socket.id)

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
        if self._recovery is not None:
            # Only a new socket receives the backlog from its beginning.
            self._recovery.detach(socket, reason, for_good=self._offline.has_backlog(socket))
        self._offline.left(socket)
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

    def _begin(self, socket: Socket) -> None:
        """Starts a socket that does not resume an earlier one: adds it to its rooms and sends the welcome event of its
        dialect (its client's event vocabulary). If the dialect has notifications, also starts sending what the user
        missed while offline.
        """
        client: ChatClient = socket.data
        # If the dialect notifies, the socket joins the rooms when it has received what its user missed.
        self._rooms.enter(socket, () if client.dialect.sends_notifications else client.entry.conversation_ids)
        user = client.entry.user
        if user is not None:
            welcome = client.dialect.welcome(user, socket.id, self._chat.cursor)
            if welcome is not None:
                # A socket that is about to catch up could not resume from the cursor.
                is_live = client.recoverable is not None and not client.dialect.sends_notifications
                offset = self._chat.cursor if is_live else None
                self._replies.send(socket, welcome.name, welcome.payload(None), offset)
        if client.dialect.sends_notifications:
            self._offline.entered(socket)

    def _may_stay(self, socket: Socket) -> bool:
        """Returns whether a resuming socket may receive the events that it missed. Disconnects it if its user was
        banned or its device was signed out, since it has not received the event about that.
        """
        client: ChatClient = socket.data
        user = client.entry.user
        if user is not None and user.banned:
            self.end(socket, "banned")
        elif client.session_id is not None and client.session_id not in client.entry.login_ids:
            self.end(socket, "logout")
        return socket.connected

    def _resumed(self, socket: Socket) -> None:
        """Makes a resuming socket live (in its rooms, receiving events as they happen) after it has received all events
        that it missed.
        """
        client: ChatClient = socket.data
        client.catching_up = False
        self._rooms.resume(socket, client.entry.conversation_ids)
        if client.dialect.sends_notifications:
            self._offline.resumed(socket)

    @staticmethod
    def _replace(before: Socket | None, socket: Socket) -> None:
        """Closes `before`, the previous socket of a client that resumes as `socket` before the old connection was found
        broken. The new socket takes over which conversations the client opened. `before` is None if there is none.
        """
        if before is None:
            return
        before_client: ChatClient = before.data
        client: ChatClient = socket.data
        client.adopt_opened(before_client)
        before.disconnect()
        if not before.connection.sockets:
            before.connection.close("forced server close")

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
