"""Which function carries out which command: the tables of all features, behind `Chat.execute`."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core import (
    accounts,
    blocks,
    calls,
    conversations,
    custom_events,
    edits,
    files,
    forwards,
    invitations,
    mail,
    members,
    messages,
    moderation,
    nodes,
    notifications,
    offers,
    pins,
    preferences,
    presence,
    reactions,
    receipts,
    recovery,
    retention,
    retries,
    search,
    sending,
    sync,
    users,
)
from talkwire.core.handler import Changes, Queries, Upkeeps

CHANGES: Changes = MappingProxyType(
    {
        **accounts.CHANGES,
        **invitations.CHANGES,
        **users.CHANGES,
        **conversations.CHANGES,
        **members.CHANGES,
        **moderation.CHANGES,
        **blocks.CHANGES,
        **sending.CHANGES,
        **forwards.CHANGES,
        **edits.CHANGES,
        **reactions.CHANGES,
        **pins.CHANGES,
        **receipts.CHANGES,
        **files.CHANGES,
        **offers.CHANGES,
        **preferences.CHANGES,
        **notifications.CHANGES,
        **mail.CHANGES,
        **custom_events.CHANGES,
        **presence.CHANGES,
        **retention.CHANGES,
        **recovery.CHANGES,
    }
)

UPKEEP: Upkeeps = MappingProxyType({**presence.UPKEEP, **calls.UPKEEP, **nodes.UPKEEP, **recovery.UPKEEP})

QUERIES: Queries = MappingProxyType(
    {
        **accounts.QUERIES,
        **invitations.QUERIES,
        **users.QUERIES,
        **conversations.QUERIES,
        **moderation.QUERIES,
        **blocks.QUERIES,
        **messages.QUERIES,
        **receipts.QUERIES,
        **sync.QUERIES,
        **files.QUERIES,
        **offers.QUERIES,
        **preferences.QUERIES,
        **notifications.QUERIES,
        **mail.QUERIES,
        **retries.QUERIES,
        **search.QUERIES,
        **presence.QUERIES,
        **calls.QUERIES,
        **recovery.QUERIES,
    }
)
