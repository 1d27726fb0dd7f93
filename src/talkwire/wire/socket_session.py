"""The sockets of one Engine.IO session: which namespaces it asked for, is in, and may speak to.

Socket.IO protocol, revision 5, sections "Connection to a namespace" and "Sample session"; Node calls this a client. It
decides nothing about who may enter: the caller answers each ConnectRequested with `accept` or `refuse`.
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
)

FIRST_PACKET_MAX: Final = 16_384
"""Size of a packet, attachments included, from a peer that has joined no namespace: an auth payload and its token."""


class ConnectRequested(msgspec.Struct, frozen=True):
    """The peer asks for a namespace, by its full name, a query included; `auth` is its payload, whole."""

    namespace: str
    auth: dict[str, Any]


class EventReceived(msgspec.Struct, frozen=True):
    """An event for a namespace that the peer is in; `args` has at least the name, `args[0]`.

    `flaw` says why the name is all that was kept; then the event means nothing but that its sender should be told.
    """

    namespace: str
    args: list[Any]
    ack_id: int | None
    flaw: str = ""


class AckReceived(msgspec.Struct, frozen=True):
    """An answer; whether `ack_id` was ever given out is the caller's to know (ignore it if not)."""

    namespace: str
    args: list[Any]
    ack_id: int


class Disconnected(msgspec.Struct, frozen=True):
    """The peer left a namespace; it gets no answer."""

    namespace: str


SocketEvent = ConnectRequested | EventReceived | AckReceived | Disconnected


class _Membership(Enum):
    PENDING = "asked for, not answered"
    CONNECTED = "in"
    DISMISSED = "put out by us; the peer may not know yet"


_CONNECTED: Final = _Membership.CONNECTED


class SocketSession:
    """The Socket.IO side of one session; feed it the data of every MessageReceived."""

    __slots__ = ("_deadline", "_decoder", "_namespaces", "_options", "_part_deadline")

    def __init__(self, options: EngineOptions, now: float) -> None:
        self._options = options
        self._decoder = Decoder(options.max_attachments, min(FIRST_PACKET_MAX, options.max_payload))
        self._part_deadline = inf
        self._deadline = now + options.connect_timeout_s
        self._namespaces: dict[str, _Membership] = {}

    @property
    def packet_max(self) -> int:
        """How large a packet may be: small until the peer has joined a namespace."""
        return self._decoder.max_size

    def receive(self, data: str | bytes, now: float) -> SocketEvent | None:
        """Take one message; None: nothing to act on (yet). After a RemoteProtocolError the session must be closed."""
        if not data and isinstance(data, str):
            # The parser by itself would take this for a CONNECT; in Node an empty message never gets that far.
            raise RemoteProtocolError("an empty message")
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
                raise RemoteProtocolError("a CONNECT_ERROR from a client")
            case _:
                assert_never(packet)

    def accept(self, namespace: str, socket_id: str, pid: str | None = None) -> str:
        """Let the peer in and return the packet that says so; from now on the connect timeout is off."""
        self._require(namespace, _Membership.PENDING)
        self._namespaces[namespace] = _CONNECTED
        self._deadline = inf
        self._decoder.max_size = self._options.max_payload
        return encode_connect(namespace, socket_id, pid)

    def refuse(self, namespace: str, message: str, data: object = None) -> str:
        """Keep the peer out and return the packet that says so; it may ask again."""
        self._require(namespace, _Membership.PENDING)
        del self._namespaces[namespace]
        return encode_connect_error(namespace, message, data)

    def turn_away(self, namespace: str, socket_id: str) -> tuple[str, str]:
        """Let the peer in for a word of parting only: return the packets that let it in and put it out again. It has
        joined nothing by that, and its time to do so goes on."""
        deadline, max_size = self._deadline, self._decoder.max_size
        packets = self.accept(namespace, socket_id), self.disconnect(namespace)
        self._deadline, self._decoder.max_size = deadline, max_size
        return packets

    def disconnect(self, namespace: str) -> str:
        """Put the peer out and return the packet that says so."""
        self._require(namespace, _CONNECTED)
        self._namespaces[namespace] = _Membership.DISMISSED
        return encode_disconnect(namespace)

    def connected(self, namespace: str) -> bool:
        """Whether the peer is in `namespace`."""
        return self._namespaces.get(namespace) is _CONNECTED

    def namespaces(self) -> list[str]:
        """Return the namespaces that the peer is in."""
        return [name for name, membership in self._namespaces.items() if membership is _CONNECTED]

    def next_deadline(self) -> float:
        """Return when the session must be closed, for having joined nothing or for attachments that do not come."""
        return min(self._deadline, self._part_deadline)

    @property
    def waits_for_attachments(self) -> bool:
        """Whether half a packet is here. Its rest must come within the ping timeout, each part within one more."""
        return self._part_deadline != inf

    def close(self) -> None:
        """Drops what is kept of a session that has ended."""
        self._decoder.forget()
        self._namespaces.clear()
        self._deadline = self._part_deadline = inf

    def _require(self, namespace: str, membership: _Membership) -> None:
        if self._namespaces.get(namespace) is not membership:
            raise LocalProtocolError(f"the namespace {namespace!r} is not {membership.name}")

    def _receive_connect(self, packet: Connect) -> ConnectRequested:
        # Node looks a namespace up by the packet's whole text, `?query` and all.
        if self._namespaces.get(packet.namespace) in (_Membership.PENDING, _CONNECTED):
            raise RemoteProtocolError("a second CONNECT to the same namespace")
        self._namespaces[packet.namespace] = _Membership.PENDING
        return ConnectRequested(packet.namespace, packet.data or {})

    def _receive_event(self, packet: Event) -> EventReceived | None:
        # The bare packet `2` has no name, so nobody can listen to it.
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
        del self._namespaces[packet.namespace]
        return Disconnected(packet.namespace)

    def _admits(self, namespace: str) -> bool:
        """Whether a packet counts: not if it crossed our own disconnect; for any other namespace it is a breach.

        Node closes the session even for a packet that crossed its disconnect, and with it all other namespaces.
        """
        membership = self._namespaces.get(namespace)
        if membership is None or membership is _Membership.PENDING:
            raise RemoteProtocolError("a packet for a namespace that is not connected")
        return membership is _CONNECTED
