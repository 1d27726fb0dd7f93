"""All operations."""

from __future__ import annotations

from talkwire.operations import calls, offers, reports, search, sockets, sync
from talkwire.operations.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *calls.OPERATIONS,
    *offers.OPERATIONS,
    *reports.OPERATIONS,
    *search.OPERATIONS,
    *sockets.OPERATIONS,
    *sync.OPERATIONS,
)
