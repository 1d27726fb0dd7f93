"""Commands about invitations: links with which people register and join conversations."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import Invitation


class CreatedInvitation(msgspec.Struct, frozen=True):
    """A new invitation with its code. The code is not stored and cannot be shown again."""

    invitation: Invitation
    code: str


class CreateInvitation(Change[CreatedInvitation], frozen=True, tag="CreateInvitation"):
    """Creates an invitation. Without conversations it only lets people register.

    `expires_ms` None: it does not expire. `max_uses` None: there is no limit of uses.
    """

    conversation_ids: tuple[str, ...] = ()
    expires_ms: int | None = None
    max_uses: int | None = None


class DeleteInvitation(Change[None], frozen=True, tag="DeleteInvitation"):
    """Deletes an invitation. Users who have joined with it stay."""

    invitation_id: str


class AcceptInvitation(Change[tuple[str, ...]], frozen=True, tag="AcceptInvitation"):
    """Adds the actor to an invitation's conversations and returns their ids."""

    code: str


class ListInvitations(Query[Page[Invitation]], frozen=True, tag="ListInvitations"):
    """Lists the actor's invitations, newest first; for the application's backend and admins, those of all users."""

    cursor: str | None = None
    limit: int = 50
