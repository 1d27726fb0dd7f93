"""The messages about sockets that nodes exchange and send to Admin UI pages: descriptions of sockets, events that were
sent or received, and statistics.

The names of their fields on the wire are those of Socket.IO's Admin UI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec


class HandshakeView(msgspec.Struct, frozen=True):
    """The data about a session's opening request that Admin UI pages show. `issued` is the time at which the socket
    connected, in milliseconds since 1970.
    """

    address: str
    issued: int
    query: dict[str, str]
    headers: dict[str, str] = {}
    """Always empty: headers are not kept. The page requires the field."""


class SocketView(msgspec.Struct, frozen=True, rename="camel"):
    """The description of one socket that Admin UI pages show. `nsp` is the namespace; `client_id` is a hash of the
    engine session's secret id; `rooms` has at most `node_watch.ROOMS_MAX` rooms.
    """

    id: str
    client_id: str
    transport: str
    nsp: str
    data: dict[str, str]
    handshake: HandshakeView
    rooms: list[str]


class EventView(msgspec.Struct, frozen=True):
    """An event to show on Admin UI pages, which a client has sent (`kind` is `event_received`) or received
    (`event_sent`). `args` begins with the event's name.
    """

    kind: str
    nsp: str
    socket_id: str
    args: list[Any]
    time: str


class StatisticsView(msgspec.Struct, frozen=True, rename="camel"):
    """Statistics of one node for Admin UI pages. `clients_count` and `polling_clients_count` are present numbers of
    connections, `uptime` is in seconds; `aggregated_events` counts what happened, such as bytes received, since the
    previous statistics for the same viewer (a node with Admin UI pages).
    """

    server_id: str
    hostname: str
    pid: int
    uptime: float
    clients_count: int
    polling_clients_count: int
    namespaces: list[dict[str, str | int]]
    aggregated_events: list[dict[str, str | int]]


class NodeNews(msgspec.Struct, frozen=True):
    """The changes among one node's sockets since the viewer (a node with Admin UI pages) asked last.

    `number` numbers the reports to this viewer. If `complete` is True, `sockets` has all sockets that the node shows,
    else those that are new or have changed. `gone` maps the ids of ended sockets to the reasons. `left_out` counts
    events that happened but are not in `events`.
    """

    number: int
    complete: bool
    time: str
    sockets: list[SocketView]
    gone: dict[str, str]
    events: list[EventView]
    left_out: int
    statistics: StatisticsView


class NewsQuestion(msgspec.Struct, frozen=True):
    """The question of a node with Admin UI pages to all nodes: which sockets have changed. `viewer` is the asking
    node's id; `after` has the number of the last NodeNews that it received, by node id.
    """

    viewer: str
    after: dict[str, int]


Packet = tuple[Any, ...]
"""An event for Admin UI pages: its name and its arguments."""

_NO_SOCKETS: Mapping[str, SocketView] = {}


class Mirror:
    """The sockets of all nodes, as this node last showed them to the connected Admin UI pages."""

    def __init__(self) -> None:
        self._nodes: dict[str, dict[str, SocketView]] = {}

    def views(self) -> Iterator[SocketView]:
        for sockets in self._nodes.values():
            yield from sockets.values()

    def forget(self, node_id: str, time: str) -> list[Packet]:
        """Removes the sockets of a node that is no longer alive. Returns a disconnect event, with the time `time` in
        ISO 8601, for each of them, to send to the pages.
        """
        gone = self._nodes.pop(node_id, _NO_SOCKETS)
        return [("socket_disconnected", view.nsp, view.id, "server shutting down", time) for view in gone.values()]

    def node_ids(self) -> list[str]:
        return list(self._nodes)

    def adopt(self, node_id: str, news: NodeNews) -> list[Packet]:
        """Applies a node's report of changed sockets (NodeNews), and returns the resulting events to send to the
        pages.
        """
        sockets = self._nodes.setdefault(node_id, {})
        packets: list[Packet] = []
        shown = {view.id for view in news.sockets}
        gone = [id_ for id_ in sockets if id_ in news.gone or (news.complete and id_ not in shown)]
        for id_ in gone:
            view = sockets.pop(id_)
            packets.append(("socket_disconnected", view.nsp, id_, news.gone.get(id_, "transport close"), news.time))
        for view in news.sockets:
            before = sockets.get(view.id)
            sockets[view.id] = view
            packets += _changes(before, view, news.time)
        for event in news.events:
            packets.append((event.kind, event.nsp, event.socket_id, event.args, event.time))
        return packets


def _changes(before: SocketView | None, after: SocketView, time: str) -> Iterator[Packet]:
    if before is None:
        yield ("socket_connected", after, time)
        return
    rooms = set(before.rooms)
    for room in after.rooms:
        if room not in rooms:
            yield ("room_joined", after.nsp, room, after.id, time)
    rooms = set(after.rooms)
    for room in before.rooms:
        if room not in rooms:
            yield ("room_left", after.nsp, room, after.id, time)
    if (before.transport, before.data) != (after.transport, after.data):
        changed = {"id": after.id, "nsp": after.nsp, "transport": after.transport, "data": after.data}
        yield ("socket_updated", changed)
