"""Another node of the same cluster, as the table of leases describes it."""

from __future__ import annotations

from typing import NamedTuple


class Peer(NamedTuple):
    """Another node with a valid lease.

    `address` is where other nodes can reach it. `folder_ids` are the file folders that it can read; nodes of an older
    version list none.
    """

    node_id: str
    address: str | None
    folder_ids: tuple[str, ...] = ()
