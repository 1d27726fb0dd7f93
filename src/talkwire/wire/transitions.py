"""The state machine of one Engine.IO session: what each packet means, by phase and by the transport that brought it.

Engine.IO protocol, revision 4, sections "Transports", "Upgrade" and "Heartbeat"; where Node's engine.io differs, Node
is followed. Only the table: `session` does what the actions say.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from talkwire.wire.engine_packet import PacketType
from talkwire.wire.transport import Transport


class Phase(Enum):
    """Where a session stands."""

    POLLING = "polling"
    UPGRADING = "upgrading"  # still polling, with a WebSocket on trial
    WEBSOCKET = "websocket"
    CLOSED = "closed"


class Action(Enum):
    """What a packet makes the session do."""

    DELIVER = "hand the message to the application"
    HEARTBEAT = "note that the peer is alive"
    LEAVE = "close, as the peer asks"
    BREACH = "close, for the peer broke the protocol"
    ANSWER_PROBE = "answer on the WebSocket on trial"
    SWITCH = "make the WebSocket on trial the session's transport"
    FAIL_UPGRADE = "give the WebSocket on trial up and keep polling"
    IGNORE = "do nothing"


Row = Mapping[PacketType, Action]

# On the transport that the session uses. "invalid heartbeat direction": in revision 4 only the server pings.
_IN_USE: Final[Row] = MappingProxyType({
    PacketType.OPEN: Action.IGNORE,
    PacketType.CLOSE: Action.LEAVE,
    PacketType.PING: Action.BREACH,
    PacketType.PONG: Action.HEARTBEAT,
    PacketType.MESSAGE: Action.DELIVER,
    PacketType.UPGRADE: Action.IGNORE,
    PacketType.NOOP: Action.IGNORE,
})  # fmt: skip

# On the WebSocket on trial. Node takes an upgrade packet even without a probe before it.
_ON_TRIAL: Final[Row] = MappingProxyType({
    PacketType.OPEN: Action.FAIL_UPGRADE,
    PacketType.CLOSE: Action.FAIL_UPGRADE,
    PacketType.PING: Action.ANSWER_PROBE,
    PacketType.PONG: Action.FAIL_UPGRADE,
    PacketType.MESSAGE: Action.FAIL_UPGRADE,
    PacketType.UPGRADE: Action.SWITCH,
    PacketType.NOOP: Action.FAIL_UPGRADE,
})  # fmt: skip

# On a transport that the session has left or never had: what comes late is dropped.
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
