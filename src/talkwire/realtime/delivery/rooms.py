"""Keeps track of which sockets follow which conversations, i.e. receive all their events. Depending on the dialect
(event vocabulary), these are all conversations of their user, or those that their clients open.

When a user's first socket opens a conversation or the last one leaves it, other members' sockets receive `RoomEntered`
or `RoomLeft`.
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
"""Seconds that a client may take to enter its rooms at the node where it resumes, before others see it leave."""


class Rooms:
    """Adds this node's chat sockets to rooms (named groups of sockets to which events are sent) and removes them.
    `publish` sends an event about a user who opened or left a conversation to other members' sockets on all nodes.
    """

    def __init__(self, hub: Hub, publish: Callable[[RoomEntered | RoomLeft], None]) -> None:
        self._hub = hub
        self._publish = publish

    def enter(self, socket: Socket, conversation_ids: Iterable[str]) -> None:
        """Adds a new socket to the room of its user, and to a room of each conversation: the followers' room if the
        socket's dialect follows all conversations, else the room for non-followers, if the dialect uses that.
        """
        client: ChatClient = socket.data
        self._hub.join(user_room(client.actor.user_id), socket)
        for conversation_id in conversation_ids:
            self._admit(socket, conversation_id)

    def resume(self, socket: Socket, conversation_ids: Iterable[str]) -> None:
        """Adds a resuming socket to the room of its user, to the rooms of those conversations that it followed before
        its disconnect, and to the rooms for non-followers of the others, if its dialect uses them.
        """
        client: ChatClient = socket.data
        assert client.recoverable is not None, "it resumes"
        self._hub.join(user_room(client.actor.user_id), socket)
        for conversation_id in conversation_ids:
            if client.recoverable.chosen.get(conversation_id):
                self.open(socket, conversation_id)
            elif client.recoverable.follows(conversation_id, by_default=client.dialect.follows_all):
                self._hub.join(conversation_room(conversation_id), socket)
            elif client.dialect.sends_to_non_followers:
                self._hub.join(non_followers_room(conversation_id), socket)

    def admit(self, conversation_id: str, user_ids: Iterable[str]) -> None:
        """Adds the sockets of new members to a conversation's room, or to its room for non-followers if their dialect
        follows only opened conversations. Leaves out a socket that is catching up on missed messages: that socket
        enters its rooms afterwards.
        """
        for user_id in user_ids:
            for socket in clients_in(self._hub, user_room(user_id)):
                if not socket.data.catching_up:
                    self._admit(socket, conversation_id)

    def expel(self, conversation_id: str, sockets: Sequence[Socket]) -> None:
        """Removes sockets from the rooms of a conversation that their users have left."""
        for socket in sockets:
            self._hub.leave(non_followers_room(conversation_id), socket)
            self._leave(socket, conversation_id)

    def open(self, socket: Socket, conversation_id: str) -> None:
        """Makes a member's socket follow a conversation, i.e. receive all its events. Publishes `RoomEntered` if it is
        the first of the user's sockets on this node that opens the conversation, unless the dialect follows all
        conversations anyway. If it does, opening has an effect for members through teams only: typing and other signals
        are sent to their sockets too.
        """
        client: ChatClient = socket.data
        self._hub.leave(non_followers_room(conversation_id), socket)
        is_new = self._hub.join(conversation_room(conversation_id), socket)
        if client.dialect.follows_all:
            if client.entry.is_only_through_teams(conversation_id):
                client.add_opened(conversation_id)
            return
        if not is_new:
            return
        if conversation_id in client.opened:
            return  # the socket has replaced another one, whose leaving was not published
        client.add_opened(conversation_id)
        if self._openers(client, conversation_id) == 1:
            self._publish(RoomEntered(conversation_id, client.actor.user_id, client.actor.name))

    def close(self, socket: Socket, conversation_id: str) -> None:
        """Stops a member's socket from following a conversation. Publishes `RoomLeft` if the client had opened it and
        no other socket of the user on this node has it open. If the dialect follows all conversations, the socket of a
        member through teams still follows it, but without signals.
        """
        client: ChatClient = socket.data
        if client.dialect.follows_all and client.entry.is_only_through_teams(conversation_id):
            client.remove_opened(conversation_id)
            return
        self._leave(socket, conversation_id)
        if client.dialect.sends_to_non_followers:
            self._hub.join(non_followers_room(conversation_id), socket)

    def publish_left(self, client: ChatClient) -> None:
        """Publishes `RoomLeft` for the conversations that a disconnected socket had open, and that no other socket of
        the user on this node has open. Call it after the socket was removed from all rooms.
        """
        self._publish_left(client, client.opened)

    def delay_leaving(self, client: ChatClient) -> None:
        """Delays the `RoomLeft` events of a client that moves to another node by HAND_OVER_S seconds. If the client
        enters its rooms at that node within that time, other members receive neither `RoomLeft` nor `RoomEntered`.
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
        if not client.dialect.follows_all and not self._openers(client, conversation_id):
            self._publish(RoomLeft(conversation_id, client.actor.user_id, client.actor.name))

    def _openers(self, client: ChatClient, conversation_id: str) -> int:
        """Returns how many sockets of the client's user on this node have opened a conversation, in dialects that
        follow only what is opened."""
        devices = clients_in(self._hub, user_room(client.actor.user_id))
        return sum(conversation_id in s.data.opened and not s.data.dialect.follows_all for s in devices)
