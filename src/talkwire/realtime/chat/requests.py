"""Events that chat clients send, and the replies to them: an acknowledgement if the client asked for one, otherwise an
error event for refusals.
"""

from __future__ import annotations

import msgspec

from talkwire.core.domain.errors import ChatError
from talkwire.dialects.dialect import Inbound
from talkwire.payloads.problems import with_unknown_fields
from talkwire.realtime.clients.chat_client import ChatClient, encode_json
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket
from talkwire.wire import ack_frame, event_frame


class EventRequest(msgspec.Struct):
    """An event from a client, while it is being handled. `inbound` is its definition in the client's dialect (event
    vocabulary), None if the dialect does not have the event. `ack_id` is None if the client wants no acknowledgement.

    `payload` is kept only if the dialect sends it back to the client. `raw` is the JSON that the payload was parsed
    from, for error details and for the conversation that it names. `command_type` is the class of the event's command,
    None before it is parsed. `began_ns` is the time at which the command started, in nanoseconds since 1970, 0 without
    tracing.
    """

    socket: Socket
    name: str
    ack_id: int | None
    inbound: Inbound | None
    payload: msgspec.Struct | None = None
    raw: object = None
    command_type: type | None = None
    began_ns: int = 0


class EventReplies:
    """Sends the replies to clients' events in one namespace."""

    def __init__(self, namespace: str, hub: Hub) -> None:
        self._namespace = namespace
        self._hub = hub

    def answer(self, request: EventRequest, result: object) -> None:
        """Replies to a request whose command has succeeded with `result`: sends the acknowledgement, if the client
        asked for one, and the event that the client's dialect (event vocabulary) sends back to the sender, if it
        defines one. Does nothing if the socket has disconnected.
        """
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
        """Sends the value that the application's handler returned as the acknowledgement, if the client asked for one.
        Raises LocalProtocolError if the value is not JSON.
        """
        if request.ack_id is not None:
            request.socket.acknowledge(request.ack_id, [answer])

    def refuse(self, request: EventRequest, error: ChatError) -> None:
        """Sends the client the refusal of its command or invalid event: as the acknowledgement if it asked for one,
        else as the error event of its dialect (event vocabulary). A refusal for exceeded rate limits also slows down
        reading from the client.
        """
        socket = request.socket
        if not socket.connected:
            return
        if error.code == "rate_limited":
            socket.connection.slow_down()
        if request.inbound is not None:
            error = with_unknown_fields(error, request.inbound.payload, request.raw)
        client: ChatClient = socket.data
        if request.ack_id is None:
            self.send(socket, *client.dialect.error(error, request.name))
        else:
            refusal = encode_json(client.dialect.refusal(error))
            self._hub.send(socket.connection, ack_frame(self._namespace, request.ack_id, refusal))

    def send(self, socket: Socket, name: str, payload: msgspec.Struct, offset: str | None = None) -> None:
        """Sends an event to one socket. `offset` is the recovery offset to append, the position in the event log from
        which a recoverable socket resumes after a disconnect; None appends none.
        """
        self._hub.send(socket.connection, event_frame(self._namespace, name, encode_json(payload), offset))
