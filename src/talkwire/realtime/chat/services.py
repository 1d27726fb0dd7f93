"""The objects that all Socket.IO namespaces of a server share: the chat, its clients, limits and metrics."""

from __future__ import annotations

from dataclasses import dataclass, field

from talkwire.core.engine.chat import Chat
from talkwire.core.engine.limits import Limits
from talkwire.identity.callers import Callers
from talkwire.observability.command_outcomes import CommandOutcomes
from talkwire.realtime.chat.custom_handlers import CustomHandlers
from talkwire.realtime.clients.connected_devices import ConnectedDevices
from talkwire.realtime.delivery.offline_delivery import OfflineDelivery
from talkwire.realtime.delivery.rooms import Rooms
from talkwire.realtime.recovery.recovery import Recovery
from talkwire.realtime.socketio.socket_server import SocketServer


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceServices:
    """The objects that all chat namespaces of a server share. `limits`, `recovery` and `sockets_per_user` are None if
    the operator has disabled rate limits, recovery or the limit of sockets per user.
    """

    server: SocketServer
    chat: Chat
    callers: Callers
    rooms: Rooms
    offline: OfflineDelivery
    devices: ConnectedDevices
    outcomes: CommandOutcomes
    handlers: CustomHandlers = field(default_factory=CustomHandlers)
    limits: Limits | None = None
    recovery: Recovery | None = None
    sockets_per_user: int | None = None
