"""The state machine of one Engine.IO session: a table of the action for each packet, by the session's phase and the
packet's transport.

Engine.IO protocol, revision 4, sections "Transports", "Upgrade" and "Heartbeat"; where Socket.IO's Node server differs,
the table follows it. This module has only the table: the module `session` performs the actions.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from talkwire.wire.engine_packet import PacketType
from talkwire.wire.transport import Transport


class Phase(Enum):
    """The phases of an Engine.IO session: polling, upgrading to a WebSocket, on a WebSocket, closed."""

    POLLING = "polling"
    UPGRADING = "upgrading"  # still polling, while a WebSocket is on trial
    WEBSOCKET = "websocket"
    CLOSED = "closed"


class Action(Enum):
    """The reactions of a session to a packet, in the cells of `TABLE`.

    The session handles DELIVER on the transport in use without looking it up in the table, because messages are the
    most frequent packets. The table's tests check that the session then does what the table says.
    """

    DELIVER = "hand the message to the application"
    HEARTBEAT = "note that the peer is alive"
    LEAVE = "close, as the peer requested"
    BREACH = "close: the peer broke the protocol"
    ANSWER_PROBE = "answer on the WebSocket on trial"
    SWITCH = "make the WebSocket on trial the session's transport"
    FAIL_UPGRADE = "give up the WebSocket on trial and continue polling"
    IGNORE = "do nothing"


Row = Mapping[PacketType, Action]

# The transport in use. A ping closes the session ("invalid heartbeat direction"): in revision 4 only the server pings.
_IN_USE: Final[Row] = MappingProxyType({
    PacketType.OPEN: Action.IGNORE,
    PacketType.CLOSE: Action.LEAVE,
    PacketType.PING: Action.BREACH,
    PacketType.PONG: Action.HEARTBEAT,
    PacketType.MESSAGE: Action.DELIVER,
    PacketType.UPGRADE: Action.IGNORE,
    PacketType.NOOP: Action.IGNORE,
})  # fmt: skip

# The WebSocket on trial. Node's server accepts an upgrade packet even without a probe before it.
_ON_TRIAL: Final[Row] = MappingProxyType({
    PacketType.OPEN: Action.FAIL_UPGRADE,
    PacketType.CLOSE: Action.FAIL_UPGRADE,
    PacketType.PING: Action.ANSWER_PROBE,
    PacketType.PONG: Action.FAIL_UPGRADE,
    PacketType.MESSAGE: Action.FAIL_UPGRADE,
    PacketType.UPGRADE: Action.SWITCH,
    PacketType.NOOP: Action.FAIL_UPGRADE,
})  # fmt: skip

# A transport that the session has left or never had: late packets are dropped.
_STRAY: Final[Row] = MappingProxyType(dict.fromkeys(PacketType, Action.IGNORE))

TABLE: Final[Mapping[tuple[Phase, Transport], Row]] = MappingProxyType({
    (Phase.POLLING, Transport.POLLING): _IN_USE,
    (Phase.POLLING, Transport.WEBSOCKET): _STRAY,
    (Phase.UPGRADING, Transport.POLLING): _IN_USE,
    (Phase.UPGRADING, Transport.WEBSOCKET): _ON_TRIAL,
    (Phase.WEBSOCKET, Transport.POLLING): _STRAY,
    (Phase.WEBSOCKET, Transport.WEBSOCKET): _IN_USE,
    (Phase.CLOSED, Transport.POLLING): _STRAY,
    (Phase.CLOSED, Transport.WEBSOCKET): _STRAY,
})  # fmt: skip
