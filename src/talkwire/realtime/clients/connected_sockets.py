"""The signed-in chat sockets of this node, as the operators' console lists and ends them."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from talkwire.console.connections import ConnectionRecord, WantedConnections
from talkwire.realtime.clients.chat_client import ChatClient, clients_in, user_room
from talkwire.realtime.engine.connection import Connection
from talkwire.realtime.socketio.socket_server import SocketServer
from talkwire.realtime.socketio.socketio_socket import Socket, SocketConnection

SOCKETS_AT_ONCE = 1000
"""Number of connections that are looked at before other tasks run: that takes about a millisecond."""


class ConnectedSockets:
    """Finds, counts and ends this node's signed-in sockets for operators; implements
    `console.connections.LocalConnections`. `end` sends a client the reason and disconnects its socket.
    """

    def __init__(self, server: SocketServer, node_id: str, end: Callable[[Socket], None]) -> None:
        self._server = server
        self._node_id = node_id
        self._end = end
        # Measured once: a connection's time must be the same on each page.
        self._epoch_s = time.time() - server.now()

    @property
    def count(self) -> int:
        return self._server.metrics.sockets

    async def find(self, wanted: WantedConnections) -> Sequence[ConnectionRecord]:
        best: list[ConnectionRecord] = []
        connections = self._server.connections
        for start in range(0, len(connections), SOCKETS_AT_ONCE):
            if start:
                await asyncio.sleep(0)
            found = self._records(connections[start : start + SOCKETS_AT_ONCE])
            best = heapq.nlargest(
                wanted.limit,
                [*best, *(record for record in found if wanted.includes(record))],
                key=lambda record: record.key,
            )
        return best

    def get(self, socket_id: str) -> ConnectionRecord | None:
        socket = self._socket(socket_id)
        return None if socket is None else self._record(socket, socket.data)

    def end(self, socket_id: str) -> bool:
        socket = self._socket(socket_id)
        if socket is None:
            return False
        self._end(socket)
        return True

    def count_of(self, user_ids: Collection[str]) -> Mapping[str, int]:
        counts = {user_id: len(clients_in(self._server.hub, user_room(user_id))) for user_id in user_ids}
        return {user_id: count for user_id, count in counts.items() if count}

    def _socket(self, socket_id: str) -> Socket | None:
        sockets = (socket for socket in _signed_in(self._server.connections) if socket.id == socket_id)
        return next(sockets, None)

    def _records(self, connections: Sequence[Connection]) -> Iterator[ConnectionRecord]:
        return (self._record(socket, socket.data) for socket in _signed_in(connections))

    def _record(self, socket: Socket, client: ChatClient) -> ConnectionRecord:
        return ConnectionRecord(
            id=socket.id,
            user_id=client.actor.user_id,
            transport=socket.connection.session.transport.value,
            dialect=client.dialect.name,
            node_id=self._node_id,
            address=socket.connection.handshake.address,
            connected_ms=round((client.connected_at + self._epoch_s) * 1000),
        )


def _signed_in(connections: Sequence[Connection]) -> Iterator[Socket]:
    """Yields the sockets on these connections that are connected and signed in to the chat."""
    for connection in connections:
        if isinstance(connection, SocketConnection):
            for socket in connection.sockets:
                if socket.connected and isinstance(socket.data, ChatClient):
                    yield socket
