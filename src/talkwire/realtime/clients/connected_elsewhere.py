"""Asks other nodes since when users have been connected to them.

The leases (records of live nodes in the database) have the same information, but only when they are renewed, which is
too late for push notifications.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Collection, Mapping
from typing import NamedTuple

from talkwire.core.cluster.peers import ASK_S, Peers
from talkwire.core.connected.directory import Directory

_QUESTION = "connected since"


class ConnectedSince(NamedTuple):
    """A node's answer to the question since when users have been connected to it. `pos` is the log position up to which
    the node has delivered events; `users` maps the id of each connected user to the position from which on the user has
    received them.
    """

    pos: int
    users: dict[str, int]


class ConnectedElsewhere:
    """Asks the other nodes since which log position users have been connected to them, and answers the same question of
    other nodes.
    """

    def __init__(self, peers: Peers, directory: Directory) -> None:
        self._peers = peers
        self._directory = directory
        self._loop = asyncio.get_running_loop()
        peers.answer(_QUESTION, list[str], self._find_here)

    def ask(self, user_ids: Collection[str]) -> Mapping[str, ConnectedSince]:
        """Returns the other nodes' answers about these users, by node id. Nodes that do not respond within about a
        second are missing. Blocks for up to two seconds, so call it only from a thread other than the event loop's.
        """
        if not self._peers.has_peers:
            return {}
        asking = asyncio.run_coroutine_threadsafe(
            self._peers.ask(_QUESTION, sorted(user_ids), ConnectedSince), self._loop
        )
        try:
            return asking.result(2 * ASK_S)
        except (concurrent.futures.CancelledError, TimeoutError):
            return {}  # this node is busy or ends; the leases say the same later

    async def _find_here(self, user_ids: Collection[str]) -> ConnectedSince:
        entries = ((user_id, self._directory.connected(user_id)) for user_id in user_ids)
        since = {user_id: entry.since_pos for user_id, entry in entries if entry is not None}
        return ConnectedSince(self._directory.pos, since)
