"""Commands of the audit log, the record of what operators, the backend and moderators did to others."""

from __future__ import annotations

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.moderation.audit import AuditAction, AuditEntry


class ListAudit(Query[Page[AuditEntry]], frozen=True, tag="ListAudit"):
    """Lists entries of the audit log, newest first, optionally only those with an action, an actor or a target. Only
    for operators."""

    cursor: str | None = None
    limit: int = 50
    action: AuditAction | None = None
    actor_id: str | None = None
    target_id: str | None = None


class RecordExport(Change[None], frozen=True, tag="RecordExport"):
    """Checks that the actor may export the data of a user or a conversation, and adds an entry to the audit log unless
    it is the actor's own data. The export itself only reads, so it cannot record anything.

    Exactly one of `user_id` and `conversation_id` is set.
    """

    user_id: str | None = None
    conversation_id: str | None = None
