"""Handlers of custom events: events that clients send to the application itself, in every dialect and namespace.

A handler's result is the acknowledgement, `{success: true}` for None. A refusal that it raises has the form of the
dialect's refusals. Nothing of this is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from talkwire.core.domain.model import ActorRole
from talkwire.core.signals.custom_events import SOCKET_IO_EVENTS
from talkwire.realtime.clients.chat_client import NOWHERE, ChatClient, DialectEncoding
from talkwire.realtime.socketio.socketio_socket import Socket

Handler = Callable[["ClientSocket", Any], Any]
"""(the sender's socket, the event's data or None) -> the acknowledgement, JSON or bytes; or an awaitable of that."""


def check_event_name(name: str) -> None:
    """Raises ValueError for an empty name or one that Socket.IO reserves."""
    if not name:
        raise ValueError("an event's name must be a text that is not empty")
    if name in SOCKET_IO_EVENTS:
        raise ValueError(f'"{name}" is an event of Socket.IO itself')


class ClientSocket:
    """The socket that a custom event came from, as its handler sees it. `cursor` returns the log's current cursor."""

    __slots__ = ("_cursor", "_socket")

    def __init__(self, socket: Socket, cursor: Callable[[], str]) -> None:
        self._socket = socket
        self._cursor = cursor

    @property
    def id(self) -> str:
        """The socket's id, as the client knows it (`socket.id`)."""
        return self._socket.id

    @property
    def user_id(self) -> str:
        return self._client.actor.user_id

    @property
    def name(self) -> str:
        """The user's name in the token."""
        return self._client.actor.name

    @property
    def role(self) -> ActorRole:
        """`user`, `service` for the application's backend, or `admin`."""
        return self._client.actor.role

    @property
    def claims(self) -> Mapping[str, object]:
        """The token's `role`, `type`, `department`, `permissions` and the claims named by the setting `keep_claims`,
        if the newest token of this socket has them."""
        return self._client.actor.claims

    @property
    def dialect(self) -> str:
        """The vocabulary that this client speaks, such as `messenger`."""
        return self._client.dialect.name

    @property
    def namespace(self) -> str:
        return self._socket.namespace

    @property
    def connected(self) -> bool:
        """Whether the client is still connected."""
        return self._socket.connected

    def emit(self, event: str, data: object = None) -> None:
        """Sends an event to this socket only; nothing happens if it is disconnected. `data` is JSON or bytes. Raises
        ValueError for a name that Socket.IO reserves, LocalProtocolError for data that is not JSON."""
        check_event_name(event)
        group = self._socket.encoding_group
        if isinstance(data, str) and isinstance(group, DialectEncoding) and group.recoverable:
            # Such a client takes a text at the end for its offset.
            self._socket.emit(event, data, NOWHERE if self._client.catching_up else self._cursor())
        else:
            self._socket.emit(event, data)

    @property
    def _client(self) -> ChatClient:
        client: ChatClient = self._socket.data
        return client

    def __repr__(self) -> str:
        return f"<ClientSocket {self.id} of {self.user_id} in {self.namespace}>"


class CustomHandlers:
    """The handlers by event name. `taken(name)` returns the dialect that has an event of this name, None for none."""

    def __init__(self, taken: Callable[[str], str | None] = lambda _: None) -> None:
        self._dialect_with = taken
        self._handlers: dict[str, Handler] = {}

    def add(self, name: str, handler: Handler) -> None:
        """Has `handler` called for each event of this name. Raises ValueError for a taken or invalid name."""
        check_event_name(name)
        dialect = self._dialect_with(name)
        if dialect is not None:
            raise ValueError(f'"{name}" is an event of the dialect {dialect}')
        if name in self._handlers:
            raise ValueError(f'"{name}" has a handler already')
        self._handlers[name] = handler

    def get(self, name: object) -> Handler | None:
        return self._handlers.get(name) if isinstance(name, str) else None

    @property
    def names(self) -> Collection[str]:
        return self._handlers.keys()


DONE: Mapping[str, object] = {"success": True}
"""The acknowledgement of a handler that returns None."""
