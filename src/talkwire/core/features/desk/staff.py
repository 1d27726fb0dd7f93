"""Who may do what only a conversation's staff does: handle it, and write notes about it."""

from __future__ import annotations

from talkwire.core.domain.access import acting_as, may_take_part, must_not_be_notes, require
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.model import Actor, Conversation
from talkwire.core.features.conversations.members import find_conversation, require_actor
from talkwire.core.ports.transaction import Transaction


def must_be_staff(
    tx: Transaction, actor: Actor, conversation_id: str, sender_id: str | None
) -> tuple[Conversation, str]:
    """Returns the conversation, and the id of the member who acts: `sender_id` or the actor; empty for the backend, if
    it names nobody.

    Raises `forbidden` for users who are no members through a team of the conversation, and `conflict` for a
    conversation without teams and for one with notes.
    """
    require_actor(tx, actor)
    by = "" if actor.is_service and sender_id is None else acting_as(actor, sender_id)
    member = tx.member(conversation_id, by) if by else None
    if by:
        require(may_take_part(tx.user(by), member))
    conversation = find_conversation(tx, conversation_id)
    if conversation is None:
        raise forbidden("not_found")
    must_not_be_notes(conversation)
    if not conversation.team_ids:
        message = "This conversation has no team, so that nobody handles it and there are no notes."
        raise ChatError("conflict", message, cause="state_changed")
    if member is not None and not member.via:
        message = "Only members of the conversation's teams do this."
        raise ChatError("forbidden", message, cause="not_staff")
    return conversation, by
