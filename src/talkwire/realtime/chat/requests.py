"""An event that a client has sent, and the reply: an acknowledgement, or an error event if none was asked for."""

from __future__ import annotations

import msgspec

from talkwire.core.domain.errors import ChatError
from talkwire.dialects.dialect import Inbound
from talkwire.dialects.payloads.problems import with_unknown_fields
from talkwire.realtime.clients.chat_client import ChatClient, encode_json
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket
from talkwire.wire import ack_frame, event_frame


class EventRequest(msgspec.Struct, frozen=True):
    """An event with its name and its definition in the dialect (`inbound`), None if the dialect does not have it.

    `payload` is kept only if the dialect echoes it. `said` is the JSON that it was parsed from, for error details.
    """

    socket: Socket
    name: str
    ack_id: int | None
    inbound: Inbound | None
    payload: msgspec.Struct | None = None
    said: object = None


class EventReplies:
    """Sends the replies of one namespace."""

    def __init__(self, namespace: str, hub: Hub) -> None:
        self._namespace = namespace
        self._hub = hub

    def answer(self, request: EventRequest, result: object) -> None:
        """Sends the result of a command that was carried out."""
        socket, inbound = request.socket, request.inbound
        if inbound is None or not socket.connected:
            return
        if inbound.echo is not None:
            self.send(socket, inbound.echo.name, inbound.echo.payload(request.payload, result))
        if request.ack_id is not None:
            self._hub.send(
                socket.connection, ack_frame(self._namespace, request.ack_id, encode_json(inbound.reply(result)))
            )

    def acknowledge(self, request: EventRequest, answer: object) -> None:
        """Sends what an application's handler returned. Raises LocalProtocolError if that is not JSON."""
        if request.ack_id is not None:
            request.socket.acknowledge(request.ack_id, [answer])

    def refuse(self, request: EventRequest, error: ChatError) -> None:
        """Sends the refusal of a command or of an invalid event."""
        socket = request.socket
        if not socket.connected:
            return
        if error.code == "rate_limited":
            socket.connection.slow_down()
        if request.inbound is not None:
            error = with_unknown_fields(error, request.inbound.payload, request.said)
        client: ChatClient = socket.data
        if request.ack_id is None:
            self.send(socket, *client.dialect.error(error, request.name))
        else:
            refusal = encode_json(client.dialect.refusal(error))
            self._hub.send(socket.connection, ack_frame(self._namespace, request.ack_id, refusal))

    def send(self, socket: Socket, name: str, payload: msgspec.Struct, offset: str | None = None) -> None:
        """Sends an event to one socket. `offset` is for recoverable sockets: where they resume after a disconnect."""
        self._hub.send(socket.connection, event_frame(self._namespace, name, encode_json(payload), offset))
