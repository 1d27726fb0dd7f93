"""Rooms, and how output leaves: a frame is encoded once a channel, shared by all recipients, and each connection is
written to once a turn of the event loop.

Answers to one connection go before broadcasts, and broadcasts to many connections are written in slices, so that a
message to a very large room holds up neither acks nor heartbeats.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

import structlog

SLICE = 1000
"""Connections written to in one turn, for broadcasts: about 8 ms."""

LARGE_ROOM = 100
LINGER_S = 0.002
"""How long a broadcast to a room of this many may wait for the next: a quarter of what writing to 1,000 takes."""

POLL_CHECK = 64
"""After how many frames that no poll has fetched it is looked at how much they are."""

_logger = structlog.get_logger(__name__)


class Outlet(Protocol):
    """A connection, as far as output goes."""

    out: list[bytes]
    polling: bool
    """Whether output waits until the client asks for it."""

    def write(self, frames: bytes) -> None:
        """Writes at once what is shared with others, behind what is queued."""
        ...

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
    """The rooms of this node and the connections that have something to be written.

    `expects_more` tells whether another broadcast is on its way: one to a large room then waits a little, since writing
    to all its members takes longer than what it waits for.
    """

    def __init__(self, expects_more: Callable[[], bool] = lambda: False) -> None:
        self.expects_more = expects_more
        self.channels: list[Channel] = []
        self._urgent: list[Outlet] = []
        self._bulk: list[Outlet] = []
        # The latest broadcasts to one room, not handed to its connections yet: see `_deliver`.
        self._room_members: dict[Occupant, Outlet] | None = None
        self._room_frames: list[bytes] = []
        self._room_due = 0.0
        self._room_timer: asyncio.TimerHandle | None = None
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
        self._settle(members)
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
        self._settle(members)
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

    def multicast(self, sockets: Iterable[Occupant], encode: Callable[[Channel], bytes]) -> None:
        """Like `broadcast`, to sockets that share no room."""
        by_channel: dict[Channel, dict[Occupant, Outlet]] = {}
        for socket in sockets:
            by_channel.setdefault(socket.channel, {})[socket] = socket.connection
        for channel, members in by_channel.items():
            frames = encode(channel)
            if frames:
                self._deliver(members, frames)

    def multicast_ephemeral(self, sockets: Iterable[Occupant], encode: Callable[[Channel], bytes]) -> None:
        """Like `multicast`, but passes over the sockets that are slow to read."""
        self.multicast([socket for socket in sockets if not socket.connection.is_slow()], encode)

    def send(self, connection: Outlet, frames: bytes) -> None:
        """Sends to one connection, in this turn."""
        if self._room_members is not None:
            self._hand_out()  # the connection may be in that room, and this was said after that
        connection.out.append(frames)
        self.wake(connection)

    def wake(self, connection: Outlet) -> None:
        """Has the connection's output written in this turn."""
        self._urgent.append(connection)
        if not self._flushing:
            self._schedule()

    def _deliver(self, members: dict[Occupant, Outlet], frames: bytes) -> None:
        """Has frames written to everyone in a room, in the order of the calls.

        What goes to the same room again and again is kept aside and joined once for all, instead of once for each
        connection. A broadcast to another room, or somebody who comes or goes, has it handed out first, so that each
        connection gets everything in order, and just what was sent while it was in the room.
        """
        if members is not self._room_members:
            self._hand_out()
            self._room_members = members
            self._room_due = asyncio.get_running_loop().time() + LINGER_S
        self._room_frames.append(frames)
        if not self._flushing:
            self._schedule()

    def _settle(self, members: dict[Occupant, Outlet]) -> None:
        """Somebody is about to enter or leave a room."""
        if members is self._room_members:
            self._hand_out()

    def _hand_out(self) -> None:
        """Gives what was kept aside to its connections, to be written with what else they have."""
        members, frames = self._take_aside()
        bulk = self._bulk
        for connection in members:
            out = connection.out
            if not out or (connection.polling and len(out) % POLL_CHECK == 0):
                bulk.append(connection)
            out.append(frames)

    def _take_aside(self) -> tuple[Collection[Outlet], bytes]:
        members, self._room_members = self._room_members, None
        if members is None:
            return (), b""
        frames = self._room_frames[0] if len(self._room_frames) == 1 else b"".join(self._room_frames)
        self._room_frames.clear()
        # A copy: writing may end a connection, which then leaves the room.
        return list(members.values()), frames

    def _schedule(self) -> None:
        self._flushing = True
        asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        urgent, self._urgent = self._urgent, []
        self._flush_all(urgent)
        if not self._bulk and self._may_linger():
            self._flushing = False
            if self._urgent:
                self._schedule()
            return
        if not self._bulk and self._room_members is not None and len(self._room_members) <= SLICE:
            self._write_room()
        else:
            self._hand_out()
        bulk = self._bulk
        if len(bulk) <= SLICE:
            self._bulk = []
        else:
            bulk, self._bulk = bulk[:SLICE], bulk[SLICE:]
        self._flush_all(bulk)
        self._flushing = False
        # Writing may have ended a connection, and others may have been told of it.
        if self._bulk or self._urgent or self._room_members is not None:
            self._schedule()

    def _may_linger(self) -> bool:
        """Whether what was kept aside waits for what is on its way."""
        loop = asyncio.get_running_loop()
        if self._room_members is None or len(self._room_members) < LARGE_ROOM or loop.time() >= self._room_due:
            return False
        if not self.expects_more():
            return False
        if self._room_timer is None:
            self._room_timer = loop.call_at(self._room_due, self._end_linger)
        return True

    def _end_linger(self) -> None:
        self._room_timer = None
        if not self._flushing:
            self._schedule()

    def _write_room(self) -> None:
        """Writes what was kept aside without a detour through each connection's list, unless it holds something."""
        members, frames = self._take_aside()
        for connection in members:
            try:
                connection.write(frames)
            except Exception:
                _logger.exception("a connection could not be written to")

    @staticmethod
    def _flush_all(connections: list[Outlet]) -> None:
        for connection in connections:
            try:
                connection.flush()
            except Exception:
                # One connection's bug must not silence all others.
                _logger.exception("a connection could not be written to")
