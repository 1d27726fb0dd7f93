"""Requests about files at other nodes, over a clock that a test moves on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from talkwire.core.cluster.peers import Peers
from talkwire.core.domain.nodes.peer import Peer
from talkwire.files.holders import ForwardedRequest, HolderAway
from talkwire.files.tus import TusRefusal
from talkwire.realtime.forwarding.file_forwarding import GONE_AFTER_S, FileForwarding
from talkwire.realtime.forwarding.peer_auth import PeerAuth
from talkwire.realtime.forwarding.session_owners import SessionOwners
from talkwire.realtime.metrics import RealtimeMetrics
from tests.realtime.linked import SECRET, node_id

HERE, THERE = node_id(1), node_id(2)
FOLDER = "f" * 32
KEY = f"ab/{'ab' * 16}/digest/content"
HOURS_S = 3600.0


class Node:
    """A node that requests files and uploads of another node, which has `FOLDER` and may be `away`."""

    def __init__(self, address: str = "127.0.0.1:1") -> None:
        self.now = 1000.0
        self.holder = Peer(THERE, address, (FOLDER,))
        self.living: list[Peer] = []
        self.peers = Peers(HERE, lambda *_: None, lambda: False)
        owners = SessionOwners(self.peers, self._list_living, self._read_clock)
        self.links = FileForwarding(owners, PeerAuth(SECRET, HERE), RealtimeMetrics(), self._read_clock)
        self.peers.on_peers_read = self.links.note_living

    def renew_lease(self, *living: Peer) -> None:
        self.living = list(living)
        self.peers.set_peers(self.living)

    async def forward(self) -> None:
        request = ForwardedRequest("HEAD", "/api/v1/files/u1?", "127.0.0.1", ())
        await self.links.forward(FOLDER, request, _nothing())

    async def _list_living(self) -> list[Peer]:
        await asyncio.sleep(0)
        return self.living

    def _read_clock(self) -> float:
        return self.now


async def _nothing() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk


async def test_an_upload_whose_node_stays_away_is_refused_for_good_after_the_patience() -> None:
    node = Node()
    for _ in range(3):
        with pytest.raises(HolderAway):
            await node.forward()
        node.now += GONE_AFTER_S / 2
    with pytest.raises(TusRefusal) as refused:
        await node.forward()
    assert refused.value.status == 410


async def test_a_node_that_was_back_meanwhile_is_waited_for_again() -> None:
    node = Node()
    for _ in range(2):
        with pytest.raises(HolderAway):
            await node.forward()
        node.now += 5
    node.renew_lease(node.holder)
    node.now += 8 * HOURS_S
    node.renew_lease()
    with pytest.raises(HolderAway):
        await node.forward()
    node.now += GONE_AFTER_S + 1
    with pytest.raises(TusRefusal):
        await node.forward()


async def test_a_node_that_is_back_without_its_folder_is_not_waited_for_again() -> None:
    node = Node()
    with pytest.raises(HolderAway):
        await node.forward()
    node.renew_lease(node.holder._replace(folder_ids=("e" * 32,)))
    node.now += GONE_AFTER_S + 1
    with pytest.raises(TusRefusal):
        await node.forward()


@asynccontextmanager
async def _empty_node() -> AsyncIterator[str]:
    """Yields the address of a node that has none of the requested files."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_file_of_an_unknown_folder_may_be_at_a_node_that_does_not_run() -> None:
    async with _empty_node() as address:
        node = Node(address)
        for living in ((), (node.holder,)):
            node.renew_lease(*living)
            with pytest.raises(HolderAway):
                await node.links.total(None, KEY)


async def test_a_file_that_its_own_node_does_not_have_is_nowhere() -> None:
    async with _empty_node() as address:
        node = Node(address)
        node.renew_lease(node.holder)
        with pytest.raises(FileNotFoundError):
            await node.links.total(FOLDER, KEY)
