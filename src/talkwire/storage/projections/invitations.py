"""Invitations."""

from __future__ import annotations

from types import MappingProxyType

from sqlalchemy import delete, insert, update

from talkwire.core.domain.events import InvitationCreated, InvitationDeleted, InvitationUsed
from talkwire.storage.projections.projection import Projections
from talkwire.storage.schema import invitations
from talkwire.storage.tables.invitations import invitation_values
from talkwire.storage.workspace import Workspace


def _created(workspace: Workspace, event: InvitationCreated) -> None:
    workspace.connection.execute(insert(invitations), invitation_values(event.invitation))


def _used(workspace: Workspace, event: InvitationUsed) -> None:
    used = update(invitations).where(invitations.c.id == event.invitation_id)
    workspace.connection.execute(used.values(uses=invitations.c.uses + 1))


def _deleted(workspace: Workspace, event: InvitationDeleted) -> None:
    workspace.connection.execute(delete(invitations).where(invitations.c.id == event.invitation_id))


PROJECTIONS: Projections = MappingProxyType(
    {
        InvitationCreated: _created,
        InvitationUsed: _used,
        InvitationDeleted: _deleted,
    }
)
