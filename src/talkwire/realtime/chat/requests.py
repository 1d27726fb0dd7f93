"""One event of a client's, and how it is answered: by an acknowledgement, or an event for the error where none was
asked for."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from talkwire.core.domain.errors import ChatError
from talkwire.dialects.dialect import Inbound
from talkwire.dialects.payloads.problems import with_unknown_fields
from talkwire.realtime.clients.chat_client import ChatClient, encode_json
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket
from talkwire.wire import ack_frame, event_frame


class EventRequest(NamedTuple):
    """`name` is the event's; `inbound` what its dialect says of it, None for one that the dialect does not have. The
    `payload` is kept where it is echoed; `said` is what it was made of, which a refusal looks into."""

    socket: Socket
    name: str
    ack_id: int | None
    inbound: Inbound | None
    payload: msgspec.Struct | None = None
    said: object = None


class EventReplies:
    """Of one namespace."""

    def __init__(self, namespace: str, hub: Hub) -> None:
        self._namespace = namespace
        self._hub = hub

    def answer(self, request: EventRequest, result: object) -> None:
        """The command was carried out."""
        socket, inbound = request.socket, request.inbound
        if inbound is None or not socket.connected:
            return
        if inbound.echo is not None:
            self.tell(socket, inbound.echo.name, inbound.echo.payload(request.payload, result))
        if request.ack_id is not None:
            self._hub.send(
                socket.connection, ack_frame(self._namespace, request.ack_id, encode_json(inbound.reply(result)))
            )

    def acknowledge(self, request: EventRequest, answer: object) -> None:
        """A handler of the application's has answered. Raises LocalProtocolError for what is no JSON."""
        if request.ack_id is not None:
            request.socket.acknowledge(request.ack_id, [answer])

    def refuse(self, request: EventRequest, error: ChatError) -> None:
        """The command was refused, or there was none in the event."""
        socket = request.socket
        if not socket.connected:
            return
        if error.code == "rate_limited":
            socket.connection.slow_down()
        if request.inbound is not None:
            error = with_unknown_fields(error, request.inbound.payload, request.said)
        client: ChatClient = socket.data
        if request.ack_id is None:
            self.tell(socket, *client.dialect.error(error, request.name))
        else:
            refusal = encode_json(client.dialect.refusal(error))
            self._hub.send(socket.connection, ack_frame(self._namespace, request.ack_id, refusal))

    def tell(self, socket: Socket, name: str, payload: msgspec.Struct, offset: str | None = None) -> None:
        """An event for one socket. `offset` is for one that can go on after a disconnect: where it is in the log."""
        self._hub.send(socket.connection, event_frame(self._namespace, name, encode_json(payload), offset))
