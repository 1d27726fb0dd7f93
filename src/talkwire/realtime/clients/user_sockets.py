"""Finds the chat sockets of a user on all nodes."""

from __future__ import annotations

from talkwire.core.cluster.peers import Peers
from talkwire.realtime.clients.chat_client import clients_in, user_room
from talkwire.realtime.engine.hub import Hub

_QUESTION = "sockets"


class UserSockets:
    """Finds the chat sockets of a user on all nodes, and answers other nodes that look for them."""

    def __init__(self, hub: Hub, peers: Peers) -> None:
        self._hub = hub
        self._peers = peers
        peers.answer(_QUESTION, str, self._find_here)

    async def find(self, user_id: str) -> list[str]:
        """Returns the ids of a user's chat sockets on this node and on all others that reply within a second."""
        here = await self._find_here(user_id)
        others = await self._peers.ask(_QUESTION, user_id, list[str])
        return [*here, *(socket_id for found in others.values() for socket_id in found)]

    async def _find_here(self, user_id: str) -> list[str]:
        return [socket.id for socket in clients_in(self._hub, user_room(user_id))]
