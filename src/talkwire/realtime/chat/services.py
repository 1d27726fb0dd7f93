"""What the namespaces of a server share."""

from __future__ import annotations

from dataclasses import dataclass, field

from talkwire.core.engine.chat import Chat
from talkwire.core.engine.limits import Limits
from talkwire.identity.callers import Callers
from talkwire.realtime.chat.custom_handlers import CustomHandlers
from talkwire.realtime.clients.connected_devices import ConnectedDevices
from talkwire.realtime.delivery.offline_delivery import OfflineDelivery
from talkwire.realtime.delivery.rooms import Rooms
from talkwire.realtime.recovery.recovery import Recovery
from talkwire.realtime.socketio.socket_server import SocketServer


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceServices:
    """`limits`, `recovery` and `sockets_per_user` are None if the operator has turned them off."""

    server: SocketServer
    chat: Chat
    callers: Callers
    rooms: Rooms
    offline: OfflineDelivery
    devices: ConnectedDevices
    handlers: CustomHandlers = field(default_factory=CustomHandlers)
    limits: Limits | None = None
    recovery: Recovery | None = None
    sockets_per_user: int | None = None
