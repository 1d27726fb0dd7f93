"""What is asked so that nothing is kept for longer than it shall be."""

from __future__ import annotations

from talkwire.core.commands.command import Change


class PruneOld(Change[bool], frozen=True, tag="PruneOld"):
    """Takes the content of some of the oldest messages that are older than `retention_ms`, and forgets the events of
    that time. Answers whether there may be more of them. Only for operators."""

    retention_ms: int
