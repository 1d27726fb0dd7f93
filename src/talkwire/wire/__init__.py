"""Engine.IO v4 and Socket.IO v5 without I/O: takes bytes and the time, returns events and frames.

    admission = check_request(EngineRequest("GET", query, websocket=True), known, options)
    session = Session(engine_sid, options, admission.transport, now)
    sockets = SocketSession(options, now)
    for event in session.receive_websocket(message, now):
        match event:
            case MessageReceived(data):
                match sockets.receive(data, now):
                    case ConnectRequested(namespace):
                        session.send_message(sockets.accept(namespace, socket_id))
    transport.write(b"".join(session.out))
    session.out.clear()

The caller owns the network connections, the clock and the ids. It must call `handle_deadline` at `next_deadline`, send
what is in `out` after each call, and close the session when RemoteProtocolError is raised. Nothing in this package uses
asyncio, reads a clock, logs, or knows of chat.
"""

from __future__ import annotations

from talkwire.wire.engine_packet import (
    Packet,
    PacketType,
    decode_packet,
    decode_payload,
    encode_packet,
    encode_payload,
)
from talkwire.wire.errors import (
    HandshakeRefused,
    LocalProtocolError,
    PayloadTooLarge,
    RefusalCode,
    RemoteProtocolError,
    WireError,
)
from talkwire.wire.frame import (
    binary_frame,
    close_frame,
    message_frame,
    pong_frame,
    text_frame,
    unframe,
)
from talkwire.wire.handshake import Admission, EngineOptions, EngineRequest, check_request, read_query
from talkwire.wire.session import Event as SessionEvent
from talkwire.wire.session import MessageReceived, Session, SessionClosed, Upgraded, UpgradeFailed
from talkwire.wire.socket_packet import (
    Ack,
    Connect,
    ConnectError,
    Decoder,
    Disconnect,
    Event,
    SocketPacket,
    ack_frame,
    encode_ack,
    encode_connect,
    encode_connect_error,
    encode_disconnect,
    encode_event,
    event_frame,
)
from talkwire.wire.socket_session import (
    AckReceived,
    ConnectRequested,
    Disconnected,
    EventReceived,
    SocketEvent,
    SocketSession,
)
from talkwire.wire.transport import Transport

__all__ = [
    "Ack",
    "AckReceived",
    "Admission",
    "Connect",
    "ConnectError",
    "ConnectRequested",
    "Decoder",
    "Disconnect",
    "Disconnected",
    "EngineOptions",
    "EngineRequest",
    "Event",
    "EventReceived",
    "HandshakeRefused",
    "LocalProtocolError",
    "MessageReceived",
    "Packet",
    "PacketType",
    "PayloadTooLarge",
    "RefusalCode",
    "RemoteProtocolError",
    "Session",
    "SessionClosed",
    "SessionEvent",
    "SocketEvent",
    "SocketPacket",
    "SocketSession",
    "Transport",
    "UpgradeFailed",
    "Upgraded",
    "WireError",
    "ack_frame",
    "binary_frame",
    "check_request",
    "close_frame",
    "decode_packet",
    "decode_payload",
    "encode_ack",
    "encode_connect",
    "encode_connect_error",
    "encode_disconnect",
    "encode_event",
    "encode_packet",
    "encode_payload",
    "event_frame",
    "message_frame",
    "pong_frame",
    "read_query",
    "text_frame",
    "unframe",
]
