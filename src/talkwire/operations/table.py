"""All operations."""

from __future__ import annotations

from talkwire.operations import (
    blocks,
    calls,
    console,
    conversations,
    invitations,
    members,
    messages,
    moderation,
    notifications,
    offers,
    preferences,
    presence,
    receipts,
    reports,
    saved,
    search,
    sockets,
    sync,
    threads,
    typing,
    users,
    webhooks,
)
from talkwire.operations.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *blocks.OPERATIONS,
    *calls.OPERATIONS,
    *console.OPERATIONS,
    *conversations.OPERATIONS,
    *invitations.OPERATIONS,
    *members.OPERATIONS,
    *messages.OPERATIONS,
    *moderation.OPERATIONS,
    *notifications.OPERATIONS,
    *offers.OPERATIONS,
    *preferences.OPERATIONS,
    *presence.OPERATIONS,
    *receipts.OPERATIONS,
    *reports.OPERATIONS,
    *saved.OPERATIONS,
    *search.OPERATIONS,
    *sockets.OPERATIONS,
    *sync.OPERATIONS,
    *threads.OPERATIONS,
    *typing.OPERATIONS,
    *users.OPERATIONS,
    *webhooks.OPERATIONS,
)
