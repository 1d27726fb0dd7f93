"""All operations."""

from __future__ import annotations

from talkwire.operations import offers, reports, search
from talkwire.operations.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *offers.OPERATIONS,
    *reports.OPERATIONS,
    *search.OPERATIONS,
)
