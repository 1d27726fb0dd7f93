"""The command that deletes old messages and events."""

from __future__ import annotations

from talkwire.core.commands.command import Change


class PruneOld(Change[bool], frozen=True, tag="PruneOld"):
    """Deletes the content of messages and the events older than `retention_ms`, in a limited step. Only for operators.

    Returns whether there may be more.
    """

    retention_ms: int
