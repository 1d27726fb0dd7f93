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
    """Records in the audit log that somebody exports a user's or a conversation's data: exactly one of `user_id` and
    `conversation_id` is set. The export itself only reads."""

    user_id: str | None = None
    conversation_id: str | None = None
