"""The Socket.IO side of one Engine.IO session: the namespaces that its client has asked for, joined and left.

Socket.IO protocol, revision 5, sections "Connection to a namespace" and "Sample session"; Node's server calls this a
client. The caller decides who may join: it responds to each ConnectRequested with `accept`, `refuse` or `turn_away`.
"""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import Any, Final, assert_never

import msgspec

from talkwire.wire.errors import LocalProtocolError, RemoteProtocolError
from talkwire.wire.handshake import EngineOptions
from talkwire.wire.socket_packet import (
    Ack,
    Connect,
    ConnectError,
    Decoder,
    Disconnect,
    Event,
    encode_connect,
    encode_connect_error,
    encode_disconnect,
    read_root_event,
)

FIRST_PACKET_MAX: Final = 16_384
"""Largest packet, attachments included, from a client that has joined no namespace: an auth payload and its token."""


class ConnectRequested(msgspec.Struct, frozen=True):
    """The client asks to join a namespace. The caller calls `accept`, `refuse` or `turn_away`, and sends the packets
    that the method returns.

    `namespace` is the full name, a query included; `auth` is the whole auth payload, empty without one.
    """

    namespace: str
    auth: dict[str, Any]


class EventReceived(msgspec.Struct, frozen=True):
    """The client has sent an event to a namespace that it has joined; `args[0]` is the event's name. The client expects
    an acknowledgement with this `ack_id`, or none if it is None.

    If `flaw` is not empty, the payload was not decoded and `args` has only the name: refuse the event and send `flaw`
    to the client as the reason.
    """

    namespace: str
    args: list[Any]
    ack_id: int | None
    flaw: str = ""


class AckReceived(msgspec.Struct, frozen=True):
    """The client has acknowledged an event. Ignore the ack unless the caller has sent an event with this `ack_id` and
    waits for its ack.
    """

    namespace: str
    args: list[Any]
    ack_id: int


class Disconnected(msgspec.Struct, frozen=True):
    """The client has left a namespace. The server sends no packet in response."""

    namespace: str


SocketEvent = ConnectRequested | EventReceived | AckReceived | Disconnected


class _Membership(Enum):
    PENDING = "requested, not answered"
    CONNECTED = "joined"
    DISMISSED = "disconnected by the server; the client may not know yet"


_CONNECTED: Final = _Membership.CONNECTED


class SocketSession:
    """The Socket.IO side of one Engine.IO session: tracks its namespaces. Pass the data of every MessageReceived to
    `receive`.

    The methods that return packets only encode them: the caller sends each with `Session.send_message`. At
    `next_deadline`, the caller closes the session. `now` is the time in seconds on the clock of `Session`.
    """

    __slots__ = ("_deadline", "_decoder", "_options", "_others", "_part_deadline", "_root")

    def __init__(self, options: EngineOptions, now: float) -> None:
        self._options = options
        self._decoder = Decoder(options.max_attachments, min(FIRST_PACKET_MAX, options.max_payload))
        self._part_deadline = inf
        self._deadline = now + options.connect_timeout_s
        # Most clients ask for the root namespace only: without a dict for it, a session takes 180 bytes less.
        self._root: _Membership | None = None
        self._others: dict[str, _Membership] | None = None

    @property
    def packet_max(self) -> int:
        """The size of the largest packet that the client may send, attachments included, in bytes: FIRST_PACKET_MAX (16
        KiB) until it has joined a namespace, then `max_payload`.
        """
        return self._decoder.max_size

    def receive(self, data: str | bytes, now: float) -> SocketEvent | None:
        """Handles one Engine.IO message. Returns the Socket.IO event for the caller, or None if there is nothing to
        handle (yet).

        Raises RemoteProtocolError if the client broke the protocol; the caller then closes the session.
        """
        if not data and isinstance(data, str):
            # The parser would read this as a CONNECT; in Node's server an empty message never reaches the parser.
            raise RemoteProtocolError("a message must not be empty")
        packet = self._decoder.receive(data)
        if packet is None or type(data) is bytes:
            self._part_deadline = inf if packet is not None else now + self._options.ping_timeout_s
        match packet:
            case None:
                return None
            case Event():
                return self._receive_event(packet)
            case Ack():
                return self._receive_ack(packet)
            case Connect():
                return self._receive_connect(packet)
            case Disconnect():
                return self._receive_disconnect(packet)
            case ConnectError():
                raise RemoteProtocolError("a client must not send CONNECT_ERROR")
            case _:
                assert_never(packet)

    def receive_root_event(self, message: str) -> tuple[list[Any], int | None] | None:
        """Decodes an Engine.IO message packet (text that begins with its type `4`) quickly if it is an event of the
        root namespace, which the client has joined. Returns the event's arguments and its ack id, which is None without
        one.

        Returns None for every other message; then pass the message without the `4` to `receive`.
        """
        if self._root is not _CONNECTED or self._part_deadline != inf:
            return None
        return read_root_event(message, self._decoder.max_size)

    def accept(self, namespace: str, socket_id: str, pid: str | None = None) -> str:
        """Returns the packet that accepts the client in a namespace, and ends the connect timeout. `socket_id` names
        the new socket; a recoverable one also needs its recovery token `pid`.

        Raises LocalProtocolError unless a ConnectRequested for `namespace` is unanswered.
        """
        self._require(namespace, _Membership.PENDING)
        self._note(namespace, _CONNECTED)
        self._deadline = inf
        self._decoder.max_size = self._options.max_payload
        return encode_connect(namespace, socket_id, pid)

    def refuse(self, namespace: str, message: str, data: object = None) -> str:
        """Returns the packet that refuses the client a namespace; the client may ask again. Raises LocalProtocolError
        unless a ConnectRequested for `namespace` is unanswered.
        """
        self._require(namespace, _Membership.PENDING)
        self._note(namespace, None)
        return encode_connect_error(namespace, message, data)

    def turn_away(self, namespace: str, socket_id: str) -> tuple[str, str]:
        """Returns two packets: one accepts the client in a namespace, the other disconnects it. The caller can send
        events between them, such as the reason.

        The client does not count as joined: the connect timeout and the small packet limit stay. Raises
        LocalProtocolError unless a ConnectRequested for `namespace` is unanswered.
        """
        deadline, max_size = self._deadline, self._decoder.max_size
        packets = self.accept(namespace, socket_id), self.disconnect(namespace)
        self._deadline, self._decoder.max_size = deadline, max_size
        return packets

    def disconnect(self, namespace: str) -> str:
        """Returns the packet that disconnects the client from a namespace. Packets of the client for it that are still
        on their way are then ignored. Raises LocalProtocolError if the client has not joined the namespace.
        """
        self._require(namespace, _CONNECTED)
        self._note(namespace, _Membership.DISMISSED)
        return encode_disconnect(namespace)

    def connected(self, namespace: str) -> bool:
        return self._membership(namespace) is _CONNECTED

    def namespaces(self) -> list[str]:
        """Returns the namespaces that the client has joined."""
        known = {"/": self._root, **(self._others or {})}
        return [name for name, membership in known.items() if membership is _CONNECTED]

    def next_deadline(self) -> float:
        """Returns the time, on the clock of `now`, at which the caller must close the session: the client has joined no
        namespace, or has not sent a packet's attachments, for too long. Returns `inf` for no deadline.
        """
        return min(self._deadline, self._part_deadline)

    @property
    def waits_for_attachments(self) -> bool:
        """True if a packet is incomplete because binary attachments are missing. Each attachment must arrive within the
        ping timeout of the previous one.
        """
        return self._part_deadline != inf

    def close(self) -> None:
        """Drops all state, because the Engine.IO session has ended. Returns no packets and no events."""
        self._decoder.forget()
        self._root = self._others = None
        self._deadline = self._part_deadline = inf

    def _membership(self, namespace: str) -> _Membership | None:
        if namespace == "/":
            return self._root
        return None if self._others is None else self._others.get(namespace)

    def _note(self, namespace: str, membership: _Membership | None) -> None:
        """Stores the client's membership state in a namespace; None removes it."""
        if namespace == "/":
            self._root = membership
            return
        others = self._others = {} if self._others is None else self._others
        if membership is None:
            del others[namespace]
        else:
            others[namespace] = membership

    def _require(self, namespace: str, membership: _Membership) -> None:
        if self._membership(namespace) is not membership:
            raise LocalProtocolError(f"the namespace {namespace!r} is not {membership.name}")

    def _receive_connect(self, packet: Connect) -> ConnectRequested:
        # Node looks up a namespace by the packet's whole text, including `?query`.
        if self._membership(packet.namespace) in (_Membership.PENDING, _CONNECTED):
            raise RemoteProtocolError("a second CONNECT to the same namespace")
        self._note(packet.namespace, _Membership.PENDING)
        return ConnectRequested(packet.namespace, packet.data or {})

    def _receive_event(self, packet: Event) -> EventReceived | None:
        # The bare packet `2` has no name, so no handler can match it.
        if not self._admits(packet.namespace) or not packet.args:
            return None
        return EventReceived(packet.namespace, packet.args, packet.ack_id, packet.flaw)

    def _receive_ack(self, packet: Ack) -> AckReceived | None:
        if not self._admits(packet.namespace) or packet.ack_id is None:
            return None
        return AckReceived(packet.namespace, packet.args, packet.ack_id)

    def _receive_disconnect(self, packet: Disconnect) -> Disconnected | None:
        if not self._admits(packet.namespace):
            return None
        self._note(packet.namespace, None)
        return Disconnected(packet.namespace)

    def _admits(self, namespace: str) -> bool:
        """Returns whether to handle a client's packet for a namespace. False means to ignore it, because the server has
        disconnected the client from the namespace while the packet was on its way.

        Raises RemoteProtocolError for any other namespace that the client has not joined: as in Socket.IO's Node
        server, the caller then closes the session, with all its namespaces.
        """
        membership = self._membership(namespace)
        if membership is None or membership is _Membership.PENDING:
            raise RemoteProtocolError("a packet for a namespace that is not connected")
        return membership is _CONNECTED
