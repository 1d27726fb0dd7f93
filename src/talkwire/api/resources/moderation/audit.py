"""The route `/api/v1/audit`, which lists the audit log: actions of admins, the application's backend and moderators
that concern other users."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import FromQuery, QueryParameter

from talkwire.api.http.bodies import ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.core.commands.moderation.audit import ListAudit
from talkwire.core.domain.moderation.audit import AuditAction
from talkwire.payloads.moderation.audit import AuditEntryPayload, audit_entry_payload

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]
ActorId = Annotated[str | None, QueryParameter(name="actorId", description="Only acts of this user")]
TargetId = Annotated[
    str | None,
    QueryParameter(name="targetId", description="Only acts on this user, message, conversation, webhook or report"),
]


@get(
    "/audit",
    operation_id="listAudit",
    summary="List the audit log, newest first (role admin)",
    description="Contains the acts of admins, the application's backend and moderators of conversations. An entry is "
    "stored in the same transaction as what it is about.",
    tags=["moderation"],
)
async def list_audit(  # noqa: PLR0913, PLR0917 (each is given by name)
    caller: GivenCaller,
    chat: GivenChat,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
    action: FromQuery[AuditAction | None] = None,
    actor: ActorId = None,
    target: TargetId = None,
) -> ListAnswer[AuditEntryPayload]:
    page = await chat.execute(caller.actor, ListAudit(cursor, limit, action, actor, target))
    return ListAnswer(tuple(map(audit_entry_payload, page.items)), page.next)
