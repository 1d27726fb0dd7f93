"""Invitations: codes with which people join conversations and, if the server requires one, register accounts.

Until it is used up, a code is as sensitive as a password, so the tables contain only its hash.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from secrets import token_urlsafe
from types import MappingProxyType

from talkwire.core.commands.command import Page
from talkwire.core.commands.invitations import (
    AcceptInvitation,
    CreatedInvitation,
    CreateInvitation,
    DeleteInvitation,
    EnsureFirstInvitation,
    InvitedConversation,
    ListedInvitation,
    ListInvitations,
    ListInvitedConversations,
)
from talkwire.core.domain.access import may_act, may_manage, must_be_operator, must_not_be_notes, require
from talkwire.core.domain.base64url import to_base64url
from talkwire.core.domain.errors import ChatError, forbidden, invalid, refusals_about
from talkwire.core.domain.events import InvitationCreated, InvitationDeleted, InvitationUsed
from talkwire.core.domain.log.positions import own_id_at
from talkwire.core.domain.model import Actor, Conversation, Invitation
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.domain.texts import check_id
from talkwire.core.domain.times import check_time
from talkwire.core.features.conversations.members import (
    find_conversation,
    must_not_be_banned,
    require_actor,
    require_managed,
    start_memberships,
)
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Lookups, Snapshot, Transaction

CODE_BYTES = 18
"""Number of random bytes of an invitation's code."""

CONVERSATIONS_MAX = 100
"""Most conversations that an invitation leads to."""

USES_MAX = 100_000
"""Largest limit of the uses of an invitation."""

FIRST_INVITATION_VALID_MS = 7 * 24 * 3600 * 1000
"""Milliseconds for which the first admin's invitation is valid."""

_FIRST_KEY = "first-invitation"

INVITATIONS_KEPT_MS = 30 * 24 * 3600 * 1000
"""Milliseconds for which expired invitations are kept."""


# --- creating and deleting ------------------------------------------------------------------------------------------


def check_create(command: CreateInvitation) -> None:
    """Raises `invalid_request` for an invitation with invalid fields."""
    if len(command.conversation_ids) > CONVERSATIONS_MAX:
        raise invalid("conversationIds", f"must have at most {CONVERSATIONS_MAX} items")
    for index, conversation_id in enumerate(command.conversation_ids):
        check_id(f"conversationIds[{index}]", conversation_id)
    if command.expires_ms is not None:
        check_time("expiresAt", command.expires_ms)
    if command.max_uses is not None and not 1 <= command.max_uses <= USES_MAX:
        raise invalid("maxUses", f"must be between 1 and {USES_MAX}")


def create_invitation(tx: Transaction, actor: Actor, command: CreateInvitation) -> CreatedInvitation:
    """Creates an invitation and returns it with its code. Raises `forbidden` for an ordinary user unless it is for a
    single conversation to which the user may add members."""
    require_actor(tx, actor)
    conversation_ids = tuple(dict.fromkeys(command.conversation_ids))
    if actor.role == "user":
        _require_one_managed(tx, actor, conversation_ids)
    else:
        _require_joinable(tx, conversation_ids)
    if command.expires_ms is not None and command.expires_ms <= tx.now_ms:
        raise invalid("expiresAt", "must be in the future")
    tx.invitations.drop_expired(tx.now_ms - INVITATIONS_KEPT_MS)
    code, pos = token_urlsafe(CODE_BYTES), tx.next_pos()
    invitation = Invitation(
        id=own_id_at(pos),
        code_hash=_hash(code),
        conversation_ids=conversation_ids,
        creator_id="" if actor.is_service else actor.user_id,
        creator_role=actor.role,
        created_ms=tx.now_ms,
        expires_ms=command.expires_ms,
        max_uses=command.max_uses,
    )
    tx.record(InvitationCreated(pos, tx.now_ms, invitation))
    return CreatedInvitation(invitation, code)


def _require_one_managed(tx: Transaction, actor: Actor, conversation_ids: tuple[str, ...]) -> None:
    if len(conversation_ids) != 1:
        raise ChatError(
            "forbidden",
            "Users can only invite to one conversation, to which they may add members.",
            cause="server_policy",
        )
    with refusals_about(conversation_ids[0]):
        require_managed(tx, actor, conversation_ids[0])


def _require_joinable(tx: Transaction, conversation_ids: tuple[str, ...]) -> None:
    for index, conversation_id in enumerate(conversation_ids):
        conversation = find_conversation(tx, conversation_id)
        if conversation is None:
            raise ChatError("forbidden", f"conversationIds[{index}]: no such conversation", cause="not_found")
        if conversation.kind == "direct":
            raise invalid(f"conversationIds[{index}]", "users cannot join a direct conversation")
        must_not_be_notes(conversation)


def check_delete(command: DeleteInvitation) -> None:
    check_id("invitationId", command.invitation_id)


def delete_invitation(tx: Transaction, actor: Actor, command: DeleteInvitation) -> None:
    """Deletes an invitation. Raises `forbidden` for an ordinary user who neither created it nor manages the only
    conversation to which it invites."""
    require_actor(tx, actor)
    invitation = tx.invitations.find(command.invitation_id)
    if actor.role == "user" and (invitation is None or not _may_delete(tx, actor, invitation)):
        raise forbidden("not_manager")
    if invitation is None:
        raise _unknown_invitation()
    tx.record(InvitationDeleted(tx.next_pos(), tx.now_ms, invitation.id, "" if actor.is_service else actor.user_id))


def _may_delete(tx: Transaction, actor: Actor, invitation: Invitation) -> bool:
    if invitation.creator_id == actor.user_id:
        return True
    return len(invitation.conversation_ids) == 1 and _manages(tx, actor, invitation.conversation_ids[0])


def _manages(store: Lookups, actor: Actor, conversation_id: str) -> bool:
    """Returns whether a user may add members to a conversation, and so invite to it."""
    member = store.member(conversation_id, actor.user_id)
    return may_manage(actor, find_conversation(store, conversation_id), member) is None


# --- the first admin ------------------------------------------------------------------------------------------------


def ensure_first_invitation(tx: Transaction, actor: Actor, command: EnsureFirstInvitation) -> CreatedInvitation | None:
    """Returns the invitation with which the first admin registers, creating it if there is no valid one; None if there
    is an admin already.

    The invitation's code is derived from its id with a secret key, so that it can be shown again without being stored.
    """
    must_be_operator(actor)
    known = tx.invitations.for_role("admin")
    if tx.has_admin():
        _delete_all(tx, known)
        return None
    key = tx.sessions.ensure_secret(_FIRST_KEY, token_urlsafe(32))
    for invitation in known:
        if not invitation.uses and (invitation.expires_ms or 0) > tx.now_ms:
            return CreatedInvitation(invitation, _derived_code(key, invitation.id))
    _delete_all(tx, known)
    pos = tx.next_pos()
    invitation_id = own_id_at(pos)
    code = _derived_code(key, invitation_id)
    invitation = Invitation(
        id=invitation_id,
        code_hash=_hash(code),
        conversation_ids=(),
        creator_id="",
        creator_role="service",
        created_ms=tx.now_ms,
        expires_ms=tx.now_ms + FIRST_INVITATION_VALID_MS,
        max_uses=1,
        role="admin",
    )
    tx.record(InvitationCreated(pos, tx.now_ms, invitation))
    return CreatedInvitation(invitation, code)


def _delete_all(tx: Transaction, known: Sequence[Invitation]) -> None:
    for invitation in known:
        tx.record(InvitationDeleted(tx.next_pos(), tx.now_ms, invitation.id, ""))


def _derived_code(key: str, invitation_id: str) -> str:
    digest = hmac.digest(key.encode(), invitation_id.encode(), "sha256")
    return to_base64url(digest[:CODE_BYTES])


# --- accepting --------------------------------------------------------------------------------------------------------


def accept_invitation(tx: Transaction, actor: Actor, command: AcceptInvitation) -> tuple[str, ...]:
    """Adds the actor to the conversations of the invitation with this code, and returns the conversations' ids.

    If the actor is already a member of all of them, nothing changes and no use is counted, so that a retry succeeds.
    Raises `not_found` for an unknown code, and `forbidden` for an invitation that has expired or was used up.
    """
    if actor.is_service:
        raise ChatError(
            "forbidden",
            "The application's backend cannot accept an invitation; it can add members.",
            cause="users_only",
        )
    require_actor(tx, actor)
    invitation = _find(tx, command.code)
    if invitation is None:
        raise _unknown_invitation()
    conversations = _open_conversations(tx, invitation)
    if any(tx.member(conversation.id, actor.user_id) is None for conversation in conversations):
        _must_be_usable(tx, invitation)
        _use(tx, actor.user_id, invitation, conversations)
    return tuple(conversation.id for conversation in conversations)


def usable_invitation(tx: Transaction, code: str) -> Invitation:
    """Returns the invitation with this code. Raises `forbidden` if the code is unknown, the invitation has expired or
    was used up, all its conversations were deleted, its creator may no longer invite, or it was for the first admin and
    there is an admin."""
    invitation = _find(tx, code)
    if invitation is None:
        raise ChatError("forbidden", "The invitation is invalid. Ask for a new one.", cause="invitation_invalid")
    _open_conversations(tx, invitation)
    _must_be_usable(tx, invitation)
    return invitation


def use_invitation(tx: Transaction, user_id: str, invitation: Invitation) -> None:
    """Adds a new user to the conversations of an invitation, and counts the use. The caller has checked that the
    invitation is usable."""
    _use(tx, user_id, invitation, _open_conversations(tx, invitation))


def _find(tx: Lookups, code: str) -> Invitation | None:
    # Looked up by hash, so that the duration of the comparison reveals nothing about the code.
    return tx.invitations.find_by_code(_hash(code))


def _open_conversations(tx: Lookups, invitation: Invitation) -> list[Conversation]:
    """Returns the invitation's conversations that still exist. Raises `forbidden` if it had some and all were
    deleted."""
    found = [found for id_ in invitation.conversation_ids if (found := find_conversation(tx, id_)) is not None]
    if invitation.conversation_ids and not found:
        raise ChatError("forbidden", "The conversation of this invitation was deleted.", cause="invitation_invalid")
    return found


def _must_be_usable(tx: Lookups, invitation: Invitation) -> None:
    if invitation.expires_ms is not None and invitation.expires_ms <= tx.now_ms:
        raise ChatError("forbidden", "The invitation has expired. Ask for a new one.", cause="invitation_expired")
    if invitation.max_uses is not None and invitation.uses >= invitation.max_uses:
        raise ChatError("forbidden", "The invitation has been used up. Ask for a new one.", cause="invitation_used_up")
    if invitation.role == "admin" and tx.has_admin():
        raise ChatError(
            "forbidden", "The invitation was for the first admin, and there is one already.", cause="invitation_invalid"
        )
    if not _may_still_invite(tx, invitation):
        raise ChatError(
            "forbidden",
            "The creator of this invitation may no longer invite. Ask for a new one.",
            cause="invitation_invalid",
        )


def _may_still_invite(tx: Lookups, invitation: Invitation) -> bool:
    """Returns whether the invitation's creator is not banned and may still add members to the conversation.

    An invitation of an admin or the backend stays valid until its creator is banned: their role is only in their
    tokens, so it cannot be looked up later.
    """
    creator_id = invitation.creator_id
    if may_act(tx.user(creator_id)) is not None:
        return False
    if invitation.creator_role != "user":
        return True
    return _manages(tx, Actor(creator_id, ""), invitation.conversation_ids[0])


def _use(tx: Transaction, user_id: str, invitation: Invitation, conversations: list[Conversation]) -> None:
    joined = [conversation for conversation in conversations if tx.member(conversation.id, user_id) is None]
    for conversation in joined:
        must_not_be_banned(tx, Actor(user_id, ""), conversation, (user_id,))
    for conversation in joined:
        start_memberships(tx, conversation, (user_id,), user_id)
    tx.record(InvitationUsed(tx.next_pos(), tx.now_ms, invitation.id, user_id))


def _unknown_invitation() -> ChatError:
    return ChatError("not_found", "There is no such invitation.")


def _hash(code: str) -> str:
    return sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


# --- listing --------------------------------------------------------------------------------------------------------


def list_invitations(snapshot: Snapshot, actor: Actor, query: ListInvitations) -> Page[ListedInvitation]:
    """Returns a page of invitations, newest first: all for the application's backend and admins, otherwise those that
    the actor has created. An actor who manages the query's conversation gets everybody's invitations to this
    conversation alone."""
    require(may_act(snapshot.user(actor.user_id)))
    if query.cursor is not None:
        check_id("cursor", query.cursor)
    if query.conversation_id is not None:
        check_id("conversationId", query.conversation_id)
    limit = max(1, min(query.limit, PAGE_MAX))
    found = _listed(snapshot, actor, query, limit + 1)
    items = [ListedInvitation(each, not _may_still_invite(snapshot, each)) for each in found[:limit]]
    return Page(tuple(items), found[limit - 1].id if len(found) > limit else None)


def _listed(snapshot: Snapshot, actor: Actor, query: ListInvitations, limit: int) -> Sequence[Invitation]:
    conversation_id, rows = query.conversation_id, snapshot.invitations
    if actor.role != "user":
        return rows.created_by(None, conversation_id, query.cursor, limit)
    if conversation_id is not None and _manages(snapshot, actor, conversation_id):
        return rows.only_to(conversation_id, query.cursor, limit)
    return rows.created_by(actor.user_id, conversation_id, query.cursor, limit)


def list_invited_conversations(
    snapshot: Snapshot, actor: Actor, query: ListInvitedConversations
) -> tuple[InvitedConversation, ...]:
    """Returns the conversations of the invitation with this code. The actor may be nobody (an empty user id): the link
    shows where it leads before the sign-in.

    Raises the errors of `accept_invitation`: `not_found` for an unknown code, and `forbidden` for an invitation with
    which the actor cannot join any more, unless the actor is a user and a member of all its conversations.
    """
    require(may_act(snapshot.user(actor.user_id)))
    invitation = _find(snapshot, query.code)
    if invitation is None:
        raise _unknown_invitation()
    conversations = _open_conversations(snapshot, invitation)
    joined = snapshot.memberships(actor.user_id, [conversation.id for conversation in conversations])
    if not actor.user_id or len(joined) < len(conversations):
        _must_be_usable(snapshot, invitation)
    return tuple(InvitedConversation(each.id, each.kind, each.name, each.id in joined) for each in conversations)


CHANGES: Changes = MappingProxyType(
    {
        CreateInvitation: ChangeHandler(create_invitation, check_create),
        EnsureFirstInvitation: ChangeHandler(ensure_first_invitation),
        DeleteInvitation: ChangeHandler(delete_invitation, check_delete),
        AcceptInvitation: ChangeHandler(accept_invitation),
    }
)

QUERIES: Queries = MappingProxyType(
    {ListInvitations: list_invitations, ListInvitedConversations: list_invited_conversations}
)
