"""Rows of invitations."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import asdict
from sqlalchemy import ColumnElement, Connection, delete, select

from talkwire.core.domain.model import Invitation
from talkwire.storage.schema import invitations
from talkwire.storage.tables.rows import AnyRow, from_json, to_json


class InvitationRows:
    """Implements `core.ports.stores.Invitations`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, invitation_id: str) -> Invitation | None:
        return self._one(invitations.c.id == invitation_id)

    def with_code(self, code_hash: str) -> Invitation | None:
        return self._one(invitations.c.code_hash == code_hash)

    def created_by(self, creator_id: str | None, before_id: str | None, limit: int) -> Sequence[Invitation]:
        statement = select(invitations)
        if creator_id is not None:
            statement = statement.where(invitations.c.creator_id == creator_id)
        if before_id is not None:
            statement = statement.where(invitations.c.id < before_id)
        # All ids have the same length, so the order of texts is that of the log.
        rows = self._connection.execute(statement.order_by(invitations.c.id.desc()).limit(limit))
        return [_to_invitation(row) for row in rows]

    def drop_expired(self, before_ms: int) -> None:
        self._connection.execute(delete(invitations).where(invitations.c.expires_ms < before_ms))

    def _one(self, condition: ColumnElement[bool]) -> Invitation | None:
        row = self._connection.execute(select(invitations).where(condition)).one_or_none()
        return None if row is None else _to_invitation(row)


def invitation_values(invitation: Invitation) -> dict[str, object]:
    """Returns an invitation as its row."""
    return asdict(invitation) | {"conversation_ids": to_json(invitation.conversation_ids)}


def _to_invitation(row: AnyRow) -> Invitation:
    return Invitation(
        id=row.id,
        code_hash=row.code_hash,
        conversation_ids=tuple(from_json(row.conversation_ids)),
        creator_id=row.creator_id,
        creator_role=row.creator_role,
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
        max_uses=row.max_uses,
        uses=row.uses,
    )
