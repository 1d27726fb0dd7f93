"""Payloads of invitations: links with which people register on the server and join conversations."""

from __future__ import annotations

from msgspec.structs import asdict, replace

from talkwire.core.commands.invitations import CreatedInvitation, InvitedConversation, ListedInvitation
from talkwire.core.domain.model import ConversationKind, Invitation
from talkwire.payloads.payload import Payload, iso, iso_or_none


class InvitationPayload(Payload, frozen=True):
    """An invitation as its creator sees it. `expiresAt` and `maxUses` are missing if there is no such limit,
    `createdBy` if the application's backend created it. Lists have `suspended` for an invitation that nobody can use
    while its creator may not invite."""

    id: str
    conversation_ids: tuple[str, ...]
    uses: int
    created_at: str
    created_by: str | None = None
    expires_at: str | None = None
    max_uses: int | None = None
    suspended: bool = False


class CreatedInvitationPayload(InvitationPayload, frozen=True, kw_only=True):
    """A new invitation with its `code` and its link (`url`). No later response has these two, since the server stores
    only a hash of the code."""

    code: str
    url: str


class InvitedConversationPayload(Payload, frozen=True):
    """A conversation of an invitation, as users with the code see it before they join."""

    id: str
    kind: ConversationKind
    is_member: bool
    name: str | None = None


def invited_conversation_payload(invited: InvitedConversation) -> InvitedConversationPayload:
    return InvitedConversationPayload(**asdict(invited))


def invitation_payload(invitation: Invitation) -> InvitationPayload:
    return InvitationPayload(
        id=invitation.id,
        conversation_ids=invitation.conversation_ids,
        uses=invitation.uses,
        created_at=iso(invitation.created_ms),
        created_by=invitation.creator_id or None,
        expires_at=iso_or_none(invitation.expires_ms),
        max_uses=invitation.max_uses,
    )


def listed_invitation_payload(listed: ListedInvitation) -> InvitationPayload:
    return replace(invitation_payload(listed.invitation), suspended=listed.suspended)


def created_invitation_payload(created: CreatedInvitation, site: str) -> CreatedInvitationPayload:
    """Returns the payload of a new invitation with its code and link. `site` is the server's public address, such as
    `https://chat.example.com`."""
    shown = asdict(invitation_payload(created.invitation))
    return CreatedInvitationPayload(**shown, code=created.code, url=invitation_url(site, created.code))


def invitation_url(site: str, code: str) -> str:
    """Returns the link of an invitation. The code follows `#`, since browsers do not send that part to a server, so
    that no server logs it."""
    return f"{site.rstrip('/')}/#invite={code}"
