"""Payloads of the audit log, which records actions of admins, the application's backend and moderators."""

from __future__ import annotations

from talkwire.core.domain.moderation.audit import AuditAction, AuditEntry
from talkwire.payloads.payload import Payload, iso


class AuditEntryPayload(Payload, frozen=True):
    """An entry of the audit log: an action of an admin, the application's backend or a moderator. `address` is the
    actor's IP address; it is null for an action on the command line, whose `actorId` is `talkwire/operator`, and for an
    action of a program that embeds the server. `digest` is that of the card that was decided."""

    id: str
    action: AuditAction
    actor_id: str
    target_id: str
    at: str
    address: str | None
    conversation_id: str | None = None
    reason: str | None = None
    digest: str | None = None


def audit_entry_payload(entry: AuditEntry) -> AuditEntryPayload:
    return AuditEntryPayload(
        id=str(entry.id),
        action=entry.action,
        actor_id=entry.actor_id,
        target_id=entry.target_id,
        at=iso(entry.at_ms),
        address=entry.address,
        conversation_id=entry.conversation_id,
        reason=entry.reason,
        digest=entry.digest,
    )
