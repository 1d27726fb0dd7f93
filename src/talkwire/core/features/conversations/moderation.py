"""Moderation of a conversation: muting members (they cannot write) and banning users (they cannot be members). Mutes
and bans remain in force after a membership ends."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.command import Page
from talkwire.core.commands.moderation.restrictions import ListRestrictions, RestrictMember, UnrestrictMember
from talkwire.core.domain.access import may_act, may_ban, may_manage, may_restrict, must_not_be_notes, require
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.events import MemberRestricted, MemberUnrestricted
from talkwire.core.domain.model import FOR_EVER_MS, Actor, Conversation, Restriction, RestrictionKind
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.domain.texts import check_id, check_short_text
from talkwire.core.domain.times import check_time
from talkwire.core.features.conversations.grounds import admit
from talkwire.core.features.conversations.members import end_membership, find_conversation, require_actor
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

RESTRICTION_REASON_MAX_LENGTH = 500
"""Longest reason of a mute or a ban from a conversation, in characters."""


def check_restrict(command: RestrictMember) -> None:
    check_unrestrict(command)
    if command.until_ms is not None:
        check_time("until", command.until_ms)
    if command.reason is not None:
        check_short_text("reason", command.reason, RESTRICTION_REASON_MAX_LENGTH)


def check_unrestrict(command: RestrictMember | UnrestrictMember) -> None:
    check_id("conversationId", command.conversation_id)
    check_id("userId", command.user_id)


def restrict_member(tx: Transaction, actor: Actor, command: RestrictMember) -> Restriction:
    """Mutes or bans a user in a conversation, and returns the restriction. A banned user who is a member is also
    removed. Raises `forbidden` unless the actor may restrict this user."""
    require_actor(tx, actor)
    conversation = find_conversation(tx, command.conversation_id)
    member, target = (tx.member(command.conversation_id, user_id) for user_id in (actor.user_id, command.user_id))
    rule = may_ban if command.kind == "ban" else may_restrict
    require(rule(actor, conversation, member, target))
    if conversation is None:
        raise forbidden("not_found")
    must_not_be_notes(conversation)
    if tx.user(command.user_id) is None:
        raise invalid("userId", "no such user")
    restriction = _restriction(command, actor, tx.now_ms)
    if tx.restrictions.find(conversation.id, command.user_id, command.kind) != restriction:
        tx.record(MemberRestricted(tx.next_pos(), tx.now_ms, restriction))
    if command.kind == "ban" and target is not None:
        end_membership(tx, conversation, target, actor, is_banned=True)
    return restriction


def _restriction(command: RestrictMember, actor: Actor, now_ms: int) -> Restriction:
    until_ms = FOR_EVER_MS if command.until_ms is None else command.until_ms
    if until_ms <= now_ms:
        raise invalid("until", "must be in the future")
    return Restriction(command.conversation_id, command.user_id, command.kind, until_ms, actor.user_id, command.reason)


def unrestrict_member(tx: Transaction, actor: Actor, command: UnrestrictMember) -> None:
    """Lifts a user's mute or ban in a conversation; without one, does nothing. A user whose ban is lifted becomes a
    member again only if a team of the conversation has them."""
    require_actor(tx, actor)
    conversation = find_conversation(tx, command.conversation_id)
    member, target = (tx.member(command.conversation_id, user_id) for user_id in (actor.user_id, command.user_id))
    rule = may_ban if command.kind == "ban" else may_restrict
    require(rule(actor, conversation, member, target))
    restriction = tx.restrictions.find(command.conversation_id, command.user_id, command.kind)
    if restriction is not None:
        _end(tx, restriction, conversation)


def end_restriction(tx: Transaction, key: str, *, kind: RestrictionKind) -> int | None:
    """Ends a mute, or a ban from a conversation, if its time is over: `key` is that of its timer. Returns when it ends
    if that is later, in milliseconds since 1970, else None."""
    conversation_id, user_id = key.split("/")
    conversation = tx.conversation(conversation_id)
    restriction = tx.restrictions.find(conversation_id, user_id, kind)
    if conversation is None or conversation.deleted_ms is not None or restriction is None:
        return None
    if restriction.until_ms > tx.now_ms:
        return None if restriction.until_ms == FOR_EVER_MS else restriction.until_ms
    _end(tx, restriction, conversation)
    return None


def _end(tx: Transaction, restriction: Restriction, conversation: Conversation | None) -> None:
    """Records that a restriction has ended. After a ban, the user becomes a member of the conversation and of its notes
    again if a team of the conversation has them."""
    tx.record(MemberUnrestricted(tx.next_pos(), tx.now_ms, restriction))
    if restriction.kind == "mute" or conversation is None:
        return
    notes = None if conversation.notes_id is None else tx.conversation(conversation.notes_id)
    for place in (conversation, notes):
        if place is not None and place.team_ids:
            admit(tx, place, (restriction.user_id,))


def list_restrictions(snapshot: Snapshot, actor: Actor, query: ListRestrictions) -> Page[Restriction]:
    """Returns a page of a conversation's mutes or of its bans, as `query.kind` says. Raises `forbidden` unless the
    actor is the conversation's owner or one of its admins, the application's backend or an operator."""
    check_id("conversationId", query.conversation_id)
    if query.cursor is not None:
        check_id("cursor", query.cursor)
    conversation = snapshot.conversation(query.conversation_id)
    if conversation is not None and conversation.deleted_ms is not None:
        conversation = None
    member = snapshot.member(query.conversation_id, actor.user_id)
    require(may_act(snapshot.user(actor.user_id)) or may_manage(actor, conversation, member))
    limit = max(1, min(query.limit, PAGE_MAX))
    found = snapshot.restrictions.of_conversation(
        query.conversation_id, query.kind, query.now_ms, query.cursor, limit + 1
    )
    return Page(tuple(found[:limit]), found[limit - 1].user_id if len(found) > limit else None)


CHANGES: Changes = MappingProxyType(
    {
        RestrictMember: ChangeHandler(restrict_member, check_restrict),
        UnrestrictMember: ChangeHandler(unrestrict_member, check_unrestrict),
    }
)

QUERIES: Queries = MappingProxyType({ListRestrictions: list_restrictions})
