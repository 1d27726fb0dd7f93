"""The Socket.IO side of one Engine.IO session: which namespaces its client asked for, has joined, and has left.

Socket.IO protocol, revision 5, sections "Connection to a namespace" and "Sample session"; Node's server calls this a
client. Does not decide who may join: the caller answers each ConnectRequested with `accept` or `refuse`.
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
"""The largest packet, attachments included, from a client that has joined no namespace: an auth payload and its token.
"""


class ConnectRequested(msgspec.Struct, frozen=True):
    """The client asks to join a namespace: call `accept`, `refuse` or `turn_away`, and send the packets that they
    return.

    `namespace` is the full name, a query included; `auth` is the whole payload.
    """

    namespace: str
    auth: dict[str, Any]


class EventReceived(msgspec.Struct, frozen=True):
    """An event for a namespace that the client has joined; `args[0]` is its name.

    If `flaw` is not empty, only the name was kept: refuse the event and send `flaw` to the client as the reason.
    """

    namespace: str
    args: list[Any]
    ack_id: int | None
    flaw: str = ""


class AckReceived(msgspec.Struct, frozen=True):
    """An ack. Ignore it unless the caller has sent an event with this `ack_id` and waits for its ack."""

    namespace: str
    args: list[Any]
    ack_id: int


class Disconnected(msgspec.Struct, frozen=True):
    """The client left a namespace. Send no answer."""

    namespace: str


SocketEvent = ConnectRequested | EventReceived | AckReceived | Disconnected


class _Membership(Enum):
    PENDING = "requested, not answered"
    CONNECTED = "joined"
    DISMISSED = "disconnected by the server; the client may not know yet"


_CONNECTED: Final = _Membership.CONNECTED


class SocketSession:
    """The Socket.IO side of one session. Pass the data of every MessageReceived to `receive`.

    The methods that return packets only encode them: the caller sends each with `Session.send_message`. The caller
    closes the session at `next_deadline`.
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
        """The largest packet that the client may send, in bytes: FIRST_PACKET_MAX until it has joined a namespace."""
        return self._decoder.max_size

    def receive(self, data: str | bytes, now: float) -> SocketEvent | None:
        """Returns the event of one message, or None if there is nothing to handle (yet).

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
        """Returns arguments and ack id of an Engine.IO message that is an event of the root namespace, which the client
        has joined.

        Returns None for everything else; then pass the message's data to `receive`, which says what it is.
        """
        if self._root is not _CONNECTED or self._part_deadline != inf:
            return None
        return read_root_event(message, self._decoder.max_size)

    def accept(self, namespace: str, socket_id: str, pid: str | None = None) -> str:
        """Returns the packet that accepts the client in a namespace, and ends the connect timeout.

        Raises LocalProtocolError unless a ConnectRequested for `namespace` is unanswered.
        """
        self._require(namespace, _Membership.PENDING)
        self._note(namespace, _CONNECTED)
        self._deadline = inf
        self._decoder.max_size = self._options.max_payload
        return encode_connect(namespace, socket_id, pid)

    def refuse(self, namespace: str, message: str, data: object = None) -> str:
        """Returns the packet that refuses the client a namespace; the client may ask again. Raises as `accept`."""
        self._require(namespace, _Membership.PENDING)
        self._note(namespace, None)
        return encode_connect_error(namespace, message, data)

    def turn_away(self, namespace: str, socket_id: str) -> tuple[str, str]:
        """Returns two packets that accept the client in a namespace and at once disconnect it, so that it can be sent
        events in between.

        This does not count as joining: the connect timeout and the small packet limit stay. Raises as `accept`.
        """
        deadline, max_size = self._deadline, self._decoder.max_size
        packets = self.accept(namespace, socket_id), self.disconnect(namespace)
        self._deadline, self._decoder.max_size = deadline, max_size
        return packets

    def disconnect(self, namespace: str) -> str:
        """Returns the packet that disconnects the client from a namespace. Raises LocalProtocolError if it has not
        joined it.
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
        """Returns when the caller must close the session: no namespace was joined, or attachments are missing, for too
        long.
        """
        return min(self._deadline, self._part_deadline)

    @property
    def waits_for_attachments(self) -> bool:
        """Whether a packet's attachments are missing. Each must arrive within the ping timeout of the one before."""
        return self._part_deadline != inf

    def close(self) -> None:
        """Drops all state of a session that has ended."""
        self._decoder.forget()
        self._root = self._others = None
        self._deadline = self._part_deadline = inf

    def _membership(self, namespace: str) -> _Membership | None:
        if namespace == "/":
            return self._root
        return None if self._others is None else self._others.get(namespace)

    def _note(self, namespace: str, membership: _Membership | None) -> None:
        """Notes the membership in a namespace; None removes it."""
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
        """Returns whether to handle a packet for a namespace: False if it crossed the server's own disconnect.

        Raises RemoteProtocolError for any other namespace that is not connected. Node's server closes the session, and
        with it all other namespaces, even for a packet that crossed its disconnect.
        """
        membership = self._membership(namespace)
        if membership is None or membership is _Membership.PENDING:
            raise RemoteProtocolError("a packet for a namespace that is not connected")
        return membership is _CONNECTED
