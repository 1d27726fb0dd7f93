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
from talkwire.core.domain.log.positions import pos_of
from talkwire.core.domain.model import (
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
    """Returns the id of the user in whose name a command runs: `user_id`, or the actor's own id if it is None.

    Raises `forbidden` if anyone but the application's backend names another user.
    """
    if user_id is None or user_id == actor.user_id:
        return actor.user_id
    if actor.is_service:
        return user_id
    raise ChatError("forbidden", "Only the application's backend may act for another user.", cause="backend_only")


def may_act(user: User | None) -> ChatError | None:
    """Returns a `banned` refusal for a banned or erased user, else None. A user who is not stored (`user` None) is not
    refused. Commands check this because the user's connections may stay open for a moment after a ban or an erasure."""
    if user is not None and user.erased:
        return ChatError("banned", "This user was erased.", {"erased": True}, cause="erased")
    if user is not None and user.banned:
        return ChatError("banned", "This user is banned.", _ban_details(user), cause="banned")
    return None


def _ban_details(user: User) -> dict[str, object] | None:
    """Returns the details of a `banned` error: the ban's end (`until`) and its `reason`, where it has them, or None."""
    details: dict[str, object] = {}
    if user.ban_until_ms is not None:
        details["until"] = iso_end(user.ban_until_ms)
    if user.ban_reason is not None:
        details["reason"] = user.ban_reason
    return details or None


def may_take_part(user: User | None, member: Member | None) -> ChatError | None:
    """Returns a refusal if the user is banned or is not a member of the conversation (`member` is None), else None. The
    refusal does not reveal whether the conversation exists."""
    return may_act(user) or (forbidden("not_member") if member is None else None)


def erased(user_id: str) -> ChatError:
    """Returns the `conflict` error for a command that would reuse the id of an erased user."""
    return ChatError("conflict", "This user was erased. The id cannot be reused.", {"userId": user_id}, cause="erased")


def must_not_be_held(*held: Conversation | User | None) -> None:
    """Raises `conflict` if one of the conversations and users is on hold, so that nothing in the conversation or of the
    user may be deleted. None stands for one that does not exist and is skipped."""
    for each in held:
        if each is not None and each.hold:
            subject = "conversation" if isinstance(each, Conversation) else "user"
            raise ChatError(
                "conflict",
                f"This {subject} is on hold: nothing in it can be deleted until it is lifted.",
                cause="on_hold",
            )


def must_not_be_notes(conversation: Conversation | None) -> None:
    """Raises `conflict` for a conversation with the notes of teams, for commands that are not possible there: it has
    the members, rules and handler of no conversation but the one that it is about."""
    if conversation is not None and conversation.notes_of is not None:
        message = "This is not possible in the notes of a conversation. Do it in the conversation that they are about."
        raise ChatError("conflict", message, {"notesOf": conversation.notes_of}, cause="notes")


class AccessFacts(Protocol):
    """The database reads that access rules need: a user, a conversation, a membership. `Transaction` and `Snapshot`
    both provide them."""

    def user(self, user_id: str) -> User | None: ...
    def conversation(self, conversation_id: str) -> Conversation | None: ...
    def member(self, conversation_id: str, user_id: str) -> Member | None: ...


def history_for(facts: AccessFacts, actor: Actor, conversation_id: str) -> HistoryStart:
    """Returns the point from which the actor may now read a conversation: its start for the application's backend and
    operators, the start of the membership's `history` for a member.

    Raises `forbidden` for anyone who is not a member, and `banned` for a banned user.
    """
    if actor.role != "user":
        conversation = facts.conversation(conversation_id)
        if conversation is not None and conversation.deleted_ms is None:
            return WHOLE
    member = facts.member(conversation_id, actor.user_id)
    refusal = may_take_part(facts.user(actor.user_id), member)
    if refusal is not None or member is None:
        raise refusal or forbidden("not_member")
    return member.history


def history_of(actor: Actor, member: Member) -> HistoryStart:
    """Returns the point from which a conversation may be shown to the actor: its start for the application's backend
    and operators, else `member.history`. `member` is the actor's membership."""
    return member.history if actor.role == "user" else WHOLE


def message_for_reader(message: Message, history: HistoryStart) -> Message | None:
    """Returns the message as a reader may see it, or None if it is older than `history`, where the reader's part of the
    conversation starts.

    If the message quotes an older one, the quote is removed. Every path on which messages reach readers uses this
    function.
    """
    if not history.seq:
        return message
    if message.seq <= history.seq:
        return None
    if message.reply_to is not None and message.reply_to.seq <= history.seq:
        return replace(message, reply_to=None)
    return message


def messages_for_reader(messages: Sequence[Message], history: HistoryStart) -> Sequence[Message]:
    """Returns those of the messages that a reader may see, in the same order and each as `message_for_reader` returns
    it. `history` is the point where the reader's part of the conversation starts."""
    if not history.seq:
        return messages
    return [seen for message in messages if (seen := message_for_reader(message, history)) is not None]


def must_be_visible(message: Message, history: HistoryStart) -> Message:
    """Returns the message as a reader may see it (`message_for_reader`). Raises `forbidden` for a message that is older
    than `history`, where the reader's part of the conversation starts."""
    seen = message_for_reader(message, history)
    if seen is None:
        raise forbidden("hidden_history")
    return seen


def may_see_offer(offer_id: int, history: HistoryStart) -> bool:
    """Returns whether an offer (a price proposed in a conversation) is newer than `history`, where the reader's part of
    the conversation starts. `offer_id` suffices, because it contains the offer's log position."""
    return not history.pos or pos_of(offer_id) > history.pos


def may_post(conversation: Conversation, member: Member, now_ms: int) -> ChatError | None:
    """Returns a refusal if a member may not send a message to the conversation now, else None.

    The refusal is `blocked` in a direct conversation with a block, `forbidden` for ordinary members of a channel,
    `muted` (`until` is null when the mute has no end) or, in slow mode, `rate_limited` (`retryAfterMs`). Slow mode does
    not apply to the owner and admins; a mute does not apply to the owner.
    """
    if conversation.blocked:
        return blocked()
    if conversation.kind == "channel" and member.role == "member":
        return ChatError("forbidden", "Only the owner and admins can write in a channel.", cause="read_only")
    if is_muted(member, now_ms):
        return muted(member)
    if not conversation.slow_mode_s or is_owner_or_admin(member):
        return None
    wait_ms = member.last_sent_ms + conversation.slow_mode_s * 1000 - now_ms
    if wait_ms > 0:
        return ChatError(
            "rate_limited",
            "Slow mode is on: wait before you send another message.",
            {"retryAfterMs": wait_ms},
            cause="slow_mode",
        )
    return None


def muted(member: Member) -> ChatError:
    """Returns the refusal for a member whom a moderator has muted. `until` is null when the mute has no end."""
    return ChatError(
        "muted", "You are muted in this conversation.", {"until": iso_end(member.muted_until_ms)}, cause="muted"
    )


def is_muted(member: Member, now_ms: int) -> bool:
    """Returns whether a moderator's mute, which forbids writing, applies to the member now. It never applies to the
    owner, even if the member was muted before becoming the owner."""
    return member.muted_until_ms > now_ms and member.role != "owner"


def is_owner_or_admin(member: Member | None) -> bool:
    """Returns whether the member is the owner or an admin, who may rename a conversation, change its members and
    moderate."""
    return member is not None and member.role != "member"


def blocked() -> ChatError:
    """Returns the error for a command that a block between two users forbids. It does not reveal which of them blocked
    the other."""
    return ChatError("blocked", "One of you has blocked the other.", cause="blocked")


def may_manage(actor: Actor, conversation: Conversation | None, member: Member | None) -> ChatError | None:
    """Returns a refusal unless the actor may rename a conversation, set its rules, add members and moderate, else None.

    Allowed are the owner and admins of a group or channel, the application's backend and operators. `member` is the
    actor's membership, None for a user who is not a member. Nobody manages a direct conversation.
    """
    if conversation is None or (actor.role == "user" and member is None):
        return forbidden("not_found" if conversation is None else "not_member")
    if conversation.kind == "direct":
        return ChatError("forbidden", "A direct conversation cannot be managed.", cause="direct_conversation")
    if actor.role == "user" and not is_owner_or_admin(member):
        return ChatError("forbidden", "Only the owner and admins can do this.", cause="not_manager")
    return None


def must_set_notify(actor: Actor, member: Member | None) -> None:
    """Raises `forbidden` unless the actor may set what the other members of a conversation are notified of: its owner,
    the application's backend and operators may, its admins may not. `member` is the actor's membership."""
    if not actor.is_trusted and not owns(member):
        raise ChatError("forbidden", "Only the owner can set notify for all members.", cause="not_owner")


def may_create(actor: Actor, kind: ConversationKind, policy: AccessPolicy) -> ChatError | None:
    """Returns `forbidden` for a user if only the application's backend and operators may create conversations of this
    kind, else None."""
    if actor.role == "user" and policy.creators_of(kind) == "service":
        return ChatError("forbidden", f"Users cannot create {_PLURALS[kind]} here.", cause="server_policy")
    return None


_PLURALS: Mapping[ConversationKind, str] = MappingProxyType(
    {"direct": "direct conversations", "group": "groups", "channel": "channels"}
)


def may_delete(
    actor: Actor, conversation: Conversation | None, member: Member | None, policy: AccessPolicy
) -> ChatError | None:
    """Returns a refusal unless the actor may delete the conversation, else None. `member` is the actor's membership.

    Allowed are the application's backend, operators and, if the server's policy allows it, the owner of a group or
    channel.
    """
    if conversation is None or (actor.role == "user" and member is None):
        return forbidden("not_found" if conversation is None else "not_member")
    if actor.role != "user":
        return None
    if policy.delete_conversation == "service":
        return ChatError("forbidden", "Users cannot delete conversations here.", cause="server_policy")
    return (
        None if owns(member) else ChatError("forbidden", "Only the owner can delete a conversation.", cause="not_owner")
    )


def may_join(actor: Actor, conversation: Conversation | None, user_ids: Collection[str]) -> bool:
    """Returns whether the actor may join a conversation without being added by a member: only if it is public and the
    actor is the only one of `user_ids`, the users to add."""
    return conversation is not None and conversation.public and set(user_ids) == {actor.user_id}


def may_remove(
    actor: Actor, conversation: Conversation | None, member: Member | None, target: Member | None
) -> ChatError | None:
    """Returns a refusal unless the actor may remove the member `target` from a group or channel, else None. `member` is
    the actor's own membership.

    Any member may leave. The owner removes anyone, admins remove ordinary members. In a conversation without an owner,
    only the application's backend and operators remove other members.
    """
    if conversation is not None and conversation.kind != "direct" and member is not None and member == target:
        return None
    refusal = may_manage(actor, conversation, member)
    if refusal is not None or actor.role != "user":
        return refusal
    if target is None:
        return forbidden("not_member")
    if is_ownerless(conversation):
        return _only_the_backend()
    return None if owns(member) or not is_owner_or_admin(target) else _only_the_owner()


def may_change_teams(actor: Actor, conversation: Conversation | None, member: Member | None) -> ChatError | None:
    """Returns a refusal unless the actor may add their own teams to a conversation and remove them, else None. `member`
    is the actor's membership.

    Allowed are the application's backend, operators and the conversation's members; not in a direct conversation, which
    has no teams.
    """
    if conversation is None or (actor.role == "user" and member is None):
        return forbidden("not_found" if conversation is None else "not_member")
    if conversation.kind == "direct":
        return ChatError("forbidden", "A direct conversation has no teams.", cause="direct_conversation")
    return None


def only_through_teams(member: Member) -> ChatError | None:
    """Returns `conflict`, with the teams as `via`, for a member who is there through teams only: such a member cannot
    leave, be removed or get a role. Returns None for others."""
    if member.own:
        return None
    return ChatError(
        "conflict",
        "This user is a member through a team. Change the team, or remove it from the conversation.",
        {"via": list(member.via)},
        cause="through_team",
    )


def may_give_role(
    actor: Actor, conversation: Conversation | None, member: Member | None, target: Member | None, role: MemberRole
) -> ChatError | None:
    """Returns a refusal unless the actor, whose membership is `member`, may give the member `target` this role in a
    conversation, else None.

    The owner, the application's backend and operators may give roles; an admin may become an ordinary member. The owner
    keeps the role until another member receives it.
    """
    refusal = may_manage(actor, conversation, member)
    if refusal is not None:
        return refusal
    if target is None:
        return forbidden("not_member") if actor.role == "user" else ChatError("not_found", "This user is not a member.")
    stepping_down = member == target and role == "member" and not owns(target)
    if actor.role == "user" and not owns(member) and not stepping_down:
        return _only_the_owner()
    if owns(target) and role != "owner":
        return invalid("role", "make another member the owner first")
    return None


def may_hold_role(user: User, role: MemberRole) -> ChatError | None:
    """Returns `conflict` if the user was erased and the role is `owner` or `admin`, because nobody could act in that
    role; else None."""
    if user.erased and role != "member":
        return ChatError(
            "conflict", "This user was erased and cannot become owner or admin.", {"userId": user.id}, cause="erased"
        )
    return None


def may_restrict(
    actor: Actor, conversation: Conversation | None, member: Member | None, target: Member | None
) -> ChatError | None:
    """Returns a refusal unless the actor, whose membership is `member`, may mute and ban `target` in a conversation,
    else None. `target` is None for a user outside the conversation.

    Owner and admins may restrict ordinary members and users outside the conversation. Only the owner may restrict an
    admin, and nobody may restrict the owner.
    """
    refusal = may_manage(actor, conversation, member)
    if refusal is not None:
        return refusal
    if owns(target):
        return ChatError("forbidden", "The owner cannot be muted or banned.", cause="owner_protected")
    return _only_the_owner() if actor.role == "user" and is_owner_or_admin(target) and not owns(member) else None


def may_ban(
    actor: Actor, conversation: Conversation | None, member: Member | None, target: Member | None
) -> ChatError | None:
    """Returns a refusal unless the actor, whose membership is `member`, may ban `target` from a conversation, else
    None.

    The rules of `may_restrict` apply. Because a ban also removes a member, only the application's backend and operators
    ban in a conversation without an owner.
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
    return ChatError("forbidden", "Only the owner can do this to an admin.", cause="not_owner")


def _only_the_backend() -> ChatError:
    return ChatError(
        "forbidden",
        "Only the application's backend can remove members of a conversation without an owner.",
        cause="backend_only",
    )


def require(refusal: ChatError | None) -> None:
    """Raises the refusal that an access rule (`may_…`) returned; does nothing for None, which means allowed."""
    if refusal is not None:
        raise refusal


def must_be_trusted(actor: Actor) -> None:
    """Raises `forbidden`, with a message that says so, unless the actor is the application's backend or an operator."""
    if not actor.is_trusted:
        raise ChatError("forbidden", "Only the application's backend and admins can do this.", cause="backend_only")


def must_be_operator(actor: Actor) -> None:
    """Raises `forbidden`, without saying why, unless the actor is an operator (role `admin`)."""
    if actor.role != "admin":
        raise forbidden("backend_only")


def must_be_backend(actor: Actor) -> None:
    """Raises `forbidden`, without saying why, unless the actor is the application's backend or an operator."""
    if actor.role == "user":
        raise forbidden("backend_only")
