"""Which sockets follow which conversations: all of their user's, or those that their clients open.

That depends on the dialect. When a user's first socket opens a conversation or the last one leaves it, other members'
sockets receive `RoomEntered` or `RoomLeft`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from talkwire.core.domain.events import RoomEntered, RoomLeft
from talkwire.realtime.clients.chat_client import (
    ChatClient,
    clients_in,
    conversation_room,
    non_followers_room,
    user_room,
)
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket

HAND_OVER_S = 1.0
"""How long a client may take to enter its rooms at the node where it resumes, before others receive that it left."""


class Rooms:
    """The rooms of this node's sockets in all namespaces. `publish` sends an event that is not stored."""

    def __init__(self, hub: Hub, publish: Callable[[RoomEntered | RoomLeft], None]) -> None:
        self._hub = hub
        self._publish = publish

    def enter(self, socket: Socket, conversation_ids: Iterable[str]) -> None:
        """Adds a new socket to the rooms of its user and of the user's conversations."""
        client: ChatClient = socket.data
        self._hub.join(user_room(client.actor.user_id), socket)
        for conversation_id in conversation_ids:
            self._admit(socket, conversation_id)

    def resume(self, socket: Socket, conversation_ids: Iterable[str]) -> None:
        """Adds a resuming socket to its user's room and to the conversations that it followed before."""
        client: ChatClient = socket.data
        assert client.recoverable is not None, "it resumes"
        self._hub.join(user_room(client.actor.user_id), socket)
        for conversation_id in conversation_ids:
            if client.recoverable.follows(conversation_id, by_default=client.dialect.follows_all):
                self.open(socket, conversation_id)
            elif client.dialect.sends_to_non_followers:
                self._hub.join(non_followers_room(conversation_id), socket)

    def admit(self, conversation_id: str, user_ids: Iterable[str]) -> None:
        """Adds the sockets of new members. A socket that is catching up enters its rooms afterwards."""
        for user_id in user_ids:
            for socket in clients_in(self._hub, user_room(user_id)):
                if not socket.data.catching_up:
                    self._admit(socket, conversation_id)

    def expel(self, conversation_id: str, sockets: Sequence[Socket]) -> None:
        """Removes sockets whose users have left the conversation."""
        for socket in sockets:
            self._hub.leave(non_followers_room(conversation_id), socket)
            self._leave(socket, conversation_id)

    def open(self, socket: Socket, conversation_id: str) -> None:
        """Has a member's socket follow a conversation."""
        client: ChatClient = socket.data
        self._hub.leave(non_followers_room(conversation_id), socket)
        if not self._hub.join(conversation_room(conversation_id), socket) or client.dialect.follows_all:
            return
        if conversation_id in client.opened:
            return  # the socket has replaced another one, whose leaving was not published
        client.add_opened(conversation_id)
        if self._openers(client, conversation_id) == 1:
            self._publish(RoomEntered(conversation_id, client.actor.user_id, client.actor.name))

    def close(self, socket: Socket, conversation_id: str) -> None:
        """Has a member's socket no longer follow a conversation."""
        client: ChatClient = socket.data
        self._leave(socket, conversation_id)
        if client.dialect.sends_to_non_followers:
            self._hub.join(non_followers_room(conversation_id), socket)

    def publish_left(self, client: ChatClient) -> None:
        """Publishes what a disconnected socket has left, after it was removed from all rooms."""
        self._publish_left(client, client.opened)

    def delay_leaving(self, client: ChatClient) -> None:
        """Delays the leaving of a client that continues at another node until it has entered its rooms there.

        So other members receive neither event.
        """
        opened = client.take_opened()
        if opened:
            asyncio.get_running_loop().call_later(HAND_OVER_S, self._publish_left, client, opened)

    def _publish_left(self, client: ChatClient, conversation_ids: Iterable[str]) -> None:
        for conversation_id in conversation_ids:
            self._publish_if_last(client, conversation_id)

    def _admit(self, socket: Socket, conversation_id: str) -> None:
        client: ChatClient = socket.data
        if client.dialect.follows_all:
            self._hub.join(conversation_room(conversation_id), socket)
        elif client.dialect.sends_to_non_followers and conversation_id not in client.opened:
            self._hub.join(non_followers_room(conversation_id), socket)

    def _leave(self, socket: Socket, conversation_id: str) -> None:
        client: ChatClient = socket.data
        self._hub.leave(conversation_room(conversation_id), socket)
        if conversation_id in client.opened:
            client.remove_opened(conversation_id)
            self._publish_if_last(client, conversation_id)

    def _publish_if_last(self, client: ChatClient, conversation_id: str) -> None:
        if not self._openers(client, conversation_id):
            self._publish(RoomLeft(conversation_id, client.actor.user_id, client.actor.name))

    def _openers(self, client: ChatClient, conversation_id: str) -> int:
        """Returns how many sockets of the client's user have opened a conversation."""
        devices = clients_in(self._hub, user_room(client.actor.user_id))
        return sum(conversation_id in socket.data.opened for socket in devices)
