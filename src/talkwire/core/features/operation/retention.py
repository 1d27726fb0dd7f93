"""Retention: deletes the content of old messages and removes old events from the start of the log (the ordered record
of events).

It works in small steps, so that sending is hardly delayed. It creates no events: clients that load an old message
receive a tombstone, and clients that resume from a removed position receive `cursor_expired` and reload everything.
"""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.server.retention import PruneApart, PruneOld
from talkwire.core.domain.access import must_be_operator
from talkwire.core.domain.model import Actor
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Transaction

PRUNED_AT_ONCE = 200
"""Number of log positions that one transaction prunes; that takes a few milliseconds."""


def prune_old(tx: Transaction, actor: Actor, command: PruneOld) -> bool:
    """Deletes messages' contents and events that are older than the retention time, at most `PRUNED_AT_ONCE` log
    positions. Returns whether there may be more."""
    must_be_operator(actor)
    return tx.retention.prune(tx.now_ms - command.retention_ms, PRUNED_AT_ONCE)


def prune_apart(tx: Transaction, actor: Actor, command: PruneApart) -> str | None:
    """Deletes the contents of at most `PRUNED_AT_ONCE` old messages in conversations with their own retention time.
    Returns the conversation id to continue after, or None when all have been visited."""
    must_be_operator(actor)
    return tx.retention.prune_apart(tx.now_ms, command.retention_ms, command.after_id, PRUNED_AT_ONCE)


CHANGES: Changes = MappingProxyType({PruneOld: ChangeHandler(prune_old), PruneApart: ChangeHandler(prune_apart)})
