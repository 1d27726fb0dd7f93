"""The sockets of which is told whether messages have arrived there: what `arrivals.py` asks of them."""

from __future__ import annotations

from talkwire.core.connected.memberships import MembershipIndex
from talkwire.core.domain.model import LARGE_CONVERSATION, Actor
from talkwire.realtime.clients.chat_client import ChatClient, clients_in, conversation_room
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket


class Recipients:
    """By conversation."""

    def __init__(self, hub: Hub, circles: MembershipIndex) -> None:
        self._hub = hub
        self._circles = circles

    def of(self, conversation_id: str) -> list[SocketRecipient]:
        """The sockets in a conversation's room; none where it is so large that nobody is told who has received what."""
        circle = self._circles.get(conversation_id)
        if circle is None or circle.member_count > LARGE_CONVERSATION:
            return []
        return [SocketRecipient(socket) for socket in clients_in(self._hub, conversation_room(conversation_id))]


class SocketRecipient:
    """Implements `arrivals.Recipient`."""

    __slots__ = ("_socket",)

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    @property
    def actor(self) -> Actor:
        client: ChatClient = self._socket.data
        return client.actor

    @property
    def gone(self) -> bool:
        return self._socket.connection.session.closed

    def answered_after(self, time: float) -> bool:
        return self._socket.connection.session.last_ping_answered > time

    def hasten_ping(self) -> None:
        connection = self._socket.connection
        now = connection.server.now()
        connection.session.hasten_ping(now)
        connection.handle_deadline(now)
