"""All operations."""

from __future__ import annotations

from talkwire.operations import (
    blocks,
    calls,
    conversations,
    invitations,
    members,
    moderation,
    notifications,
    offers,
    preferences,
    presence,
    receipts,
    reports,
    search,
    sockets,
    sync,
    threads,
    typing,
    users,
)
from talkwire.operations.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *blocks.OPERATIONS,
    *calls.OPERATIONS,
    *conversations.OPERATIONS,
    *invitations.OPERATIONS,
    *members.OPERATIONS,
    *moderation.OPERATIONS,
    *notifications.OPERATIONS,
    *offers.OPERATIONS,
    *preferences.OPERATIONS,
    *presence.OPERATIONS,
    *receipts.OPERATIONS,
    *reports.OPERATIONS,
    *search.OPERATIONS,
    *sockets.OPERATIONS,
    *sync.OPERATIONS,
    *threads.OPERATIONS,
    *typing.OPERATIONS,
    *users.OPERATIONS,
)
