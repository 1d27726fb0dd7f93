"""The handlers of all commands, collected from the features, for `Chat.execute`."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.features.catching_up import log_events, recovery, retries, sync
from talkwire.core.features.conversations import call_rules, conversations, invitations, members, moderation
from talkwire.core.features.integration import webhooks
from talkwire.core.features.messages import (
    edits,
    files,
    forwards,
    messages,
    offers,
    pins,
    reactions,
    receipts,
    search,
    sending,
)
from talkwire.core.features.notifying import notifications, offline_queue, pushes
from talkwire.core.features.operation import erasure, export, nodes, retention
from talkwire.core.features.users import accounts, blocks, preferences, presence_rules, users
from talkwire.core.ports.handler import Changes, NodeCommandHandlers, Queries
from talkwire.core.signals import custom_events

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
        **pushes.CHANGES,
        **offline_queue.CHANGES,
        **custom_events.CHANGES,
        **presence_rules.CHANGES,
        **retention.CHANGES,
        **webhooks.CHANGES,
        **erasure.CHANGES,
        **recovery.CHANGES,
    }
)

NODE_COMMANDS: NodeCommandHandlers = MappingProxyType(
    {
        **presence_rules.NODE_COMMANDS,
        **call_rules.NODE_COMMANDS,
        **nodes.NODE_COMMANDS,
        **recovery.NODE_COMMANDS,
        **pushes.NODE_COMMANDS,
    }
)

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
        **log_events.QUERIES,
        **files.QUERIES,
        **offers.QUERIES,
        **preferences.QUERIES,
        **notifications.QUERIES,
        **pushes.QUERIES,
        **offline_queue.QUERIES,
        **retries.QUERIES,
        **webhooks.QUERIES,
        **search.QUERIES,
        **presence_rules.QUERIES,
        **call_rules.QUERIES,
        **recovery.QUERIES,
        **erasure.QUERIES,
        **export.QUERIES,
    }
)
