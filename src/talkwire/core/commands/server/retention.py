"""The command that deletes old messages and events."""

from __future__ import annotations

from talkwire.core.commands.command import Change


class PruneOld(Change[bool], frozen=True, tag="PruneOld"):
    """Deletes the content of messages and the events older than `retention_ms`, in a limited step. Only for operators.

    Returns whether there may be more.
    """

    retention_ms: int


class PruneApart(Change["str | None"], frozen=True, tag="PruneApart"):
    """Deletes the content of old messages in conversations with their own retention time, in a limited step. Only for
    operators.

    `retention_ms` is the server's setting. Returns the id of the conversation to continue after, or None at the end.
    """

    retention_ms: int | None
    after_id: str = ""
