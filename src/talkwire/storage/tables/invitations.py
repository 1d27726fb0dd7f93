"""The table of invitations, the links by which people register and join conversations."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import ColumnElement, Select, delete, func, insert, select, update

from talkwire.core.domain.events import InvitationCreated, InvitationDeleted, InvitationUsed
from talkwire.core.domain.model import AccountRole, Invitation
from talkwire.storage.schema import invitations
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, from_json, to_json
from talkwire.storage.tables.projection import Projections
from talkwire.storage.workspace import Workspace


class InvitationRows(Reads):
    """Reads the table of invitations. Implements `core.ports.stores.Invitations`."""

    def find(self, invitation_id: str) -> Invitation | None:
        return self._one(invitations.c.id == invitation_id)

    def find_by_code(self, code_hash: str) -> Invitation | None:
        return self._one(invitations.c.code_hash == code_hash)

    def created_by(
        self, creator_id: str | None, conversation_id: str | None, before_id: str | None, limit: int
    ) -> Sequence[Invitation]:
        statement = select(invitations)
        if creator_id is not None:
            statement = statement.where(invitations.c.creator_id == creator_id)
        if conversation_id is not None:
            # SQLite's LIKE ignores case. An id is in quotation marks in the JSON, so it is not part of another one.
            within = func.replace(invitations.c.conversation_ids, to_json(conversation_id), "")
            statement = statement.where(within != invitations.c.conversation_ids)
        return self._page(statement, before_id, limit)

    def only_to(self, conversation_id: str, before_id: str | None, limit: int) -> Sequence[Invitation]:
        only = invitations.c.conversation_ids == to_json([conversation_id])
        return self._page(select(invitations).where(only), before_id, limit)

    def _page(self, statement: Select[Any], before_id: str | None, limit: int) -> Sequence[Invitation]:
        if before_id is not None:
            statement = statement.where(invitations.c.id < before_id)
        # All ids have the same length, so the order of texts is that of the log.
        rows = self._connection.execute(statement.order_by(invitations.c.id.desc()).limit(limit))
        return [_to_invitation(row) for row in rows]

    def for_role(self, role: AccountRole) -> Sequence[Invitation]:
        rows = self._connection.execute(
            select(invitations).where(invitations.c.role == role).order_by(invitations.c.id)
        )
        return [_to_invitation(row) for row in rows]

    def _one(self, condition: ColumnElement[bool]) -> Invitation | None:
        row = self._connection.execute(select(invitations).where(condition)).one_or_none()
        return None if row is None else _to_invitation(row)


class WritableInvitationRows(InvitationRows):
    def drop_expired(self, before_ms: int) -> None:
        self._connection.execute(delete(invitations).where(invitations.c.expires_ms < before_ms))


def _values(invitation: Invitation) -> dict[str, object]:
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
        role=row.role,
    )


def _created(workspace: Workspace, event: InvitationCreated) -> None:
    workspace.connection.execute(insert(invitations), _values(event.invitation))


def _used(workspace: Workspace, event: InvitationUsed) -> None:
    used = update(invitations).where(invitations.c.id == event.invitation_id)
    workspace.connection.execute(used.values(uses=invitations.c.uses + 1))


def _deleted(workspace: Workspace, event: InvitationDeleted) -> None:
    workspace.connection.execute(delete(invitations).where(invitations.c.id == event.invitation_id))


PROJECTIONS: Projections = MappingProxyType(
    {InvitationCreated: _created, InvitationUsed: _used, InvitationDeleted: _deleted}
)
