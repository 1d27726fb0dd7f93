"""Tables from types of commands to the functions that execute them, collected from the features: `CHANGES` for the
`Decider`, `NODE_COMMANDS` for the storage of leases, `QUERIES` for `Chat.execute`. Signals (`signals.handlers`) and the
queries that depend on the access policy (`features/users/user_search.py` and `features/conversations/lists.py`) have
tables of their own."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from talkwire.core.commands.command import Command
from talkwire.core.features.catching_up import log_events, recovery, retries, sync
from talkwire.core.features.conversations import (
    call_rules,
    conversations,
    invitations,
    members,
    moderation,
    notices,
    signal_rules,
)
from talkwire.core.features.decisions import choosing, reading, stopping
from talkwire.core.features.desk import claims, notes, teams
from talkwire.core.features.integration import webhooks
from talkwire.core.features.messages import (
    conversation_files,
    conversation_links,
    edits,
    files,
    forwards,
    link_previews,
    messages,
    offers,
    pins,
    reactions,
    receipts,
    saved,
    search,
    sending,
    threads,
)
from talkwire.core.features.moderation import audit, reports
from talkwire.core.features.notifying import notifications, offline_queue, pushes
from talkwire.core.features.operation import console, conversation_keys, erasure, export, nodes, retention, timers
from talkwire.core.features.streams import ends, leases, ratings, stops, streams
from talkwire.core.features.turns import claiming, ending
from talkwire.core.features.users import accounts, blocks, preferences, presence_rules, provider_logins, users
from talkwire.core.ports.handler import Changes, NodeCommandHandlers, Queries
from talkwire.core.signals import custom_events

CHANGES: Changes = MappingProxyType(
    {
        **accounts.CHANGES,
        **provider_logins.CHANGES,
        **invitations.CHANGES,
        **users.CHANGES,
        **conversations.CHANGES,
        **members.CHANGES,
        **moderation.CHANGES,
        **notices.CHANGES,
        **blocks.CHANGES,
        **sending.CHANGES,
        **forwards.CHANGES,
        **edits.CHANGES,
        **link_previews.CHANGES,
        **reactions.CHANGES,
        **pins.CHANGES,
        **saved.CHANGES,
        **receipts.CHANGES,
        **threads.CHANGES,
        **files.CHANGES,
        **offers.CHANGES,
        **preferences.CHANGES,
        **notifications.CHANGES,
        **pushes.CHANGES,
        **offline_queue.CHANGES,
        **custom_events.CHANGES,
        **presence_rules.CHANGES,
        **retention.CHANGES,
        **conversation_keys.CHANGES,
        **webhooks.CHANGES,
        **erasure.CHANGES,
        **console.CHANGES,
        **recovery.CHANGES,
        **audit.CHANGES,
        **reports.CHANGES,
        **teams.CHANGES,
        **claims.CHANGES,
        **notes.CHANGES,
        **timers.CHANGES,
        **streams.CHANGES,
        **ends.CHANGES,
        **leases.CHANGES,
        **stops.CHANGES,
        **ratings.CHANGES,
        **choosing.CHANGES,
        **stopping.CHANGES,
        **claiming.CHANGES,
        **ending.CHANGES,
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
        **signal_rules.QUERIES,
        **conversations.QUERIES,
        **moderation.QUERIES,
        **notices.QUERIES,
        **blocks.QUERIES,
        **messages.QUERIES,
        **saved.QUERIES,
        **ratings.QUERIES,
        **reading.QUERIES,
        **receipts.QUERIES,
        **threads.QUERIES,
        **sync.QUERIES,
        **log_events.QUERIES,
        **files.QUERIES,
        **conversation_files.QUERIES,
        **conversation_links.QUERIES,
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
        **audit.QUERIES,
        **reports.QUERIES,
        **console.QUERIES,
        **teams.QUERIES,
        **claims.QUERIES,
        **timers.QUERIES,
        **streams.QUERIES,
        **ending.QUERIES,
    }
)


def check_command(command: Command[Any]) -> None:
    """Raises ChatError for a change (a command that writes) with invalid fields; called before the change is queued.
    Does nothing for other commands, which are checked while they are executed."""
    change = CHANGES.get(type(command))
    if change is not None and change.check is not None:
        change.check(command)
