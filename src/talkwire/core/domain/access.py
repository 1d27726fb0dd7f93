"""Access rules: pure functions that decide who may do what.

A `may_…` rule returns the refusal, or None when the action is allowed (`may_see_offer` and `may_join` return a bool). A
`must_…` rule raises the refusal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from msgspec.structs import replace

from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.model import (
    MESSAGE_ID_BASE,
    WHOLE,
    Actor,
    Conversation,
    ConversationKind,
    HistoryStart,
    Member,
    MemberRole,
    Message,
    User,
)
from talkwire.core.domain.times import iso_end


def acting_as(actor: Actor, user_id: str | None) -> str:
    """Returns the id of the user in whose name a command is carried out.

    Only the application's backend may name a user other than itself. Raises `forbidden` for anyone else.
    """
    if user_id is None or user_id == actor.user_id:
        return actor.user_id
    if actor.is_service:
        return user_id
    raise ChatError("forbidden", "Only the application's backend may act for another user.")


def may_act(user: User | None) -> ChatError | None:
    """Returns `banned` for a banned or erased user, because a user's connections may outlive both for a moment."""
    if user is not None and user.erased:
        return ChatError("banned", "This user was erased.")
    if user is not None and user.banned:
        return ChatError("banned", "This user is banned.")
    return None


def may_take_part(user: User | None, member: Member | None) -> ChatError | None:
    """Returns a refusal unless the user is a member. It does not reveal whether the conversation exists."""
    return may_act(user) or (forbidden() if member is None else None)


def erased(user_id: str) -> ChatError:
    """Returns the refusal to reuse the id of an erased user."""
    return ChatError("conflict", "This user was erased. The id cannot be reused.", {"userId": user_id})


def must_not_be_held(*held: Conversation | User | None) -> None:
    """Raises `conflict` if one of these is on hold, so that nothing in it may be deleted."""
    for each in held:
        if each is not None and each.hold:
            subject = "conversation" if isinstance(each, Conversation) else "user"
            raise ChatError("conflict", f"This {subject} is on hold: nothing in it can be deleted until it is lifted.")


class AccessFacts(Protocol):
    """The reads from which a reader's access follows. `Transaction` and `Snapshot` both provide them."""

    def user(self, user_id: str) -> User | None: ...
    def conversation(self, conversation_id: str) -> Conversation | None: ...
    def member(self, conversation_id: str, user_id: str) -> Member | None: ...


def history_for(facts: AccessFacts, actor: Actor, conversation_id: str) -> HistoryStart:
    """Returns the part of a conversation that the actor may read now: all of it for the application's backend and
    operators.

    Raises `forbidden` for anyone who is not a member, and `banned`.
    """
    if actor.role != "user":
        conversation = facts.conversation(conversation_id)
        if conversation is not None and conversation.deleted_ms is None:
            return WHOLE
    member = facts.member(conversation_id, actor.user_id)
    refusal = may_take_part(facts.user(actor.user_id), member)
    if refusal is not None or member is None:
        raise refusal or forbidden()
    return member.history


def history_of(actor: Actor, member: Member) -> HistoryStart:
    """Returns the part of a conversation that an answer to the actor may show, where `member` is the actor's
    membership."""
    return member.history if actor.role == "user" else WHOLE


def message_for_reader(message: Message, history: HistoryStart) -> Message | None:
    """Returns the message as a reader with this history may see it, or None if it was sent before that history starts.

    A quote from before the start is removed. Every path on which messages reach readers uses this function.
    """
    if not history.seq:
        return message
    if message.seq <= history.seq:
        return None
    if message.reply_to is not None and message.reply_to.seq <= history.seq:
        return replace(message, reply_to=None)
    return message


def messages_for_reader(messages: Sequence[Message], history: HistoryStart) -> Sequence[Message]:
    """Returns the messages that a reader with this history may see, each as `message_for_reader` returns it."""
    if not history.seq:
        return messages
    return [seen for message in messages if (seen := message_for_reader(message, history)) is not None]


def must_be_visible(message: Message, history: HistoryStart) -> Message:
    """Returns the message as `message_for_reader` does. Raises `forbidden` for a message from before the reader's
    history starts."""
    seen = message_for_reader(message, history)
    if seen is None:
        raise forbidden()
    return seen


def may_see_offer(offer_id: int, history: HistoryStart) -> bool:
    """Returns whether an offer was made within this history. An offer's id contains its log position."""
    return not history.pos or offer_id - MESSAGE_ID_BASE > history.pos


def may_post(conversation: Conversation, member: Member, now_ms: int) -> ChatError | None:
    """Returns why a member may not send a message now, or None.

    The refusal is `blocked` in a direct conversation with a block, `forbidden` for ordinary members of a channel,
    `muted` (`until` is null when the mute has no end) or, in slow mode, `rate_limited` (`retryAfterMs`). Slow mode does
    not apply to the owner and admins; a mute does not apply to the owner.
    """
    if conversation.blocked:
        return blocked()
    if conversation.kind == "channel" and member.role == "member":
        return ChatError("forbidden", "Only the owner and admins can write in a channel.")
    if is_muted(member, now_ms):
        return ChatError("muted", "You are muted in this conversation.", {"until": iso_end(member.muted_until_ms)})
    if not conversation.slow_mode_s or is_owner_or_admin(member):
        return None
    wait_ms = member.last_sent_ms + conversation.slow_mode_s * 1000 - now_ms
    if wait_ms > 0:
        return ChatError(
            "rate_limited", "Slow mode is on: wait before you send another message.", {"retryAfterMs": wait_ms}
        )
    return None


def is_muted(member: Member, now_ms: int) -> bool:
    """Returns whether a moderator's mute applies now. It never applies to the owner, also if it is older than the
    ownership."""
    return member.muted_until_ms > now_ms and member.role != "owner"


def is_owner_or_admin(member: Member | None) -> bool:
    """Returns whether the member is the owner or an admin, who may rename a conversation, change its members and
    moderate."""
    return member is not None and member.role != "member"


def blocked() -> ChatError:
    """Returns the refusal for a blocked pair of users. It does not reveal which of them blocked the other."""
    return ChatError("blocked", "One of you has blocked the other.")


def may_manage(actor: Actor, conversation: Conversation | None, member: Member | None) -> ChatError | None:
    """Returns a refusal unless the actor may rename a conversation, set its rules, add members and moderate.

    These are the owner and admins of a group or channel, the application's backend and operators. `member` is the
    actor's membership.
    """
    if conversation is None or (actor.role == "user" and member is None):
        return forbidden()
    if conversation.kind == "direct":
        return ChatError("forbidden", "A direct conversation cannot be managed.")
    if actor.role == "user" and not is_owner_or_admin(member):
        return ChatError("forbidden", "Only the owner and admins can do this.")
    return None


def may_create(actor: Actor, kind: ConversationKind, policy: AccessPolicy) -> ChatError | None:
    """Returns `forbidden` for a user where only the application's backend and operators create this kind."""
    if actor.role == "user" and policy.creators_of(kind) == "service":
        return ChatError("forbidden", f"Users cannot create {_PLURALS[kind]} here.")
    return None


_PLURALS: Mapping[ConversationKind, str] = MappingProxyType(
    {"direct": "direct conversations", "group": "groups", "channel": "channels"}
)


def may_delete(
    actor: Actor, conversation: Conversation | None, member: Member | None, policy: AccessPolicy
) -> ChatError | None:
    """Returns a refusal unless the actor may delete the conversation.

    These are the owner of a group or channel if the policy allows owners to, the application's backend and operators.
    """
    if conversation is None or (actor.role == "user" and member is None):
        return forbidden()
    if actor.role != "user":
        return None
    if policy.delete_conversation == "service":
        return ChatError("forbidden", "Users cannot delete conversations here.")
    return None if owns(member) else ChatError("forbidden", "Only the owner can delete a conversation.")


def may_join(actor: Actor, conversation: Conversation | None, user_ids: Collection[str]) -> bool:
    """Returns whether the actor may join without being added: only to a public conversation, and only themselves."""
    return conversation is not None and conversation.public and set(user_ids) == {actor.user_id}


def may_remove(
    actor: Actor, conversation: Conversation | None, member: Member | None, target: Member | None
) -> ChatError | None:
    """Returns a refusal unless the actor may remove the target from a group or channel.

    Any member may leave. The owner removes anyone, admins remove ordinary members. In a conversation without an owner,
    only the application's backend and operators remove members.
    """
    if conversation is not None and conversation.kind != "direct" and member is not None and member == target:
        return None
    refusal = may_manage(actor, conversation, member)
    if refusal is not None or actor.role != "user":
        return refusal
    if target is None:
        return forbidden()
    if is_ownerless(conversation):
        return _only_the_backend()
    return None if owns(member) or not is_owner_or_admin(target) else _only_the_owner()


def may_give_role(
    actor: Actor, conversation: Conversation | None, member: Member | None, target: Member | None, role: MemberRole
) -> ChatError | None:
    """Returns a refusal unless the actor may give the target this role.

    The owner, the application's backend and operators may; an admin may step down. The owner keeps the role until
    another member receives it.
    """
    refusal = may_manage(actor, conversation, member)
    if refusal is not None:
        return refusal
    if target is None:
        return forbidden() if actor.role == "user" else ChatError("not_found", "This user is not a member.")
    stepping_down = member == target and role == "member" and not owns(target)
    if actor.role == "user" and not owns(member) and not stepping_down:
        return _only_the_owner()
    if owns(target) and role != "owner":
        return invalid("role", "make another member the owner first")
    return None


def may_restrict(
    actor: Actor, conversation: Conversation | None, member: Member | None, target: Member | None
) -> ChatError | None:
    """Returns a refusal unless the actor may mute and ban the target.

    Owner and admins may restrict ordinary members and users outside the conversation. Only the owner may restrict an
    admin, and nobody may restrict the owner.
    """
    refusal = may_manage(actor, conversation, member)
    if refusal is not None:
        return refusal
    if owns(target):
        return ChatError("forbidden", "The owner cannot be muted or banned.")
    return _only_the_owner() if actor.role == "user" and is_owner_or_admin(target) and not owns(member) else None


def may_ban(
    actor: Actor, conversation: Conversation | None, member: Member | None, target: Member | None
) -> ChatError | None:
    """Returns a refusal unless the actor may ban the target: as `may_restrict`, because a ban also removes a member.

    In a conversation without an owner, only the application's backend and operators ban.
    """
    refusal = may_restrict(actor, conversation, member, target)
    if refusal is None and actor.role == "user" and is_ownerless(conversation):
        return _only_the_backend()
    return refusal


def is_ownerless(conversation: Conversation | None) -> bool:
    """Returns whether a group or channel has no owner, because the application's backend created it without naming
    one."""
    return conversation is not None and conversation.kind != "direct" and conversation.owner_id is None


def owns(member: Member | None) -> bool:
    return member is not None and member.role == "owner"


def _only_the_owner() -> ChatError:
    return ChatError("forbidden", "Only the owner can do this to an admin.")


def _only_the_backend() -> ChatError:
    return ChatError(
        "forbidden", "Only the application's backend can remove members of a conversation without an owner."
    )


def require(refusal: ChatError | None) -> None:
    """Raises the refusal that a rule returned; does nothing for None."""
    if refusal is not None:
        raise refusal


def must_be_trusted(actor: Actor) -> None:
    """Raises `forbidden` unless the actor is the application's backend or an admin."""
    if not actor.is_trusted:
        raise ChatError("forbidden", "Only the application's backend and admins can do this.")


def must_be_operator(actor: Actor) -> None:
    """Raises `forbidden` unless the actor is an operator (role `admin`)."""
    if actor.role != "admin":
        raise forbidden()


def must_be_backend(actor: Actor) -> None:
    """Raises `forbidden` unless the actor is the application's backend or an operator."""
    if actor.role == "user":
        raise forbidden()
