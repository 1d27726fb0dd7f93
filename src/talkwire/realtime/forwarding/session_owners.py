"""Which node has a session: its `engine_sid` says so, which ends with the id of the node that opened it. And which
node has a folder of files: the table of nodes says so."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from secrets import token_urlsafe

from talkwire.core.cluster.peers import Peers
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.peer import Peer

LOOK_EVERY_S = 1.0
"""How often the table of nodes is read, at most, for ids that nobody has heard of."""

_SECRET_BYTES = 15
_SECRET_LENGTH = 20
_NODE_ID = re.compile("[0-9a-f]{16}")


def new_engine_sid(node_id: str) -> str:
    """`node_id` is empty where there are no other nodes."""
    return token_urlsafe(_SECRET_BYTES) + node_id


def node_of(engine_sid: str) -> str | None:
    """The node that a session says it belongs to; None: no node gives such ids."""
    node_id = engine_sid[_SECRET_LENGTH:]
    return node_id if _NODE_ID.fullmatch(node_id) else None


class SessionOwners:
    """Knows the other nodes by what the lease hears of them; `list_living` reads the table, for one that is newer.

    Whoever makes ids up costs a read a second, and is told no at once when it was in vain: for a node that nobody had
    asked for since, the next read is waited for.
    """

    def __init__(
        self, peers: Peers, list_living: Callable[[], Awaitable[Iterable[Peer]]], now: Callable[[], float]
    ) -> None:
        self._peers = peers
        self._list_living = list_living
        self._now = now
        self._looked_at = -LOOK_EVERY_S
        self._looking: asyncio.Task[None] | None = None
        self._unknown: set[str] = set()

    async def find(self, engine_sid: str) -> Peer | None:
        """The other node that has this session and lives, as far as is known."""
        node_id = node_of(engine_sid)
        if node_id is None or node_id == self._peers.node_id:
            return None
        return await self._found(node_id, self._peers.find)

    async def with_folder(self, folder_id: str) -> Peer | None:
        """Returns another node that has a folder of files and lives, as far as is known."""
        return await self._found(folder_id, self._peers.with_folder)

    def with_folders(self) -> list[Peer]:
        """Returns all other nodes that have folders of files and live, as far as is known."""
        return [peer for peer in self._peers.with_folders() if peer.address]

    async def _found(self, id_: str, find: Callable[[str], Peer | None]) -> Peer | None:
        """Returns what `find` finds, now or after another look at the table."""
        peer = find(id_)
        if peer is None and not (id_ in self._unknown and self._now() < self._looked_at + LOOK_EVERY_S):
            await self._look()
            peer = find(id_)
            if peer is None:
                self._unknown.add(id_)
        return peer if peer is None or peer.address else None

    async def _look(self) -> None:
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look_in_time())
        await asyncio.shield(self._looking)

    async def _look_in_time(self) -> None:
        try:
            await asyncio.sleep(self._looked_at + LOOK_EVERY_S - self._now())
            self._looked_at = self._now()
            self._unknown.clear()
            self._peers.live(await self._list_living())
        except ChatError:
            pass  # the database does not answer: then nobody new is known
        finally:
            self._looking = None
