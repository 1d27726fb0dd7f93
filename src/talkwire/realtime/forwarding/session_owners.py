"""Finds the node that opened a session (its owner), and the node that stores a folder of files.

An `engine_sid` (session id) ends with the id of its owner. The table of nodes in the database lists the folders of each
node.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from secrets import token_urlsafe

from talkwire.core.cluster.peers import Peers
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.nodes.peer import Peer
from talkwire.core.single_flight import SingleFlight

OWNERS_CHECK_EVERY_S = 1.0
"""Shortest time between two reads of the table of nodes while ids are unknown, in seconds."""

_SECRET_BYTES = 15
_SECRET_LENGTH = 20
_NODE_ID = re.compile("[0-9a-f]{16}")


def new_engine_sid(node_id: str) -> str:
    """Returns a new random, secret session id. It ends with `node_id`, this node's id, by which other nodes find the
    session's owner; `node_id` is empty if there are no other nodes.
    """
    return token_urlsafe(_SECRET_BYTES) + node_id


def node_of(engine_sid: str) -> str | None:
    """Returns the node id at the end of a session id, which names the session's owner; None if the session id has none,
    as on a server that is the only node.
    """
    node_id = engine_sid[_SECRET_LENGTH:]
    return node_id if _NODE_ID.fullmatch(node_id) else None


class SessionOwners:
    """Finds other nodes by session or by file folder, among the living nodes that this node knows. For an unknown id,
    it reads the table of nodes in the database.

    It reads at most once a second, however many ids clients make up: a search for an unknown id waits until the next
    read is due. In the second after a read, an id that the read did not find is not searched again.
    """

    def __init__(
        self, peers: Peers, list_living: Callable[[], Awaitable[Iterable[Peer]]], now: Callable[[], float]
    ) -> None:
        self._peers = peers
        self._list_living = list_living
        self._now = now
        self._read_at = -OWNERS_CHECK_EVERY_S
        self._reading: SingleFlight[None, None] = SingleFlight()
        self._unknown: set[str] = set()

    async def find(self, engine_sid: str) -> Peer | None:
        """Returns the living node, other than this one, that opened the session; None if there is no such node, or it
        has no address for other nodes. May wait for a read of the table of nodes.
        """
        node_id = node_of(engine_sid)
        if node_id is None or node_id == self._peers.node_id:
            return None
        return await self._found(node_id, self._peers.find)

    async def with_folder(self, folder_id: str) -> Peer | None:
        """Returns the living node, other than this one, that has the file folder; None if there is no such node, or
        it has no address for other nodes. May wait for a read of the table of nodes.
        """
        return await self._found(folder_id, self._peers.with_folder)

    def with_folders(self) -> list[Peer]:
        """Returns the other living nodes that this node knows and that have file folders and an address for other
        nodes. Does not read the table of nodes.
        """
        return [peer for peer in self._peers.with_folders() if peer.address]

    async def _found(self, id_: str, find: Callable[[str], Peer | None]) -> Peer | None:
        """Returns the living node that `find` returns for an id, if it has an address for other nodes. If `find`
        returns None, reads the table of nodes, unless the last read did not find the id either, and tries again.
        """
        peer = find(id_)
        if peer is None and not (id_ in self._unknown and self._now() < self._read_at + OWNERS_CHECK_EVERY_S):
            await self._read_table()
            peer = find(id_)
            if peer is None:
                self._unknown.add(id_)
        return peer if peer is None or peer.address else None

    async def _read_table(self) -> None:
        await self._reading.run(None, self._read_table_when_due)

    async def _read_table_when_due(self) -> None:
        try:
            await asyncio.sleep(self._read_at + OWNERS_CHECK_EVERY_S - self._now())
            self._read_at = self._now()
            self._unknown.clear()
            self._peers.set_peers(await self._list_living())
        except ChatError:
            pass  # the database is unavailable, so no new node is known
