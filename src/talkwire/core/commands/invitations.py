"""Commands about invitations: links with which people register and join conversations."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import ConversationKind, Invitation


class CreatedInvitation(msgspec.Struct, frozen=True):
    """A new invitation with its code. The code is not stored and cannot be shown again."""

    invitation: Invitation
    code: str


class CreateInvitation(Change[CreatedInvitation], frozen=True, tag="CreateInvitation"):
    """Creates an invitation, a link with which people register and, if `conversation_ids` is not empty, join these
    conversations. An ordinary user can only invite to one conversation, in which they may add members.

    `expires_ms` is in milliseconds since 1970, None for no end. `max_uses` None means no limit.
    """

    conversation_ids: tuple[str, ...] = ()
    expires_ms: int | None = None
    max_uses: int | None = None


class EnsureFirstInvitation(Change["CreatedInvitation | None"], frozen=True, tag="EnsureFirstInvitation"):
    """Internal: returns the invitation with which a new account becomes the first admin, or None if there is an admin.

    Creates the invitation unless there is a valid one, so all nodes that send this command receive the same. It can be
    used once within a week.
    """


class DeleteInvitation(Change[None], frozen=True, tag="DeleteInvitation"):
    """Deletes an invitation. Users who have registered or joined conversations with it stay. Raises `forbidden` for an
    ordinary user who neither created it nor may add members to the only conversation to which it invites."""

    invitation_id: str


class AcceptInvitation(Change[tuple[str, ...]], frozen=True, tag="AcceptInvitation"):
    """Adds the actor to the conversations of the invitation with this code, and returns the conversations' ids. Raises
    `not_found` for an unknown code, and `forbidden` for an invitation that has expired or was used up."""

    code: str


class InvitedConversation(msgspec.Struct, frozen=True):
    """What users with an invitation's code see of a conversation before they join it."""

    id: str
    kind: ConversationKind
    name: str | None
    is_member: bool


class ListInvitedConversations(Query[tuple[InvitedConversation, ...]], frozen=True, tag="ListInvitedConversations"):
    """Lists the conversations of the invitation with this code. Raises the errors of `AcceptInvitation`."""

    code: str


class ListedInvitation(msgspec.Struct, frozen=True):
    """An invitation in a list. `suspended`: nobody can use it while its creator may not invite, such as an admin of the
    conversation who has left it."""

    invitation: Invitation
    suspended: bool


class ListInvitations(Query[Page[ListedInvitation]], frozen=True, tag="ListInvitations"):
    """Lists invitations, newest first: those that the actor created; for the application's backend and admins, those of
    all users.

    With a `conversation_id`, lists only invitations to this conversation. Members who may add members to it then
    receive the invitations of all users that are to this conversation alone.
    """

    cursor: str | None = None
    limit: int = 50
    conversation_id: str | None = None
