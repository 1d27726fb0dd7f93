"""Subclasses of the server, the hub, the connections and the chat's namespaces that report sockets and events to the
Admin UI.

Used only where the operator has enabled the Admin UI; elsewhere the base classes run, without any check for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from talkwire.dialects.dialect import Dialect
from talkwire.realtime.admin_ui.node_watch import NodeWatch
from talkwire.realtime.chat.chat_namespace import ChatNamespace
from talkwire.realtime.chat.services import NamespaceServices
from talkwire.realtime.engine.connection import Handshake
from talkwire.realtime.engine.hub import EncodingGroup, Hub, Occupant, Outlet
from talkwire.realtime.socketio.socket_server import SocketServer
from talkwire.realtime.socketio.socketio_socket import Socket, SocketConnection
from talkwire.wire import EngineOptions, Session


class ObservedHub(Hub):
    """A hub (which sends events to the sockets in rooms) that also records these events for the Admin UI."""

    def __init__(self, watch: NodeWatch) -> None:
        super().__init__()
        self._watch = watch

    def send(self, connection: Outlet, frames: bytes) -> None:
        self._watch.sent(connection, frames)
        super().send(connection, frames)

    def send_unobserved(self, connection: Outlet, frames: bytes) -> None:
        """Sends frames to an Admin UI page without recording them, since the record would be sent to the page in
        turn.
        """
        super().send(connection, frames)

    def _deliver(self, group: EncodingGroup, members: dict[Occupant, Outlet], frames: bytes) -> None:
        self._watch.broadcast(members, frames)
        super()._deliver(group, members, frames)


class ObservedConnection(SocketConnection):
    """A connection that counts its bytes and records the events that are sent to its client alone, for the Admin UI."""

    __slots__ = ("_watch",)

    def __init__(self, server: ObservedServer, session: Session, handshake: Handshake, options: EngineOptions) -> None:
        super().__init__(server, session, handshake, options)
        self._watch = server.watch

    def receive_websocket(self, message: str | bytes, now: float) -> None:
        self._watch.traffic.bytes_in += len(message)
        super().receive_websocket(message, now)

    async def receive_payload(self, body: str, now: float) -> None:
        self._watch.traffic.bytes_in += len(body)
        await super().receive_payload(body, now)

    def send_packet(self, parts: list[str | bytes]) -> None:
        self._watch.sent_packet(self, parts)
        super().send_packet(parts)

    def write(self, frames: bytes) -> None:
        if self.websocket is not None and not self.out and not self.lane.held:
            self._watch.traffic.bytes_out += len(frames)
        super().write(frames)  # what it queues instead is counted by `flush`

    def flush(self) -> None:
        if self.websocket is not None:
            self._watch.traffic.bytes_out += sum(map(len, self.out))
        super().flush()

    def poll(self, now: float) -> asyncio.Future[str] | None:
        answer = super().poll(now)
        if answer is not None:
            answer.add_done_callback(self._count_answer)
        return answer

    def _count_answer(self, answer: asyncio.Future[str]) -> None:
        if not answer.cancelled() and answer.exception() is None:
            self._watch.traffic.bytes_out += len(answer.result())


class ObservedServer(SocketServer):
    """A Socket.IO server that makes observed connections and an observed hub for the Admin UI. Takes the parameters of
    `SocketServer` and `detail`, as in `NodeWatch`.
    """

    def __init__(self, *args: Any, detail: str, **kwargs: Any) -> None:  # noqa: ANN401 (handed on)
        super().__init__(*args, **kwargs)
        self.watch = NodeWatch(self.metrics, self._connections.values(), detail)
        self.hub = self.observed_hub = ObservedHub(self.watch)

    def make_connection(self, session: Session, handshake: Handshake) -> ObservedConnection:
        return ObservedConnection(self, session, handshake, self.options)


class ObservedChatNamespace(ChatNamespace):
    """A namespace of the chat that records its sockets and the events of its clients for the Admin UI."""

    def __init__(self, name: str, dialects: Sequence[Dialect], services: NamespaceServices) -> None:
        super().__init__(name, dialects, services)
        assert isinstance(services.server, ObservedServer)
        self._watch = services.server.watch

    def entered(self, socket: Socket) -> None:
        self._watch.entered(socket)
        super().entered(socket)

    def received(self, socket: Socket, args: list[Any], ack_id: int | None) -> None:
        self._watch.received(socket, args)
        super().received(socket, args, ack_id)

    def disconnected(self, socket: Socket, reason: str) -> None:
        self._watch.left(socket, reason)
        super().disconnected(socket, reason)
