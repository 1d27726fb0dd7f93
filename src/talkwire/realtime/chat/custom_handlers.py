"""The embedding application's handlers of custom events: events of its own that clients send to it, in every namespace
and dialect (a client's event vocabulary).

The client receives a handler's result as the acknowledgement, `{success: true}` for None. It receives an error that the
handler raises in the form of its dialect's refusals. Nothing of this is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from talkwire.core.domain.model import ActorRole
from talkwire.core.signals.custom_events import SOCKET_IO_EVENTS
from talkwire.realtime.clients.chat_client import NOWHERE, ChatClient, DialectEncoding
from talkwire.realtime.socketio.socketio_socket import Socket

Handler = Callable[["ClientSocket", Any], Any]
"""Function from (the sender's socket, the event's data or None) to the acknowledgement, JSON or bytes; or to an
awaitable of that."""


def check_event_name(name: str) -> None:
    """Raises ValueError for a name that a custom event cannot have: an empty one, or one that Socket.IO reserves."""
    if not name:
        raise ValueError("an event's name must be a text that is not empty")
    if name in SOCKET_IO_EVENTS:
        raise ValueError(f'"{name}" is an event of Socket.IO itself')


class ClientSocket:
    """The socket that sent a custom event, as the application's handler sees it. `cursor` returns the position in the
    event log that this node has delivered last, as an opaque text.
    """

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
        """The user's name from the token that the client signed in with."""
        return self._client.actor.name

    @property
    def role(self) -> ActorRole:
        """The user's role: `user`, `service` for the application's backend, or `admin`."""
        return self._client.actor.role

    @property
    def claims(self) -> Mapping[str, object]:
        """The claims of the client's newest token that the server keeps: `role`, `type`, `department`, `permissions`
        and those named by the setting `keep_claims`, as far as the token has them.
        """
        return self._client.actor.claims

    @property
    def dialect(self) -> str:
        """The name of the client's dialect, the vocabulary of events that it speaks, such as `messenger`."""
        return self._client.dialect.name

    @property
    def namespace(self) -> str:
        return self._socket.namespace

    @property
    def connected(self) -> bool:
        """Returns whether the client is still connected."""
        return self._socket.connected

    def emit(self, event: str, data: object = None) -> None:
        """Sends an event to this socket only; does nothing if the socket is disconnected. `data` is a JSON
        value or bytes; None is sent as null. Raises ValueError if the name is empty or reserved by Socket.IO,
        LocalProtocolError for data that JSON cannot hold.
        """
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
    """The application's handlers of custom events, by event name. `taken(name)` returns the name of the dialect (event
    vocabulary) that already has an event of this name, or None.
    """

    def __init__(self, taken: Callable[[str], str | None] = lambda _: None) -> None:
        self._dialect_with = taken
        self._handlers: dict[str, Handler] = {}

    def add(self, name: str, handler: Handler) -> None:
        """Registers `handler` for the custom event `name`: a function, or coroutine function, with the parameters
        `(socket, data)`, whose result is the acknowledgement. Raises ValueError for an invalid name, or a name that
        another handler or one of the chat's own events has.
        """
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
