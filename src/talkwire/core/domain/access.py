"""Who may do what: pure rules. Each answers a refusal, or None when it may be done."""

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
    """The user in whose name a command is carried out. Only the application's backend may name another than itself.

    Raises `forbidden` for anyone else.
    """
    if user_id is None or user_id == actor.user_id:
        return actor.user_id
    if actor.is_service:
        return user_id
    raise ChatError("forbidden", "Only the back end may send for others.")


def may_act(user: User | None) -> ChatError | None:
    """Banned users do nothing, whatever was asked in their name before they learn of it."""
    if user is not None and user.banned:
        return ChatError("banned", "This user is banned.")
    return None


def may_take_part(user: User | None, member: Member | None) -> ChatError | None:
    """Members see and write in their conversations; nobody else learns that these exist."""
    return may_act(user) or (forbidden() if member is None else None)


class AccessFacts(Protocol):
    """What a reader's access follows from. A `Transaction` and a `Snapshot` both have it."""

    def user(self, user_id: str) -> User | None: ...
    def conversation(self, conversation_id: str) -> Conversation | None: ...
    def member(self, conversation_id: str, user_id: str) -> Member | None: ...


def history_for(facts: AccessFacts, actor: Actor, conversation_id: str) -> HistoryStart:
    """Returns which part of a conversation the actor may read now. The application's backend and operators read all.

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
    """Returns what an answer to the actor may show who acts as this member."""
    return member.history if actor.role == "user" else WHOLE


def as_seen(message: Message, history: HistoryStart) -> Message | None:
    """Returns the message as a reader with this history may see it: without a quote from before their time.

    None where the message itself is from before their time. Every way on which messages reach readers asks here.
    """
    if not history.seq:
        return message
    if message.seq <= history.seq:
        return None
    if message.reply_to is not None and message.reply_to.seq <= history.seq:
        return replace(message, reply_to=None)
    return message


def all_as_seen(messages: Sequence[Message], history: HistoryStart) -> Sequence[Message]:
    """Returns those of the messages that a reader with this history may see, as `as_seen` has them."""
    if not history.seq:
        return messages
    return [seen for message in messages if (seen := as_seen(message, history)) is not None]


def must_see(message: Message, history: HistoryStart) -> Message:
    """Returns the message as `as_seen` has it. Raises `forbidden` where it is from before the reader's time."""
    seen = as_seen(message, history)
    if seen is None:
        raise forbidden()
    return seen


def may_see_offer(offer_id: int, history: HistoryStart) -> bool:
    """Whether an offer was made within this history: an offer's id says at which log position that was."""
    return not history.pos or offer_id - MESSAGE_ID_BASE > history.pos


def may_post(conversation: Conversation, member: Member, now_ms: int) -> ChatError | None:
    """Whether a member may write another message here now.

    `blocked` in a direct conversation with a block, `forbidden` for ordinary members of a channel, `muted` (`until`:
    null when it does not end by itself), `rate_limited` in slow mode (`retryAfterMs`). Whoever runs a conversation is
    not slowed down, and its owner is not muted.
    """
    if conversation.blocked:
        return blocked()
    if conversation.kind == "channel" and member.role == "member":
        return ChatError("forbidden", "In a channel only its owner and its admins write.")
    if is_muted(member, now_ms):
        return ChatError("muted", "A moderator has muted you here.", {"until": iso_end(member.muted_until_ms)})
    if not conversation.slow_mode_s or runs(member):
        return None
    wait_ms = member.last_sent_ms + conversation.slow_mode_s * 1000 - now_ms
    if wait_ms > 0:
        return ChatError("rate_limited", "Slow mode: wait before you write again.", {"retryAfterMs": wait_ms})
    return None


def is_muted(member: Member, now_ms: int) -> bool:
    """Whether a moderator keeps the member from writing now. Whoever became the owner meanwhile is not muted."""
    return member.muted_until_ms > now_ms and member.role != "owner"


def runs(member: Member | None) -> bool:
    """Owner and admins of a conversation rename it, add and remove members, moderate."""
    return member is not None and member.role != "member"


def blocked() -> ChatError:
    """Whose block it is stays unsaid."""
    return ChatError("blocked", "One of you has blocked the other.")


def may_manage(actor: Actor, conversation: Conversation | None, member: Member | None) -> ChatError | None:
    """Owner and admins of a group or channel, the application's backend and operators: they rename it, set its rules,
    add members and moderate. `member` is the actor's."""
    if conversation is None or (actor.role == "user" and member is None):
        return forbidden()
    if conversation.kind == "direct":
        return ChatError("forbidden", "A direct conversation is its two members' alike.")
    if actor.role == "user" and not runs(member):
        return ChatError("forbidden", "This is for the owner and the admins.")
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
    """The owner of a group or channel, as far as the policy lets owners; the application's backend and operators."""
    if conversation is None or (actor.role == "user" and member is None):
        return forbidden()
    if actor.role != "user":
        return None
    if policy.delete_conversation == "service":
        return ChatError("forbidden", "Users cannot delete conversations here.")
    return None if owns(member) else ChatError("forbidden", "Only the owner deletes a conversation.")


def may_join(actor: Actor, conversation: Conversation | None, user_ids: Collection[str]) -> bool:
    """Whether users join by themselves: a public group or channel is joined by adding oneself, and nobody else."""
    return conversation is not None and conversation.public and set(user_ids) == {actor.user_id}


def may_remove(
    actor: Actor, conversation: Conversation | None, member: Member | None, target: Member | None
) -> ChatError | None:
    """Anyone leaves a group or channel. Its owner removes anybody, its admins ordinary members.

    Where nobody owns it, only the application's backend and operators remove members.
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
    return None if owns(member) or not runs(target) else _only_the_owner()


def may_give_role(
    actor: Actor, conversation: Conversation | None, member: Member | None, target: Member | None, role: MemberRole
) -> ChatError | None:
    """Returns a refusal unless the actor gives roles here: the owner, the application's backend and operators.

    An admin may step down. An owner stays the owner until they hand the conversation over.
    """
    refusal = may_manage(actor, conversation, member)
    if refusal is not None:
        return refusal
    if target is None:
        return forbidden() if actor.role == "user" else ChatError("not_found", "This user is no member.")
    stepping_down = member == target and role == "member" and not owns(target)
    if actor.role == "user" and not owns(member) and not stepping_down:
        return _only_the_owner()
    if owns(target) and role != "owner":
        return invalid("role", "make another member the owner instead")
    return None


def may_restrict(
    actor: Actor, conversation: Conversation | None, member: Member | None, target: Member | None
) -> ChatError | None:
    """Whoever manages a conversation mutes and bans ordinary members, and those who are none; only its owner also
    admins, and nobody the owner."""
    refusal = may_manage(actor, conversation, member)
    if refusal is not None:
        return refusal
    if owns(target):
        return ChatError("forbidden", "Nobody mutes or bans the owner.")
    return _only_the_owner() if actor.role == "user" and runs(target) and not owns(member) else None


def may_ban(
    actor: Actor, conversation: Conversation | None, member: Member | None, target: Member | None
) -> ChatError | None:
    """Who may restrict may also ban, which removes a member, unless nobody owns the conversation."""
    refusal = may_restrict(actor, conversation, member, target)
    if refusal is None and actor.role == "user" and is_ownerless(conversation):
        return _only_the_backend()
    return refusal


def is_ownerless(conversation: Conversation | None) -> bool:
    """Whether a group or channel has no owner: the application's backend created it and named none."""
    return conversation is not None and conversation.kind != "direct" and conversation.owner_id is None


def owns(member: Member | None) -> bool:
    return member is not None and member.role == "owner"


def _only_the_owner() -> ChatError:
    return ChatError("forbidden", "Only the owner does this to admins.")


def _only_the_backend() -> ChatError:
    return ChatError("forbidden", "This conversation has no owner. Only the application's backend removes members.")


def require(refusal: ChatError | None) -> None:
    """Raises what a rule has refused with."""
    if refusal is not None:
        raise refusal


def must_be_trusted(actor: Actor) -> None:
    """Raises `forbidden` unless the actor is the application's back end or an admin."""
    if not actor.is_trusted:
        raise ChatError("forbidden", "Only the back end and admins may do this.")


def must_operate(actor: Actor) -> None:
    """Raises `forbidden` unless the actor is an operator (role `admin`)."""
    if actor.role != "admin":
        raise forbidden()


def must_serve(actor: Actor) -> None:
    """Raises `forbidden` for anyone but the application's backend and operators."""
    if actor.role == "user":
        raise forbidden()
