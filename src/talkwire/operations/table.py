"""All operations."""

from __future__ import annotations

from talkwire.operations import blocks, calls, offers, preferences, presence, reports, search, sockets, sync
from talkwire.operations.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *blocks.OPERATIONS,
    *calls.OPERATIONS,
    *offers.OPERATIONS,
    *preferences.OPERATIONS,
    *presence.OPERATIONS,
    *reports.OPERATIONS,
    *search.OPERATIONS,
    *sockets.OPERATIONS,
    *sync.OPERATIONS,
)
