"""Invitations, as their creators see them."""

from __future__ import annotations

from msgspec.structs import asdict

from talkwire.core.commands.invitations import CreatedInvitation
from talkwire.core.domain.model import Invitation
from talkwire.dialects.payload import Payload, iso


class InvitationPayload(Payload, frozen=True):
    """`expiresAt` and `maxUses` are left out where there is no such limit, `createdBy` where the application's backend
    made the invitation."""

    id: str
    conversation_ids: tuple[str, ...]
    uses: int
    created_at: str
    created_by: str | None = None
    expires_at: str | None = None
    max_uses: int | None = None


class CreatedInvitationPayload(InvitationPayload, frozen=True, kw_only=True):
    """`code` and `url` are shown only here: the server keeps no more than the code's hash."""

    code: str
    url: str


def invitation_payload(invitation: Invitation) -> InvitationPayload:
    return InvitationPayload(
        id=invitation.id,
        conversation_ids=invitation.conversation_ids,
        uses=invitation.uses,
        created_at=iso(invitation.created_ms),
        created_by=invitation.creator_id or None,
        expires_at=None if invitation.expires_ms is None else iso(invitation.expires_ms),
        max_uses=invitation.max_uses,
    )


def created_invitation_payload(created: CreatedInvitation, site: str) -> CreatedInvitationPayload:
    """`site` is where people reach the server, such as `https://chat.example.com`."""
    shown = asdict(invitation_payload(created.invitation))
    return CreatedInvitationPayload(**shown, code=created.code, url=invitation_url(site, created.code))


def invitation_url(site: str, code: str) -> str:
    """Returns the link that people open. What is behind the `#` is in no server's log."""
    return f"{site.rstrip('/')}/#invite={code}"
