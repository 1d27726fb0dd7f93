"""Which sockets follow which conversations: by their dialect all of their user's, or those that they open.

A user's first socket that opens a conversation, and the last one that is there no more, are events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from talkwire.core.domain.events import RoomEntered, RoomLeft
from talkwire.realtime.clients.chat_client import ChatClient, clients_in, conversation_room, outside_room, user_room
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket

HAND_OVER_S = 1.0
"""How long a client takes at most, as a rule, to enter its rooms at the node where it goes on."""


class Rooms:
    """For the sockets of this node, of all namespaces. `tell` publishes an event that is not stored."""

    def __init__(self, hub: Hub, tell: Callable[[RoomEntered | RoomLeft], None]) -> None:
        self._hub = hub
        self._tell = tell

    def enter(self, socket: Socket, conversation_ids: Iterable[str]) -> None:
        """A new socket, of a member of these conversations."""
        client: ChatClient = socket.data
        self._hub.join(user_room(client.actor.user_id), socket)
        for conversation_id in conversation_ids:
            self._admit(socket, conversation_id)

    def resume(self, socket: Socket, conversation_ids: Iterable[str]) -> None:
        """A socket that goes on, of a member of these conversations: it follows those that it followed before."""
        client: ChatClient = socket.data
        assert client.recoverable is not None, "it goes on"
        self._hub.join(user_room(client.actor.user_id), socket)
        for conversation_id in conversation_ids:
            if client.recoverable.follows(conversation_id, by_default=client.dialect.follows_all):
                self.open(socket, conversation_id)
            elif client.dialect.told_outside:
                self._hub.join(outside_room(conversation_id), socket)

    def admit(self, conversation_id: str, user_ids: Iterable[str]) -> None:
        """These have become members. A socket that is still being told what its user missed enters behind that."""
        for user_id in user_ids:
            for socket in clients_in(self._hub, user_room(user_id)):
                if not socket.data.catching_up:
                    self._admit(socket, conversation_id)

    def expel(self, conversation_id: str, sockets: Sequence[Socket]) -> None:
        """Their users are members no more."""
        for socket in sockets:
            self._hub.leave(outside_room(conversation_id), socket)
            self._leave(socket, conversation_id)

    def open(self, socket: Socket, conversation_id: str) -> None:
        """A member's socket follows a conversation from now on."""
        client: ChatClient = socket.data
        self._hub.leave(outside_room(conversation_id), socket)
        if not self._hub.join(conversation_room(conversation_id), socket) or client.dialect.follows_all:
            return
        if conversation_id in client.opened:
            return  # nobody was told that it was gone: the socket has taken another one's place
        client.opened.add(conversation_id)
        if self._openers(client, conversation_id) == 1:
            self._tell(RoomEntered(conversation_id, client.actor.user_id, client.actor.name))

    def close(self, socket: Socket, conversation_id: str) -> None:
        """A member's socket follows a conversation no more."""
        client: ChatClient = socket.data
        self._leave(socket, conversation_id)
        if client.dialect.told_outside:
            self._hub.join(outside_room(conversation_id), socket)

    def gone(self, client: ChatClient) -> None:
        """The client's socket has disconnected, and is in no room any more."""
        self._tell_gone(client, client.opened)

    def hand_over(self, client: ChatClient) -> None:
        """The client goes on at another node, and its socket here is about to go: it leaves its rooms when it has
        entered them there, so that nobody hears of either."""
        opened, client.opened = client.opened, set()
        if opened:
            asyncio.get_running_loop().call_later(HAND_OVER_S, self._tell_gone, client, opened)

    def _tell_gone(self, client: ChatClient, conversation_ids: Iterable[str]) -> None:
        for conversation_id in conversation_ids:
            self._tell_if_last(client, conversation_id)

    def _admit(self, socket: Socket, conversation_id: str) -> None:
        client: ChatClient = socket.data
        if client.dialect.follows_all:
            self._hub.join(conversation_room(conversation_id), socket)
        elif client.dialect.told_outside and conversation_id not in client.opened:
            self._hub.join(outside_room(conversation_id), socket)

    def _leave(self, socket: Socket, conversation_id: str) -> None:
        client: ChatClient = socket.data
        self._hub.leave(conversation_room(conversation_id), socket)
        if conversation_id in client.opened:
            client.opened.discard(conversation_id)
            self._tell_if_last(client, conversation_id)

    def _tell_if_last(self, client: ChatClient, conversation_id: str) -> None:
        if not self._openers(client, conversation_id):
            self._tell(RoomLeft(conversation_id, client.actor.user_id, client.actor.name))

    def _openers(self, client: ChatClient, conversation_id: str) -> int:
        """How many sockets of the client's user have opened a conversation."""
        devices = clients_in(self._hub, user_room(client.actor.user_id))
        return sum(conversation_id in socket.data.opened for socket in devices)
