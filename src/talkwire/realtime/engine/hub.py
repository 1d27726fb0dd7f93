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

    @property
    def out(self) -> list[bytes]:
        """Frames to write, in order. The list belongs to the connection's Engine.IO session, which never replaces it.

        Only the hub appends frames that are shared with other connections. A connection with frames in its list is
        queued to be flushed.
        """
        ...

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
    def channel(self) -> EncodingGroup: ...
    @property
    def connection(self) -> Outlet: ...
    @property
    def connected(self) -> bool: ...


class EncodingGroup:
    """Sockets that are sent the same bytes: those of one namespace that speak the same dialect."""

    __slots__ = ("name", "namespace", "rooms")

    def __init__(self, namespace: str, name: str = "") -> None:
        self.namespace = namespace
        self.name = name
        self.rooms: dict[str, dict[Occupant, Outlet]] = {}


class _ExtraFrames:
    """What was sent to one room and is not handed to its connections yet; `due`: until when it may wait."""

    __slots__ = ("due", "frames", "members")

    def __init__(self, members: dict[Occupant, Outlet], due: float) -> None:
        self.members = members
        self.due = due
        self.frames: list[bytes] = []

    def joined(self) -> bytes:
        return self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)


class Hub:
    """The rooms of this node and the connections that have something to be written.

    `expects_more` tells whether another broadcast is on its way: one to a large room then waits a little, since writing
    to all its members takes longer than what it waits for.
    """

    def __init__(self, expects_more: Callable[[], bool] = lambda: False) -> None:
        self.expects_more = expects_more
        self.channels: list[EncodingGroup] = []
        # By connection: one that is woken again and again in a turn is written to once.
        self._urgent: dict[Outlet, None] = {}
        self._bulk: list[Outlet] = []
        # The latest broadcasts to one room of each channel, not handed to its connections yet: see `_deliver`.
        self._aside: dict[EncodingGroup, _ExtraFrames] = {}
        self._room_timer: asyncio.TimerHandle | None = None
        self._flushing = False

    # --- rooms ------------------------------------------------------------------------------------------------------

    def add_channel(self, channel: EncodingGroup) -> EncodingGroup:
        self.channels.append(channel)
        return channel

    def join(self, room: str, socket: Occupant) -> bool:
        """False: the socket was in the room already, or has gone in the meantime and would stay for ever."""
        if not socket.connected:
            return False
        members = socket.channel.rooms.setdefault(room, {})
        if socket in members:
            return False
        self._settle(socket.channel, members)
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
        self._settle(socket.channel, members)
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

    def broadcast(self, room: str, encode: Callable[[EncodingGroup], bytes]) -> None:
        """Sends an event to everyone in a room. `encode` gives the frames for a channel, empty for none of its own."""
        for channel in self.channels:
            members = channel.rooms.get(room)
            if members:
                frames = encode(channel)
                if frames:
                    self._deliver(channel, members, frames)

    def broadcast_in(self, channel: EncodingGroup, room: str, frames: bytes, skip: Collection[Occupant] = ()) -> None:
        """Sends frames to everyone in a channel's room but the sockets in `skip`."""
        members = channel.rooms.get(room)
        if members:
            self._deliver(channel, {s: c for s, c in members.items() if s not in skip} if skip else members, frames)

    def broadcast_ephemeral(
        self, room: str, encode: Callable[[EncodingGroup], bytes], skip: Collection[Occupant] = ()
    ) -> None:
        """Like `broadcast`, but passes over the sockets in `skip` and those that are slow to read."""
        for channel in self.channels:
            members = channel.rooms.get(room)
            frames = encode(channel) if members else b""
            if members and frames:
                listening = {s: c for s, c in members.items() if s not in skip and not c.is_slow()}
                self._deliver(channel, listening, frames)

    def multicast(self, sockets: Iterable[Occupant], encode: Callable[[EncodingGroup], bytes]) -> None:
        """Like `broadcast`, to sockets that share no room."""
        by_channel: dict[EncodingGroup, dict[Occupant, Outlet]] = {}
        for socket in sockets:
            by_channel.setdefault(socket.channel, {})[socket] = socket.connection
        for channel, members in by_channel.items():
            frames = encode(channel)
            if frames:
                self._deliver(channel, members, frames)

    def multicast_ephemeral(self, sockets: Iterable[Occupant], encode: Callable[[EncodingGroup], bytes]) -> None:
        """Like `multicast`, but passes over the sockets that are slow to read."""
        self.multicast([socket for socket in sockets if not socket.connection.is_slow()], encode)

    def send(self, connection: Outlet, frames: bytes) -> None:
        """Sends to one connection, in this turn."""
        if self._aside:
            self.hand_out()  # the connection may be in such a room, and this was said after that
        connection.out.append(frames)
        self.wake(connection)

    def wake(self, connection: Outlet) -> None:
        """Has the connection's output written in this turn."""
        self._urgent[connection] = None
        if not self._flushing:
            self._schedule()

    def _deliver(self, channel: EncodingGroup, members: dict[Occupant, Outlet], frames: bytes) -> None:
        """Has frames written to everyone in a room, in the order of the calls.

        What goes to the same room of a channel again and again is kept aside and joined once for all, instead of once
        for each connection. A broadcast to another of its rooms, or somebody who comes or goes, has it handed out
        first, so that each socket gets everything in order, and just what was sent while it was in the room. No socket
        is in two channels, so that one channel's rooms do not wait for another's.
        """
        aside = self._aside.get(channel)
        if aside is None or aside.members is not members:
            if aside is not None:
                self._hand_out_of(channel)
            aside = self._aside[channel] = _ExtraFrames(members, asyncio.get_running_loop().time() + LINGER_S)
        aside.frames.append(frames)
        if not self._flushing:
            self._schedule()

    def _settle(self, channel: EncodingGroup, members: dict[Occupant, Outlet]) -> None:
        """Somebody is about to enter or leave a room."""
        aside = self._aside.get(channel)
        if aside is not None and aside.members is members:
            self._hand_out_of(channel)

    def hand_out(self) -> None:
        """Gives what was kept aside to its connections, to be written with what else they have. Whoever queues
        something for a connection by other means than `send` calls this first, or it would overtake that."""
        for channel in list(self._aside):
            self._hand_out_of(channel)

    def _hand_out_of(self, channel: EncodingGroup) -> None:
        aside = self._aside.pop(channel)
        frames = aside.joined()
        bulk = self._bulk
        for connection in aside.members.values():
            out = connection.out
            if not out or (connection.polling and len(out) % POLL_CHECK == 0):
                bulk.append(connection)
            out.append(frames)

    def _schedule(self) -> None:
        self._flushing = True
        asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        urgent, self._urgent = self._urgent, {}
        self._flush_all(urgent)
        if not self._bulk and self._may_linger():
            self._flushing = False
            if self._urgent:
                self._schedule()
            return
        if not self._bulk and sum(len(aside.members) for aside in self._aside.values()) <= SLICE:
            self._write_rooms()
        else:
            self.hand_out()
        bulk = self._bulk
        if len(bulk) <= SLICE:
            self._bulk = []
        else:
            bulk, self._bulk = bulk[:SLICE], bulk[SLICE:]
        self._flush_all(bulk)
        self._flushing = False
        # Writing may have ended a connection, and others may have been told of it.
        if self._bulk or self._urgent or self._aside:
            self._schedule()

    def _may_linger(self) -> bool:
        """Whether what was kept aside waits for what is on its way."""
        if not self._aside or sum(len(aside.members) for aside in self._aside.values()) < LARGE_ROOM:
            return False
        loop = asyncio.get_running_loop()
        due = min(aside.due for aside in self._aside.values())
        if loop.time() >= due or not self.expects_more():
            return False
        if self._room_timer is None:
            self._room_timer = loop.call_at(due, self._end_linger)
        return True

    def _end_linger(self) -> None:
        self._room_timer = None
        if not self._flushing:
            self._schedule()

    def _write_rooms(self) -> None:
        """Writes what was kept aside without a detour through each connection's list, unless it holds something."""
        asides, self._aside = self._aside, {}
        for aside in asides.values():
            frames = aside.joined()
            # A copy: writing may end a connection, which then leaves the room.
            for connection in list(aside.members.values()):
                try:
                    connection.write(frames)
                except Exception:
                    _logger.exception("a connection could not be written to")

    @staticmethod
    def _flush_all(connections: Iterable[Outlet]) -> None:
        for connection in connections:
            try:
                connection.flush()
            except Exception:
                # One connection's bug must not silence all others.
                _logger.exception("a connection could not be written to")
