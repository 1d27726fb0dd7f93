"""The operation that lists the audit log: acts of admins, the application's backend and moderators."""

from __future__ import annotations

from talkwire.core.commands.moderation.audit import ListAudit
from talkwire.operations.operation import Operation, Paged
from talkwire.operations.shapes import InputMember
from talkwire.payloads.moderation.audit import audit_entry_payload

LIST_AUDIT = Operation(
    ListAudit,
    route="GET /audit",
    tag="moderation",
    summary="List the audit log, newest first (role admin)",
    description="Contains the acts of admins, the application's backend and moderators of conversations. An entry is "
    "stored in the same transaction as what it is about.",
    answer=Paged(audit_entry_payload),
    members={
        "actor_id": InputMember(meaning="Only acts of this user"),
        "target_id": InputMember(meaning="Only acts on this user, message, conversation, webhook or report"),
    },
)

OPERATIONS = (LIST_AUDIT,)
