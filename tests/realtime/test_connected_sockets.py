"""The sockets of a node as operators see them: pages of the newest, between which other tasks run."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from talkwire.console.connections import ConnectionKey, WantedConnections
from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.domain.model import Actor
from talkwire.dialects.gateway.vocabulary import GATEWAY
from talkwire.dialects.messenger import MESSENGER
from talkwire.realtime.clients import connected_sockets
from talkwire.realtime.clients.chat_client import ChatClient
from talkwire.realtime.clients.connected_sockets import ConnectedSockets
from talkwire.realtime.engine.connection import Handshake
from talkwire.realtime.socketio.socket_server import Namespace, SocketServer
from talkwire.realtime.socketio.socketio_socket import Socket, SocketConnection
from talkwire.wire import Transport


class Sockets:
    """A server with sockets of users u0, u1 and so on; two of three speak the messenger dialect."""

    def __init__(self, count: int) -> None:
        self.server = SocketServer()
        self.namespace = self.server.namespace("/")
        self.ended: list[Socket] = []
        self.connected = ConnectedSockets(self.server, "node", self.ended.append)
        self._numbers = itertools.count()
        for _ in range(count):
            self.open()

    def open(self) -> Socket:
        number = next(self._numbers)
        connection = self.server.open(Transport.POLLING, Handshake("203.0.113.7"))
        assert isinstance(connection, SocketConnection)
        client = ChatClient(
            Actor(f"u{number}", ""), _entry(), MESSENGER if number % 3 else GATEWAY, session_id=None, expires_at=None
        )
        # Pairs of sockets have connected at the same time.
        client.connected_at = self.server.now() + number // 2
        socket = Socket(connection, "/", self.namespace._encoding_group, self.namespace, client)
        connection._root = socket
        return socket

    async def pages(self, limit: int, dialect: str | None = None) -> list[list[str]]:
        found: list[list[str]] = []
        before: ConnectionKey | None = None
        while True:
            records = await self.connected.find(WantedConnections(limit, dialect, None, before))
            if not records:
                return found
            found.append([record.user_id for record in records])
            before = records[-1].key


def _entry() -> DirectoryEntry:
    return DirectoryEntry(None, set(), set())


async def test_pages_have_each_socket_once_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected_sockets, "SOCKETS_AT_ONCE", 3)
    sockets = Sockets(20)
    pages = await sockets.pages(6)
    assert [len(page) for page in pages] == [6, 6, 6, 2]
    users = [user_id for page in pages for user_id in page]
    assert len(set(users)) == 20
    assert [int(user_id[1:]) // 2 for user_id in users] == sorted((n // 2 for n in range(20)), reverse=True)
    assert [user_id for page in await sockets.pages(2, "gateway") for user_id in page] == [
        f"u{n}" for n in (18, 15, 12, 9, 6, 3, 0)
    ]


async def test_other_tasks_run_between_two_parts_of_many_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected_sockets, "SOCKETS_AT_ONCE", 5)
    sockets = Sockets(20)
    finding = asyncio.ensure_future(sockets.connected.find(WantedConnections(100)))
    turns = 0
    while not finding.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns >= 4
    assert len(finding.result()) == 20


async def test_a_socket_that_ends_meanwhile_is_left_out_and_a_new_one_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connected_sockets, "SOCKETS_AT_ONCE", 2)
    sockets = Sockets(6)
    finding = asyncio.ensure_future(sockets.connected.find(WantedConnections(100)))
    await asyncio.sleep(0)
    last = sockets.server.connections[-1]
    assert isinstance(last, SocketConnection)
    last.sockets[0].connected = False
    sockets.open()
    assert {record.user_id for record in await finding} == {"u0", "u1", "u2", "u3", "u4"}


async def test_one_socket_is_found_and_ended() -> None:
    sockets = Sockets(3)
    socket = sockets.open()
    record = sockets.connected.get(socket.id)
    assert record is not None
    assert (record.user_id, record.node_id, record.address, record.transport) == (
        "u3",
        "node",
        "203.0.113.7",
        "polling",
    )
    assert sockets.connected.end(socket.id) is True
    assert sockets.ended == [socket]
    assert sockets.connected.end("none") is False
    assert sockets.connected.get("none") is None


async def test_sockets_of_namespaces_without_chat_are_left_out() -> None:
    sockets = Sockets(1)
    connection = sockets.server.open(Transport.POLLING, Handshake("203.0.113.7"))
    assert isinstance(connection, SocketConnection)
    plain = Namespace("/plain", sockets.server.hub)
    connection._root = Socket(connection, "/plain", plain._encoding_group, plain, {"user": "x"})
    assert [record.user_id for record in await sockets.connected.find(WantedConnections(10))] == ["u0"]
    assert sockets.connected.get(connection._root.id) is None
