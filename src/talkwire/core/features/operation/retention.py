"""How long things are kept. What is older becomes a tombstone, and the log begins later: its floor moves.

It happens in small steps, so that sends hardly notice. It is no event: whoever loads an old message finds a tombstone,
and whoever resumes from before the floor is told to load everything afresh (`cursor_expired`).
"""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.server.retention import PruneOld
from talkwire.core.domain.access import must_operate
from talkwire.core.domain.model import Actor
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Transaction

STEP = 200
"""Log positions that one transaction prunes: a few milliseconds of it."""


def prune_old(tx: Transaction, actor: Actor, command: PruneOld) -> bool:
    """One step."""
    must_operate(actor)
    return tx.retention.prune(tx.now_ms - command.retention_ms, STEP)


CHANGES: Changes = MappingProxyType({PruneOld: ChangeHandler(prune_old)})
