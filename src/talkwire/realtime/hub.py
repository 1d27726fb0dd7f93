"""Rooms, and how output leaves: a frame is encoded once a channel, shared by all recipients, and each connection is
written to once a turn of the event loop.

Answers to one connection go before broadcasts, and broadcasts to many connections are written in slices, so that a
message to a very large room holds up neither acks nor heartbeats.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

import structlog

SLICE = 500
"""Connections written to in one turn, for broadcasts: about 3 ms."""

POLL_CHECK = 64
"""After how many frames that no poll has fetched it is looked at how much they are."""

_logger = structlog.get_logger(__name__)


class Outlet(Protocol):
    """A connection, as far as output goes."""

    out: list[bytes]
    polling: bool
    """Whether output waits until the client asks for it."""

    def flush(self) -> None: ...
    def is_slow(self) -> bool: ...


class Occupant(Protocol):
    """A socket, as far as rooms go."""

    rooms: set[str]

    @property
    def channel(self) -> Channel: ...
    @property
    def connection(self) -> Outlet: ...
    @property
    def connected(self) -> bool: ...


class Channel:
    """Sockets that are sent the same bytes: those of one namespace that speak the same dialect."""

    __slots__ = ("name", "namespace", "rooms")

    def __init__(self, namespace: str, name: str = "") -> None:
        self.namespace = namespace
        self.name = name
        self.rooms: dict[str, dict[Occupant, Outlet]] = {}


class Hub:
    """The rooms of this node and the connections that have something to be written."""

    def __init__(self) -> None:
        self.channels: list[Channel] = []
        self._urgent: list[Outlet] = []
        self._bulk: list[Outlet] = []
        self._flushing = False

    # --- rooms ------------------------------------------------------------------------------------------------------

    def add_channel(self, channel: Channel) -> Channel:
        self.channels.append(channel)
        return channel

    def join(self, room: str, socket: Occupant) -> bool:
        """False: the socket was in the room already, or has gone in the meantime and would stay for ever."""
        if not socket.connected:
            return False
        members = socket.channel.rooms.setdefault(room, {})
        if socket in members:
            return False
        members[socket] = socket.connection
        socket.rooms.add(room)
        return True

    def leave(self, room: str, socket: Occupant) -> bool:
        """False: the socket was not in the room."""
        if room not in socket.rooms:
            return False
        socket.rooms.discard(room)
        rooms = socket.channel.rooms
        members = rooms[room]
        del members[socket]
        if not members:
            del rooms[room]
        return True

    def leave_all(self, socket: Occupant) -> None:
        for room in list(socket.rooms):
            self.leave(room, socket)

    def sockets_in(self, room: str) -> list[Occupant]:
        """The room's sockets, of all channels."""
        return [socket for channel in self.channels for socket in channel.rooms.get(room, ())]

    # --- output -----------------------------------------------------------------------------------------------------

    def broadcast(self, room: str, encode: Callable[[Channel], bytes]) -> None:
        """Sends an event to everyone in a room. `encode` gives the frames for a channel, empty for none of its own."""
        for channel in self.channels:
            members = channel.rooms.get(room)
            if members:
                frames = encode(channel)
                if frames:
                    self._deliver(members, frames)

    def broadcast_ephemeral(
        self, room: str, encode: Callable[[Channel], bytes], skip: Collection[Occupant] = ()
    ) -> None:
        """Like `broadcast`, but passes over the sockets in `skip` and those that are slow to read."""
        for channel in self.channels:
            members = channel.rooms.get(room)
            frames = encode(channel) if members else b""
            if members and frames:
                listening = {s: c for s, c in members.items() if s not in skip and not c.is_slow()}
                self._deliver(listening, frames)

    def send(self, connection: Outlet, frames: bytes) -> None:
        """Sends to one connection, in this turn."""
        connection.out.append(frames)
        self.wake(connection)

    def wake(self, connection: Outlet) -> None:
        """Has the connection's output written in this turn."""
        self._urgent.append(connection)
        if not self._flushing:
            self._schedule()

    def _deliver(self, members: dict[Occupant, Outlet], frames: bytes) -> None:
        bulk = self._bulk
        for connection in members.values():
            out = connection.out
            if not out or (connection.polling and len(out) % POLL_CHECK == 0):
                bulk.append(connection)
            out.append(frames)
        if not self._flushing:
            self._schedule()

    def _schedule(self) -> None:
        self._flushing = True
        asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        urgent, self._urgent = self._urgent, []
        self._flush_all(urgent)
        bulk = self._bulk
        if len(bulk) <= SLICE:
            self._bulk = []
        else:
            bulk, self._bulk = bulk[:SLICE], bulk[SLICE:]
        self._flush_all(bulk)
        self._flushing = False
        if self._bulk or self._urgent:
            self._schedule()

    @staticmethod
    def _flush_all(connections: list[Outlet]) -> None:
        for connection in connections:
            try:
                connection.flush()
            except Exception:
                # One connection's bug must not silence all others.
                _logger.exception("a connection could not be written to")
