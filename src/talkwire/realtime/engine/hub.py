"""The hub: this node's rooms (names that events are sent to), and the queues of output for connections.

A frame is encoded once per encoding group (sockets of one namespace and dialect, i.e. event vocabulary) and shared by
all its recipients. Each connection is written to once per turn of the event loop.

Output for one connection goes before broadcasts, and broadcasts to many connections are written in slices, so that a
message to a very large room delays neither acks nor heartbeats.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

import structlog

BROADCAST_SLICE = 1000
"""Number of connections that a broadcast writes to in one turn of the event loop: about 8 ms."""

LARGE_ROOM = 100
"""Number of sockets from which on a broadcast to a room may wait for the next one."""

BROADCAST_LINGER_S = 0.002
"""Seconds that a broadcast to a room of `LARGE_ROOM` sockets waits for the next one: a quarter of the time that writing
to 1,000 connections takes.
"""

FEW_ROOMS = 4
"""Most rooms of a connection that are kept in a tuple, which takes 160 bytes less than a set."""

POLL_CHECK = 64
"""Number of frames after which a polling client's unfetched output is checked once more."""

_logger = structlog.get_logger(__name__)


class Outlet(Protocol):
    """The interface that the hub uses of a connection: frames are appended to `out` or passed to `write`, and `flush`
    writes what is in `out`.
    """

    @property
    def out(self) -> list[bytes]:
        """Frames to write, in order. The list belongs to the connection's Engine.IO session, which never replaces it.

        Only the hub appends frames that are shared with other connections. A connection with frames in its list is
        queued to be flushed.
        """
        ...

    polling: bool
    """Whether the connection uses polling, so that output waits until the client polls."""

    def write(self, frames: bytes) -> None:
        """Writes frames that other recipients share, after the frames that are queued for this connection."""
        ...

    def flush(self) -> None: ...
    def is_slow(self) -> bool: ...


class Occupant(Protocol):
    """The interface that the hub uses of a socket. An occupant of a room receives the events that
    are sent to the room.
    """

    rooms: tuple[str, ...] | set[str]
    """The rooms that the connection is in: up to `FEW_ROOMS` as a tuple. Only the hub changes them."""

    @property
    def encoding_group(self) -> EncodingGroup: ...
    @property
    def connection(self) -> Outlet: ...
    @property
    def connected(self) -> bool: ...


class EncodingGroup:
    """Sockets that receive the same bytes for an event: those of one namespace that speak the same dialect (event
    vocabulary). `rooms` has their connections by room and socket.
    """

    __slots__ = ("name", "namespace", "rooms")

    def __init__(self, namespace: str, name: str = "") -> None:
        self.namespace = namespace
        self.name = name
        self.rooms: dict[str, dict[Occupant, Outlet]] = {}


class _ExtraFrames:
    """Pending broadcasts to one room (a named group of sockets): frames that are not in the queues of its connections
    yet. They may wait for further broadcasts until the time `due`, in seconds of the event loop's clock. `members` are
    the room's sockets with their connections.
    """

    __slots__ = ("due", "frames", "members")

    def __init__(self, members: dict[Occupant, Outlet], due: float) -> None:
        self.members = members
        self.due = due
        self.frames: list[bytes] = []

    def joined(self) -> bytes:
        return self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)


class Hub:
    """The rooms (named groups of sockets) of this node, and the queues of connections that have output to be written.
    All methods must be called on the event loop's thread.

    `expects_more` returns whether another broadcast is about to come. A broadcast to a large room then waits up to
    BROADCAST_LINGER_S seconds, since one write for both is cheaper than two.
    """

    def __init__(self, expects_more: Callable[[], bool] = lambda: False) -> None:
        self.expects_more = expects_more
        self.encoding_groups: list[EncodingGroup] = []
        self.deliveries = 0
        """Number of broadcasts that were sent, counted once for each socket."""
        # Keyed by connection: one that is woken several times in a turn is written to once.
        self._urgent: dict[Outlet, None] = {}
        self._bulk: list[Outlet] = []
        # Per encoding group, the latest broadcasts to one room that are not in its connections' queues yet: see
        # `_deliver`.
        self._pending: dict[EncodingGroup, _ExtraFrames] = {}
        self._room_timer: asyncio.TimerHandle | None = None
        self._flushing = False

    # --- rooms ------------------------------------------------------------------------------------------------------

    def add_encoding_group(self, group: EncodingGroup) -> EncodingGroup:
        self.encoding_groups.append(group)
        return group

    def join(self, room: str, socket: Occupant) -> bool:
        """Adds a socket to a room. Returns False if it is in the room already, or has disconnected."""
        if not socket.connected:
            return False
        members = socket.encoding_group.rooms.setdefault(room, {})
        if socket in members:
            return False
        if self._pending:
            self._flush_before_change(socket.encoding_group, members)
        members[socket] = socket.connection
        rooms = socket.rooms
        if isinstance(rooms, set):
            rooms.add(room)
        else:
            socket.rooms = (*rooms, room) if len(rooms) < FEW_ROOMS else {*rooms, room}
        return True

    def leave(self, room: str, socket: Occupant) -> bool:
        """Removes a socket from a room. Returns False if it is not in the room."""
        rooms = socket.rooms
        if room not in rooms:
            return False
        if isinstance(rooms, set):
            rooms.discard(room)
        else:
            socket.rooms = tuple(other for other in rooms if other != room)
        self._remove(room, socket)
        return True

    def leave_all(self, socket: Occupant) -> None:
        rooms, socket.rooms = socket.rooms, ()
        for room in rooms:
            self._remove(room, socket)

    def _remove(self, room: str, socket: Occupant) -> None:
        members_by_room = socket.encoding_group.rooms
        members = members_by_room[room]
        if self._pending:
            self._flush_before_change(socket.encoding_group, members)
        del members[socket]
        if not members:
            del members_by_room[room]

    def sockets_in(self, room: str) -> list[Occupant]:
        """Returns the sockets in a room, of all namespaces and dialects (event vocabularies)."""
        return [socket for group in self.encoding_groups for socket in group.rooms.get(room, ())]

    def count_in(self, room: str) -> int:
        """Returns how many sockets are in a room, of all namespaces and dialects."""
        return sum(len(group.rooms.get(room, ())) for group in self.encoding_groups)

    # --- output -----------------------------------------------------------------------------------------------------

    def broadcast(self, room: str, encode: Callable[[EncodingGroup], bytes]) -> None:
        """Sends an event to every socket in a room. `encode` returns the event's frames for an encoding group (sockets
        that receive the same bytes); empty to skip the group.
        """
        for group in self.encoding_groups:
            members = group.rooms.get(room)
            if members:
                frames = encode(group)
                if frames:
                    self._deliver(group, members, frames)

    def broadcast_in(self, group: EncodingGroup, room: str, frames: bytes, skip: Collection[Occupant] = ()) -> None:
        """Sends frames to those sockets in a room that are in one encoding group (sockets that receive the same bytes),
        except those in `skip`.
        """
        members = group.rooms.get(room)
        if members:
            self._deliver(group, {s: c for s, c in members.items() if s not in skip} if skip else members, frames)

    def broadcast_ephemeral(
        self, room: str, encode: Callable[[EncodingGroup], bytes], skip: Collection[Occupant] = ()
    ) -> None:
        """Sends an ephemeral event to the sockets in a room, except those in `skip` and those of clients that read
        slowly. `encode` returns the event's frames for an encoding group (sockets that receive the same bytes); empty
        to skip the group.
        """
        for group in self.encoding_groups:
            members = group.rooms.get(room)
            frames = encode(group) if members else b""
            if members and frames:
                listening = {s: c for s, c in members.items() if s not in skip and not c.is_slow()}
                self._deliver(group, listening, frames)

    def multicast(self, sockets: Iterable[Occupant], encode: Callable[[EncodingGroup], bytes]) -> None:
        """Sends an event to the sockets in `sockets`. `encode` returns the event's frames for an encoding group
        (sockets that receive the same bytes); empty to skip the group.
        """
        by_group: dict[EncodingGroup, dict[Occupant, Outlet]] = {}
        for socket in sockets:
            by_group.setdefault(socket.encoding_group, {})[socket] = socket.connection
        for group, members in by_group.items():
            frames = encode(group)
            if frames:
                self._deliver(group, members, frames)

    def multicast_ephemeral(self, sockets: Iterable[Occupant], encode: Callable[[EncodingGroup], bytes]) -> None:
        """Sends an ephemeral event to the sockets in `sockets`, except those of clients that read slowly. `encode`
        returns the event's frames for an encoding group (sockets that receive the same bytes).
        """
        self.multicast([socket for socket in sockets if not socket.connection.is_slow()], encode)

    def send(self, connection: Outlet, frames: bytes) -> None:
        """Queues frames for one connection, after everything that was sent to the connection before. They are written
        at the end of this turn of the event loop.
        """
        if self._pending:
            self.flush_pending()  # keeps the order: the connection may be in a room with pending broadcasts
        connection.out.append(frames)
        self.wake(connection)

    def wake(self, connection: Outlet) -> None:
        """Queues a connection whose output list `out` has frames, so that it is flushed at the end of this turn of the
        event loop.
        """
        self._urgent[connection] = None
        if not self._flushing:
            self._schedule()

    def _deliver(self, group: EncodingGroup, members: dict[Occupant, Outlet], frames: bytes) -> None:
        """Queues frames for every connection in `members` (a room's sockets of one encoding group), in the order of the
        calls.

        Consecutive broadcasts to one room stay pending, to be joined once for all connections. A broadcast to another
        room of the group flushes them. No socket is in two groups, so each group has its own pending room.
        """
        pending = self._pending.get(group)
        if pending is None or pending.members is not members:
            if pending is not None:
                self._flush_group(group)
            pending = self._pending[group] = _ExtraFrames(
                members, asyncio.get_running_loop().time() + BROADCAST_LINGER_S
            )
        pending.frames.append(frames)
        self.deliveries += len(members)
        if not self._flushing:
            self._schedule()

    def _flush_before_change(self, group: EncodingGroup, members: dict[Occupant, Outlet]) -> None:
        """Moves a room's pending broadcasts into the queues of its connections. Called before a socket joins or leaves
        the room, so that exactly the present sockets receive them.
        """
        pending = self._pending.get(group)
        if pending is not None and pending.members is members:
            self._flush_group(group)

    def flush_pending(self) -> None:
        """Moves all pending broadcasts into the queues of their connections.

        Call this before you queue something for a connection by other means than `send`; otherwise it would overtake
        the broadcasts.
        """
        for group in list(self._pending):
            self._flush_group(group)

    def _flush_group(self, group: EncodingGroup) -> None:
        pending = self._pending.pop(group)
        frames = pending.joined()
        bulk = self._bulk
        for connection in pending.members.values():
            out = connection.out
            # A connection with something in `out` is queued already; a polling one is checked now and then.
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
        if not self._bulk and sum(len(pending.members) for pending in self._pending.values()) <= BROADCAST_SLICE:
            self._write_rooms()
        else:
            self.flush_pending()
        bulk = self._bulk
        if len(bulk) <= BROADCAST_SLICE:
            self._bulk = []
        else:
            bulk, self._bulk = bulk[:BROADCAST_SLICE], bulk[BROADCAST_SLICE:]
        self._flush_all(bulk)
        self._flushing = False
        # Writing may have ended a connection, and its end may have caused more output.
        if self._bulk or self._urgent or self._pending:
            self._schedule()

    def _may_linger(self) -> bool:
        """Returns whether pending broadcasts may wait a little longer for another one: only for large rooms, and only
        while one is expected. If so, starts the timer that ends the wait.
        """
        if not self._pending or sum(len(pending.members) for pending in self._pending.values()) < LARGE_ROOM:
            return False
        loop = asyncio.get_running_loop()
        due = min(pending.due for pending in self._pending.values())
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
        """Writes pending broadcasts to their connections at once, without the queues. A connection with queued output
        still gets that first.
        """
        rooms, self._pending = self._pending, {}
        for pending in rooms.values():
            frames = pending.joined()
            # A copy: writing may end a connection, which then leaves the room.
            for connection in list(pending.members.values()):
                try:
                    connection.write(frames)
                except Exception:
                    _logger.exception("connection_not_written")

    @staticmethod
    def _flush_all(connections: Iterable[Outlet]) -> None:
        for connection in connections:
            try:
                connection.flush()
            except Exception:
                # A defect in one connection must not stop output to all others.
                _logger.exception("connection_not_written")
