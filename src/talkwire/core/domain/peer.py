"""Another node of the same cluster, as the table of leases describes it."""

from __future__ import annotations

from typing import NamedTuple


class Peer(NamedTuple):
    """Another node with a valid lease, i.e. one that is alive.

    `address` is where other nodes can reach it. `folder_ids` are the file folders that it can read; empty for nodes of
    an older version, which do not state them.
    """

    node_id: str
    address: str | None
    folder_ids: tuple[str, ...] = ()
