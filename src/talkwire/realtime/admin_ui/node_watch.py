"""Observes the sockets of one node for viewers: the nodes to which pages of the Admin UI are connected.

The cost is bounded: a viewer receives descriptions of the oldest SOCKETS_MAX sockets with ROOMS_MAX rooms each, and
EVENTS_MAX events each time it asks. Further events are counted, not kept. Without a viewer, only the sockets are
listed.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket as sockets_of_the_system
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import Any

import msgspec

from talkwire.realtime.admin_ui.node_news import EventView, HandshakeView, NodeNews, SocketView, StatisticsView
from talkwire.realtime.clients.chat_client import ChatClient
from talkwire.realtime.engine.hub import Occupant, Outlet
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.socketio.socketio_socket import Socket, SocketConnection
from talkwire.wire import unframe

SOCKETS_MAX = 300
ROOMS_MAX = 50
EVENTS_MAX = 100
RECIPIENTS_MAX = 10
"""The most recipients of one broadcast that Admin UI pages show."""

CONTENTS_MAX = 4096
"""The largest content of an event that Admin UI pages show, in bytes of its JSON."""

NAME_MAX = 128
VIEWER_S = 10.0
"""Seconds for which a viewer that no longer asks is remembered."""

_QUERY_SHOWN = ("EIO", "transport", "dialect")
_EVENT = re.compile(r"4[25](?:\d+-)?(?P<nsp>/[^,]*,)?\d*(?P<args>\[.*)", re.DOTALL)
_NAME = re.compile(r'\["((?:[^"\\]|\\.)*)"')


class Traffic:
    """Counters of the bytes in messages from and to the clients of this node, since the start."""

    __slots__ = ("bytes_in", "bytes_out")

    def __init__(self) -> None:
        self.bytes_in = 0
        self.bytes_out = 0


class _Viewer:
    """The state of one viewer (a node with Admin UI pages): events that it has not fetched yet, and the sockets that it
    knows.
    """

    __slots__ = ("counts", "events", "expiry", "gone", "known", "left_out", "number")

    def __init__(self, counts: Mapping[tuple[str, str], int]) -> None:
        self.number = 0
        self.known: dict[str, SocketView] = {}
        self.gone: dict[str, str] = {}
        self.events: list[EventView] = []
        self.left_out = 0
        self.counts = counts
        self.expiry: asyncio.TimerHandle | None = None


class NodeWatch:
    """Lists the sockets of this node, and collects their events while there are viewers (nodes with Admin UI pages)
    that ask for `news`.

    `detail` is the setting `socketio_admin_detail`, how much pages show: `totals` is only statistics, `sockets` adds
    the sockets, `events` also the names of their events, `contents` also the events' arguments.
    """

    def __init__(
        self,
        metrics: RealtimeMetrics,
        connections: Collection[Outlet],
        detail: str,
    ) -> None:
        self.detail = detail
        self.traffic = Traffic()
        self.sockets: dict[Socket, int] = {}
        """When each socket connected, in milliseconds since 1970; the oldest first."""
        self._namespaces: Counter[str] = Counter()
        self._metrics = metrics
        self._connections = connections
        self._viewers: dict[str, _Viewer] = {}
        self._began = time.monotonic()
        self._host = sockets_of_the_system.gethostname()
        self.node_id = ""

    # --- what happens to sockets ------------------------------------------------------------------------------------

    def entered(self, socket: Socket) -> None:
        self.sockets[socket] = round(time.time() * 1000)
        self._namespaces[socket.namespace] += 1

    def left(self, socket: Socket, reason: str) -> None:
        if self.sockets.pop(socket, None) is None:
            return
        self._namespaces[socket.namespace] -= 1
        for viewer in self._viewers.values():
            if socket.id in viewer.known:
                viewer.gone[socket.id] = reason

    def received(self, socket: Socket, args: list[Any]) -> None:
        """Records an event that a client of this node has sent, to show it on Admin UI pages."""
        if self._may_note(1):
            self._note(
                EventView("event_received", socket.namespace, socket.id, _received_args(args, self.detail), iso_now())
            )

    def sent(self, connection: Outlet, frames: bytes) -> None:
        """Records the events inside WebSocket frames that are being sent to one connection, to show them on Admin UI
        pages.
        """
        if self._may_note(1) and isinstance(connection, SocketConnection):
            for message in unframe(frames):
                self._note_sent(connection.sockets, message)

    def sent_packet(self, connection: SocketConnection, parts: Sequence[str | bytes]) -> None:
        """Records an event that is being sent to one connection, to show it on Admin UI pages. `parts` are the packet's
        text and its attachments.
        """
        if self._may_note(1):
            self._note_sent(connection.sockets, f"4{parts[0]!s}")

    def broadcast(self, members: Mapping[Occupant, Outlet], frames: bytes) -> None:
        """Records the events inside WebSocket frames that are being sent to sockets of one namespace, to show them on
        Admin UI pages. Records them for RECIPIENTS_MAX of the recipients in `members`, and only counts the others.
        """
        if self._may_note(len(members)):
            shown = [socket for socket in islice(members, RECIPIENTS_MAX) if isinstance(socket, Socket)]
            for message in unframe(frames):
                self._note_sent(shown, message)
            for viewer in self._viewers.values():
                viewer.left_out += len(members) - len(shown)

    def _may_note(self, count: int) -> bool:
        """Returns whether events should be recorded: a viewer (a node with Admin UI pages) exists, the setting allows
        it, and a viewer has room for more. Without room, adds `count` to the events that each viewer does not see.
        """
        if not self._viewers or self.detail not in {"events", "contents"}:
            return False
        if any(len(viewer.events) < EVENTS_MAX for viewer in self._viewers.values()):
            return True
        for viewer in self._viewers.values():
            viewer.left_out += count
        return False

    def _note_sent(self, sockets: Sequence[Socket], message: str | bytes) -> None:
        event = _EVENT.match(message) if isinstance(message, str) else None
        if event is None:
            return
        namespace = (event["nsp"] or "/,")[:-1]
        recipients = [socket for socket in sockets if socket.namespace == namespace]
        if recipients:
            args, now = _sent_args(event["args"], self.detail), iso_now()
            for socket in recipients:
                self._note(EventView("event_sent", namespace, socket.id, args, now))

    def _note(self, event: EventView) -> None:
        for viewer in self._viewers.values():
            if len(viewer.events) < EVENTS_MAX:
                viewer.events.append(event)
            else:
                viewer.left_out += 1

    # --- news for viewers -------------------------------------------------------------------------------------------

    def news(self, viewer_id: str, after: int | None) -> NodeNews:
        """Returns the changes among this node's sockets for a viewer (a node with Admin UI pages), since the news with
        the number `after` that the viewer received last. If that was not the latest news for this viewer, or is None,
        the result has all sockets.

        From the first call on, events are collected for the viewer, until it has made no call for VIEWER_S seconds.
        """
        viewer = self._viewers.get(viewer_id)
        if viewer is None or viewer.number != after:
            self._forget(viewer_id)
            counts = self._counts() if viewer is None else viewer.counts
            viewer = self._viewers[viewer_id] = _Viewer(counts)
        complete = not viewer.number
        viewer.number += 1
        shown = {} if self.detail == "totals" else {s.id: _view(s, ms) for s, ms in self._shown()}
        known, viewer.known = viewer.known, shown
        reasons, viewer.gone = viewer.gone, {}
        gone = {id_: reasons.get(id_, "transport close") for id_ in known if id_ not in shown}
        changed = [view for id_, view in shown.items() if known.get(id_) != view]
        events, viewer.events = viewer.events, []
        left_out, viewer.left_out = viewer.left_out, 0
        statistics = self._statistics(viewer)
        self._keep(viewer_id, viewer)
        return NodeNews(viewer.number, complete, iso_now(), changed, gone, events, left_out, statistics)

    def close(self) -> None:
        """Removes the state of all viewers (nodes with Admin UI pages). Afterwards no events are collected until one
        asks for `news`.
        """
        for viewer_id in list(self._viewers):
            self._forget(viewer_id)

    def _keep(self, viewer_id: str, viewer: _Viewer) -> None:
        if viewer.expiry is not None:
            viewer.expiry.cancel()
        viewer.expiry = asyncio.get_running_loop().call_later(VIEWER_S, self._forget, viewer_id)

    def _forget(self, viewer_id: str) -> None:
        viewer = self._viewers.pop(viewer_id, None)
        if viewer is not None and viewer.expiry is not None:
            viewer.expiry.cancel()

    def _shown(self) -> Iterable[tuple[Socket, int]]:
        return islice(self.sockets.items(), SOCKETS_MAX)

    def _statistics(self, viewer: _Viewer) -> StatisticsView:
        before, viewer.counts = viewer.counts, self._counts()
        second = int(time.time()) * 1000
        changes: list[dict[str, str | int]] = []
        for (type_, sub_type), count in viewer.counts.items():
            if (since := count - before.get((type_, sub_type), 0)) > 0:
                change: dict[str, str | int] = {"timestamp": second, "type": type_, "count": since}
                changes.append(change | {"subType": sub_type} if sub_type else change)
        return StatisticsView(
            server_id=f"{self._host}#{self.node_id or os.getpid()}",
            hostname=self._host,
            pid=os.getpid(),
            uptime=round(time.monotonic() - self._began, 3),
            clients_count=self._metrics.connections,
            polling_clients_count=sum(connection.polling for connection in self._connections),
            namespaces=[{"name": name, "socketsCount": count} for name, count in sorted(self._namespaces.items())],
            aggregated_events=changes,
        )

    def _counts(self) -> dict[tuple[str, str], int]:
        closed = self._metrics.closed
        counts = {("rawDisconnection", reason): count for reason, count in closed.items()}
        counts["rawConnection", ""] = self._metrics.connections + closed.total()
        counts["bytesIn", ""] = self.traffic.bytes_in
        counts["bytesOut", ""] = self.traffic.bytes_out
        return counts


def iso_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _view(socket: Socket, issued_ms: int) -> SocketView:
    connection = socket.connection
    handshake = connection.handshake
    query = {name: handshake.query[name][:NAME_MAX] for name in _QUERY_SHOWN if name in handshake.query}
    return SocketView(
        id=socket.id,
        # The session's own id is a secret of its client.
        client_id=sha256(connection.session.engine_sid.encode()).hexdigest()[:12],
        transport="polling" if connection.polling else "websocket",
        nsp=socket.namespace,
        data=_data(socket),
        handshake=HandshakeView(handshake.address, issued_ms, query),
        rooms=sorted(socket.rooms)[:ROOMS_MAX],
    )


def _data(socket: Socket) -> dict[str, str]:
    client = socket.data
    if not isinstance(client, ChatClient):
        return {}
    return {"userId": client.actor.user_id, "role": client.actor.role, "dialect": client.dialect.name}


def _sent_args(text: str, detail: str) -> list[Any]:
    if detail == "contents" and len(text) <= CONTENTS_MAX:
        decoded: list[Any] = msgspec.json.decode(text)
        return decoded
    name = _NAME.match(text)
    shown = "" if name is None else name[1][:NAME_MAX]
    return [shown, _too_long(len(text))] if detail == "contents" else [shown]


def _received_args(args: list[Any], detail: str) -> list[Any]:
    name = str(args[0])[:NAME_MAX]
    if detail != "contents":
        return [name]
    try:
        size = len(msgspec.json.encode(args[1:]))
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return [name]
    return [name, *args[1:]] if size <= CONTENTS_MAX else [name, _too_long(size)]


def _too_long(size: int) -> dict[str, int]:
    return {"bytesNotShown": size}
