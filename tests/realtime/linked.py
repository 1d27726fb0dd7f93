"""Nodes of one test that forward sessions to each other, without a database: the test says which nodes
live and where.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from talkwire.core.cluster.peers import Peers
from talkwire.core.domain.nodes.peer import Peer
from talkwire.realtime.engine.engine_server import EngineServer
from talkwire.realtime.forwarding import file_forwarding, forwarder, peer_http
from talkwire.realtime.forwarding.forwarder import Forwarder
from talkwire.realtime.forwarding.peer_auth import PeerAuth
from talkwire.realtime.forwarding.session_owners import SessionOwners
from talkwire.realtime.serving.node_listener import NodeListener, address_of
from talkwire.realtime.serving.server import listen
from tests.realtime.wires import served
from tests.waiting import DEADLINE_S

SECRET = b"what all nodes share"


def let_nodes_connect_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a node that answers late count as reachable, since a busy machine may stop this process for seconds."""
    for module in (peer_http, forwarder, file_forwarding):
        monkeypatch.setattr(module, "CONNECT_S", DEADLINE_S)


@dataclass
class LinkedNode:
    engine: EngineServer
    peers: Peers
    forwarder: Forwarder
    port: int
    internal_port: int

    @property
    def node_id(self) -> str:
        return self.peers.node_id

    @property
    def peer(self) -> Peer:
        """As the others know it."""
        return Peer(self.node_id, f"127.0.0.1:{self.internal_port}")


def node_id(number: int) -> str:
    return f"{number:016x}"


@asynccontextmanager
async def linked(engines: Sequence[EngineServer]) -> AsyncIterator[list[LinkedNode]]:
    """All of them know each other."""
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(linked_node(engine, n)) for n, engine in enumerate(engines, 1)]
        for node in nodes:
            node.peers.set_peers([each.peer for each in nodes])
        yield nodes


@asynccontextmanager
async def linked_node(engine: EngineServer, number: int) -> AsyncIterator[LinkedNode]:
    peers = Peers(node_id(number), lambda *_: None, lambda: False)
    link = PeerAuth(SECRET, peers.node_id)
    forwarder = Forwarder(SessionOwners(peers, _nobody_else, engine.now), link, peers.node_id, engine.metrics)
    engine.node_id, engine.forwarder = peers.node_id, forwarder
    peers.on_peers_gone = forwarder.drop
    listening = listen("127.0.0.1", 0)
    address = address_of(listening, "127.0.0.1")
    async with served(engine, NodeListener(listening, link, _healthy)) as port:
        yield LinkedNode(engine, peers, forwarder, port, int(address.rpartition(":")[2]))


async def _nobody_else() -> Sequence[Peer]:
    await asyncio.sleep(0)
    return []


async def _healthy(scope: object, receive: object, send: object) -> None:
    assert callable(send)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
