"""Another node of the same log, as the table of leases describes it."""

from __future__ import annotations

from typing import NamedTuple


class Peer(NamedTuple):
    """Another node that lives, by the table of leases. `address`: where it can be reached by other nodes. `folder_ids`:
    the folders of files that it has; a node of an older version names none."""

    node_id: str
    address: str | None
    folder_ids: tuple[str, ...] = ()
