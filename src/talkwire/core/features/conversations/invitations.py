"""Invitations: codes by which people register where registering needs one, and join conversations.

A code is as good as a password until it is used, so the tables hold only its hash.
"""

from __future__ import annotations

from hashlib import sha256
from secrets import token_urlsafe
from types import MappingProxyType

from talkwire.core.commands.command import Page
from talkwire.core.commands.invitations import (
    AcceptInvitation,
    CreatedInvitation,
    CreateInvitation,
    DeleteInvitation,
    ListInvitations,
)
from talkwire.core.domain.access import may_act, may_manage, require
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import InvitationCreated, InvitationDeleted, InvitationUsed
from talkwire.core.domain.model import OWN_ID_BASE, Actor, Conversation, Invitation
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.domain.texts import check_id
from talkwire.core.domain.times import check_time
from talkwire.core.features.conversations.members import (
    find_conversation,
    let_in,
    must_not_be_banned,
    require_actor,
    require_managed,
)
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

CODE_BYTES = 18
CONVERSATIONS_MAX = 100
USES_MAX = 100_000

KEPT_MS = 30 * 24 * 3600 * 1000
"""How long an invitation that has expired is still listed."""


# --- creating and deleting ------------------------------------------------------------------------------------------


def check_create(command: CreateInvitation) -> None:
    """Refuses what could not be an invitation, before anything is queued."""
    if len(command.conversation_ids) > CONVERSATIONS_MAX:
        raise invalid("conversationIds", f"at most {CONVERSATIONS_MAX}")
    for index, conversation_id in enumerate(command.conversation_ids):
        check_id(f"conversationIds[{index}]", conversation_id)
    if command.expires_ms is not None:
        check_time("expiresAt", command.expires_ms)
    if command.max_uses is not None and not 1 <= command.max_uses <= USES_MAX:
        raise invalid("maxUses", f"must be between 1 and {USES_MAX}")


def create_invitation(tx: Transaction, actor: Actor, command: CreateInvitation) -> CreatedInvitation:
    """Returns a new invitation with its code. A user invites to one conversation whose members they may add."""
    require_actor(tx, actor)
    conversation_ids = tuple(dict.fromkeys(command.conversation_ids))
    if actor.role == "user":
        _require_one_managed(tx, actor, conversation_ids)
    else:
        _require_joinable(tx, conversation_ids)
    if command.expires_ms is not None and command.expires_ms <= tx.now_ms:
        raise invalid("expiresAt", "must be in the future")
    tx.invitations.drop_expired(tx.now_ms - KEPT_MS)
    code, pos = token_urlsafe(CODE_BYTES), tx.next_pos()
    invitation = Invitation(
        id=str(OWN_ID_BASE + pos),
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
        raise ChatError("forbidden", "Users invite to exactly one conversation, whose members they may add.")
    require_managed(tx, actor, conversation_ids[0])


def _require_joinable(tx: Transaction, conversation_ids: tuple[str, ...]) -> None:
    for index, conversation_id in enumerate(conversation_ids):
        conversation = find_conversation(tx, conversation_id)
        if conversation is None:
            raise ChatError("forbidden", f"conversationIds[{index}]: no such conversation")
        if conversation.kind == "direct":
            raise invalid(f"conversationIds[{index}]", "nobody joins a direct conversation")


def check_delete(command: DeleteInvitation) -> None:
    check_id("invitationId", command.invitation_id)


def delete_invitation(tx: Transaction, actor: Actor, command: DeleteInvitation) -> None:
    """Ends an invitation: for its creator, the application's backend and admins."""
    require_actor(tx, actor)
    invitation = tx.invitations.find(command.invitation_id)
    if actor.role == "user" and (invitation is None or invitation.creator_id != actor.user_id):
        raise forbidden()
    if invitation is None:
        raise _unknown()
    tx.record(InvitationDeleted(tx.next_pos(), tx.now_ms, invitation.id, "" if actor.is_service else actor.user_id))


# --- using ----------------------------------------------------------------------------------------------------------


def accept_invitation(tx: Transaction, actor: Actor, command: AcceptInvitation) -> tuple[str, ...]:
    """Has the actor join the conversations of an invitation, and returns their ids. Nothing is used up by a member of
    all of them, so a retry succeeds. Raises `not_found` for an unknown code, and as `use_invitation` does."""
    if actor.is_service:
        raise ChatError("forbidden", "The application's backend adds members itself.")
    require_actor(tx, actor)
    invitation = _find(tx, command.code)
    if invitation is None:
        raise _unknown()
    conversations = _open_conversations(tx, invitation)
    if any(tx.member(conversation.id, actor.user_id) is None for conversation in conversations):
        _must_be_usable(tx, invitation)
        _use(tx, actor.user_id, invitation, conversations)
    return tuple(conversation.id for conversation in conversations)


def usable_invitation(tx: Transaction, code: str) -> Invitation:
    """Returns the invitation with this code. Raises `forbidden` for one that nobody can register with."""
    invitation = _find(tx, code)
    if invitation is None:
        raise ChatError("forbidden", "The invitation is invalid. Ask for a new one.")
    _open_conversations(tx, invitation)
    _must_be_usable(tx, invitation)
    return invitation


def use_invitation(tx: Transaction, user_id: str, invitation: Invitation) -> None:
    """Has a new user join the conversations of a usable invitation."""
    _use(tx, user_id, invitation, _open_conversations(tx, invitation))


def _find(tx: Transaction, code: str) -> Invitation | None:
    # By its hash, so that how long the comparison takes says nothing about the code.
    return tx.invitations.with_code(_hash(code))


def _open_conversations(tx: Transaction, invitation: Invitation) -> list[Conversation]:
    """Returns those that still exist. Raises `forbidden` where an invitation's conversations were all deleted."""
    found = [found for id_ in invitation.conversation_ids if (found := find_conversation(tx, id_)) is not None]
    if invitation.conversation_ids and not found:
        raise ChatError("forbidden", "The conversation of this invitation was deleted.")
    return found


def _must_be_usable(tx: Transaction, invitation: Invitation) -> None:
    if invitation.expires_ms is not None and invitation.expires_ms <= tx.now_ms:
        raise ChatError("forbidden", "The invitation has expired. Ask for a new one.")
    if invitation.max_uses is not None and invitation.uses >= invitation.max_uses:
        raise ChatError("forbidden", "The invitation has been used up. Ask for a new one.")
    if not _may_still_invite(tx, invitation):
        raise ChatError("forbidden", "Whoever made this invitation may not invite any more. Ask for a new one.")


def _may_still_invite(tx: Transaction, invitation: Invitation) -> bool:
    """The role of an admin is in their tokens, so it cannot be looked up; a ban can."""
    creator_id = invitation.creator_id
    if may_act(tx.user(creator_id)) is not None:
        return False
    if invitation.creator_role != "user":
        return True
    (conversation_id,) = invitation.conversation_ids
    member = tx.member(conversation_id, creator_id)
    return may_manage(Actor(creator_id, ""), find_conversation(tx, conversation_id), member) is None


def _use(tx: Transaction, user_id: str, invitation: Invitation, conversations: list[Conversation]) -> None:
    joined = [conversation for conversation in conversations if tx.member(conversation.id, user_id) is None]
    for conversation in joined:
        must_not_be_banned(tx, Actor(user_id, ""), conversation, (user_id,))
    for conversation in joined:
        let_in(tx, conversation, (user_id,), user_id)
    tx.record(InvitationUsed(tx.next_pos(), tx.now_ms, invitation.id, user_id))


def _unknown() -> ChatError:
    return ChatError("not_found", "There is no such invitation.")


def _hash(code: str) -> str:
    return sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


# --- listing --------------------------------------------------------------------------------------------------------


def list_invitations(snapshot: Snapshot, actor: Actor, query: ListInvitations) -> Page[Invitation]:
    """The actor's own invitations, newest first; those of all for the application's backend and admins."""
    require(may_act(snapshot.user(actor.user_id)))
    if query.cursor is not None:
        check_id("cursor", query.cursor)
    limit = max(1, min(query.limit, PAGE_MAX))
    creator_id = actor.user_id if actor.role == "user" else None
    found = snapshot.invitations.created_by(creator_id, query.cursor, limit + 1)
    return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)


CHANGES: Changes = MappingProxyType(
    {
        CreateInvitation: ChangeHandler(create_invitation, check_create),
        DeleteInvitation: ChangeHandler(delete_invitation, check_delete),
        AcceptInvitation: ChangeHandler(accept_invitation),
    }
)

QUERIES: Queries = MappingProxyType({ListInvitations: list_invitations})
