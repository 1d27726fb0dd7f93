"""All operations."""

from __future__ import annotations

from talkwire.operations import moderation, offers
from talkwire.operations.operation import Operation

OPERATIONS: tuple[Operation, ...] = (*moderation.OPERATIONS, *offers.OPERATIONS)
