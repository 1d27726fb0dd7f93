"""Who may do what: pure rules. Each answers a refusal, or None when it may be done."""

from __future__ import annotations

from talkwire.core.errors import ChatError, forbidden
from talkwire.core.model import Actor, Conversation, Member, User


def acting_as(actor: Actor, user_id: str | None) -> str:
    """The user in whose name a command is carried out. Only the application's backend may name another than itself.

    Raises `forbidden` for anyone else.
    """
    if user_id is None or user_id == actor.user_id:
        return actor.user_id
    if actor.is_service:
        return user_id
    raise forbidden()


def may_act(user: User | None) -> ChatError | None:
    """Banned users do nothing, whatever was asked in their name before they learn of it."""
    if user is not None and user.banned:
        return ChatError("banned", "This user is banned.")
    return None


def may_take_part(user: User | None, member: Member | None) -> ChatError | None:
    """Members see and write in their conversations; nobody else learns that these exist."""
    return may_act(user) or (forbidden() if member is None else None)


def may_change_members(actor: Actor, conversation: Conversation | None, member: Member | None) -> ChatError | None:
    """Owners and admins of a group, the application's backend and operators add and remove members."""
    if conversation is None:
        return forbidden()
    if conversation.kind == "direct":
        return ChatError("forbidden", "A direct conversation has exactly its two members.")
    if actor.role != "user":
        return None
    if member is None or member.role == "member":
        return forbidden()
    return None


def must_operate(actor: Actor) -> None:
    """Raises `forbidden` unless the actor is an operator (role `admin`)."""
    if actor.role != "admin":
        raise forbidden()
