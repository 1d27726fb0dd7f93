"""All operations."""

from __future__ import annotations

from talkwire.operations import calls, console, sockets, sync, webhooks
from talkwire.operations.agents import turns
from talkwire.operations.conversations import conversations, invitations, members
from talkwire.operations.desk import claims, notes, teams
from talkwire.operations.messages import (
    cards,
    messages,
    offers,
    ratings,
    receipts,
    saved,
    search,
    signals,
    streams,
    threads,
    typing,
)
from talkwire.operations.moderation import audit, reports, restrictions
from talkwire.operations.operation import Operation
from talkwire.operations.users import blocks, notifications, preferences, presence, users

OPERATIONS: tuple[Operation, ...] = (
    *audit.OPERATIONS,
    *blocks.OPERATIONS,
    *calls.OPERATIONS,
    *cards.OPERATIONS,
    *claims.OPERATIONS,
    *console.OPERATIONS,
    *conversations.OPERATIONS,
    *invitations.OPERATIONS,
    *members.OPERATIONS,
    *messages.OPERATIONS,
    *notes.OPERATIONS,
    *notifications.OPERATIONS,
    *offers.OPERATIONS,
    *preferences.OPERATIONS,
    *presence.OPERATIONS,
    *ratings.OPERATIONS,
    *receipts.OPERATIONS,
    *reports.OPERATIONS,
    *restrictions.OPERATIONS,
    *saved.OPERATIONS,
    *search.OPERATIONS,
    *signals.OPERATIONS,
    *sockets.OPERATIONS,
    *streams.OPERATIONS,
    *sync.OPERATIONS,
    *teams.OPERATIONS,
    *threads.OPERATIONS,
    *turns.OPERATIONS,
    *typing.OPERATIONS,
    *users.OPERATIONS,
    *webhooks.OPERATIONS,
)
