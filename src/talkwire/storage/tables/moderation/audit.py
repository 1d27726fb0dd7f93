"""The table of the audit log. Entries are only added. Erasing a user removes addresses and reasons from entries, but
keeps ids."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import asdict
from sqlalchemy import Connection, Text, cast, func, insert, or_, select, update

from talkwire.core.commands.moderation.audit import ListAudit
from talkwire.core.domain.model import Actor
from talkwire.core.domain.moderation.audit import Act, AuditEntry
from talkwire.storage.schema import audit, reports
from talkwire.storage.sql.reads import Reads


class AuditRows(Reads):
    """Reads the audit log. Implements `core.ports.stores.AuditLog`."""

    def page(self, wanted: ListAudit, before_id: int | None, limit: int) -> Sequence[AuditEntry]:
        statement = select(audit)
        for column, value in (
            (audit.c.action, wanted.action),
            (audit.c.actor_id, wanted.actor_id),
            (audit.c.target_id, wanted.target_id),
        ):
            if value is not None:
                statement = statement.where(column == value)
        if before_id is not None:
            statement = statement.where(audit.c.id < before_id)
        rows = self._connection.execute(statement.order_by(audit.c.id.desc()).limit(limit))
        return [AuditEntry(**row._mapping) for row in rows]


class WritableAuditRows(AuditRows):
    def add(self, actor: Actor, acts: Sequence[Act], now_ms: int) -> None:
        # The lock of the log's head orders all writers, so no number is given twice and none is left out.
        last = self._connection.execute(select(func.coalesce(func.max(audit.c.id), 0))).scalar_one()
        entries = [
            AuditEntry(
                number,
                act.action,
                actor.user_id,
                act.target_id,
                now_ms,
                actor.address,
                act.conversation_id,
                act.reason,
                act.digest,
            )
            for number, act in enumerate(acts, last + 1)
        ]
        self._connection.execute(insert(audit), [asdict(entry) for entry in entries])


def forget_user(connection: Connection, user_id: str) -> None:
    """Removes an erased user's personal data from the audit log: the user's network addresses, and the reasons in
    entries by or about the user or about reports and messages of the user."""
    theirs = or_(reports.c.author_id == user_id, reports.c.reporter_id == user_id)
    concerned = or_(
        audit.c.actor_id == user_id,
        audit.c.target_id == user_id,
        audit.c.target_id.in_(select(reports.c.id).where(theirs)),
        audit.c.target_id.in_(select(cast(reports.c.message_id, Text)).where(theirs)),
    )
    connection.execute(update(audit).where(concerned, audit.c.reason.is_not(None)).values(reason=None))
    own = audit.c.actor_id == user_id
    connection.execute(update(audit).where(own, audit.c.address.is_not(None)).values(address=None))
