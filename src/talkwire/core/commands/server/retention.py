"""The commands that delete messages and events older than the retention time."""

from __future__ import annotations

from talkwire.core.commands.command import Change


class PruneOld(Change[bool], frozen=True, tag="PruneOld"):
    """Deletes the content of messages, and events of the log, that are older than `retention_ms` milliseconds, in a
    limited step. Only for operators.

    Returns whether there may be more to delete.
    """

    retention_ms: int


class PruneApart(Change["str | None"], frozen=True, tag="PruneApart"):
    """Deletes the content of old messages in conversations that have, or once had, a retention time of their own, in a
    limited step that continues after the conversation `after_id`. Only for operators.

    `retention_ms` is for conversations without a time of their own now; None for no limit. Returns the id of the
    conversation to continue after, or None at the end.
    """

    retention_ms: int | None
    after_id: str = ""
