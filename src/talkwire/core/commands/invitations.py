"""What is asked about invitations: links by which people register and join conversations."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import Invitation


class CreatedInvitation(msgspec.Struct, frozen=True):
    """An invitation with its code, which nobody can read anywhere later."""

    invitation: Invitation
    code: str


class CreateInvitation(Change[CreatedInvitation], frozen=True, tag="CreateInvitation"):
    """Without conversations it lets people register and no more. `expires_ms` None: it does not expire; `max_uses`
    None: any number of people may use it."""

    conversation_ids: tuple[str, ...] = ()
    expires_ms: int | None = None
    max_uses: int | None = None


class DeleteInvitation(Change[None], frozen=True, tag="DeleteInvitation"):
    """Ends an invitation. Whoever has joined by it stays."""

    invitation_id: str


class AcceptInvitation(Change[tuple[str, ...]], frozen=True, tag="AcceptInvitation"):
    """Has the actor join the conversations of an invitation; the result is their ids."""

    code: str


class ListInvitations(Query[Page[Invitation]], frozen=True, tag="ListInvitations"):
    """The actor's own invitations, newest first; those of all for the application's backend and admins."""

    cursor: str | None = None
    limit: int = 50
