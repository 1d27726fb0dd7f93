"""Members of a conversation: joining, adding, leaving, removing, and changing roles. Also checks that other features of
conversations share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from talkwire.core.commands.conversations import MemberView
from talkwire.core.commands.members import (
    AddedMembers,
    AddMembers,
    RemovedMember,
    RemoveMember,
    RemoveTeam,
    UpdateMember,
)
from talkwire.core.domain.access import (
    erased,
    is_ownerless,
    may_act,
    may_change_teams,
    may_give_role,
    may_hold_role,
    may_join,
    may_manage,
    may_remove,
    must_not_be_notes,
    only_through_teams,
    require,
)
from talkwire.core.domain.desk.teams import TEAMS_OF_CONVERSATION_MAX, TeamChange
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import (
    ConversationUpdated,
    MemberAdded,
    MemberRemoved,
    MemberUpdated,
    UserCreated,
)
from talkwire.core.domain.log.positions import is_own_id
from talkwire.core.domain.model import (
    WHOLE,
    Actor,
    Conversation,
    HistoryStart,
    Member,
    MemberRole,
    User,
)
from talkwire.core.domain.texts import check_id
from talkwire.core.domain.times import iso_end
from talkwire.core.features.agents.turns import announce_waiting
from talkwire.core.features.conversations.grounds import begin, history_from, set_grounds
from talkwire.core.features.handling.handling import handler_left, teams_changed
from talkwire.core.features.handling.notes import find_notes, record_deletion_of
from talkwire.core.features.messages.reading import as_shown_to, shares_reads
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Lookups, Transaction

MEMBERS_PER_COMMAND_MAX = 10_000
"""Most users that one command adds to a conversation."""


# --- joining and adding ---------------------------------------------------------------------------------------------


def check_add_members(command: AddMembers) -> None:
    """Raises `invalid_request` for invalid ids, and for a command that names nobody to add."""
    check_id("conversationId", command.conversation_id)
    check_user_ids("userIds", command.user_ids)
    check_team_ids(command.team_ids)
    if not command.user_ids and not command.team_ids:
        raise invalid("userIds", "must not be empty")


def check_team_ids(team_ids: Collection[str] | UnsetType) -> None:
    """Raises `invalid_request` for invalid ids of teams, and for more teams than a conversation may have."""
    if team_ids is UNSET:
        return
    if len(team_ids) > TEAMS_OF_CONVERSATION_MAX:
        raise invalid("teamIds", f"must have at most {TEAMS_OF_CONVERSATION_MAX} items")
    for index, team_id in enumerate(team_ids):
        check_id(f"teamIds[{index}]", team_id)


def add_members(tx: Transaction, actor: Actor, command: AddMembers) -> AddedMembers:
    """Adds users and teams to a group or channel and returns the new members; existing members are skipped. Users may
    add themselves to a public conversation.

    Raises `forbidden` unless the actor may add them, `banned` if one of the users is banned from the conversation,
    `blocked` if one has blocked the actor, and what `add_teams` raises.
    """
    require_actor(tx, actor)
    conversation = _addable(tx, actor, command)
    new_user_ids = _who_are_new(tx, conversation, command.user_ids)
    if new_user_ids:
        check_users(tx, actor, command.user_ids, "userIds")
        must_not_be_banned(tx, actor, conversation, new_user_ids)
        must_not_have_blocked(tx, actor, new_user_ids)
    team_ids = must_be_teams(tx, conversation.team_ids, command.team_ids or ())
    added: tuple[Member, ...] = ()
    if new_user_ids:
        create_unknown_users(tx, new_user_ids)
        added = start_memberships(tx, conversation, new_user_ids, "" if actor.is_service else actor.user_id)
    return AddedMembers(added, set_teams(tx, actor, conversation, (*conversation.team_ids, *team_ids)))


def _addable(tx: Transaction, actor: Actor, command: AddMembers) -> Conversation:
    """Returns the conversation to which the actor may add these users and teams. Raises `forbidden` for another."""
    if command.team_ids:
        conversation = _with_own_teams(tx, actor, command.conversation_id, command.team_ids)
        if not command.user_ids:
            return conversation
    found = find_conversation(tx, command.conversation_id)
    if found is not None and may_join(actor, found, command.user_ids):
        return found
    return require_managed(tx, actor, command.conversation_id)


def _who_are_new(tx: Transaction, conversation: Conversation, user_ids: Collection[str]) -> list[str]:
    """Returns those of the users who are no members of the conversation in their own right."""
    present = tx.members(conversation.id, user_ids)
    return [id_ for id_ in dict.fromkeys(user_ids) if id_ not in present or not present[id_].own]


def join_new_users(tx: Transaction, conversation_id: str, user_ids: Sequence[str]) -> bool:
    """Adds users to a group or channel, with one event for all of them. The same transaction has created the users, so
    they cannot be banned or muted there.

    Returns False if there is no such group or channel. Users who already are members stay unchanged.
    """
    conversation = find_conversation(tx, conversation_id)
    if conversation is None or conversation.kind == "direct" or conversation.notes_of is not None:
        return False
    new_user_ids = _who_are_new(tx, conversation, user_ids)
    if new_user_ids:
        _add(tx, conversation, new_user_ids, {}, "")
    return True


def start_memberships(
    tx: Transaction, conversation: Conversation, new_user_ids: Sequence[str], by: str
) -> tuple[Member, ...]:
    """Records that users become members of a conversation (`MemberAdded`), and returns them. `by` is the id of the user
    who adds them; empty for the backend.

    Checks nothing: the caller has checked that the users exist, may be added and are not members yet in their own
    right. A mute that a moderator imposed during an earlier membership still applies.
    """
    restrictions = tx.restrictions.on_users(conversation.id, new_user_ids)
    muted_until_ms = {each.user_id: each.until_ms for each in restrictions if each.kind == "mute"}
    return _add(tx, conversation, new_user_ids, muted_until_ms, by)


def _add(
    tx: Transaction,
    conversation: Conversation,
    user_ids: Sequence[str],
    muted_until_ms: Mapping[str, int],
    by: str,
) -> tuple[Member, ...]:
    history = history_from(conversation, tx.next_pos())
    there = tx.members(conversation.id, user_ids) if conversation.team_ids else {}
    members = tuple(
        replace(new_member(conversation, id_, "member", tx.now_ms, history), muted_until_ms=muted_until_ms.get(id_, 0))
        for id_ in user_ids
        if id_ not in there
    )
    if members:
        tx.record(MemberAdded(tx.next_pos(), tx.now_ms, conversation.id, members, by, conversation.notify))
    starts = tx.teams.histories([conversation.id]).get(conversation.id, {}) if there else {}
    staying = (set_grounds(tx, each, starts, own=True, via=each.via, start=history, by=by) for each in there.values())
    return (*members, *staying)


def new_member(
    conversation: Conversation, user_id: str, role: MemberRole, joined_ms: int, history: HistoryStart = WHOLE
) -> Member:
    """Returns a `Member` for a user who joins a conversation at its newest message, without unread messages. Stores
    nothing."""
    last_seq = conversation.last_seq
    return Member(
        conversation.id,
        user_id,
        role,
        joined_ms,
        history_seq=history.seq,
        history_pos=history.pos,
        read_seq=last_seq,
        delivered_seq=last_seq,
    )


def must_not_be_banned(tx: Transaction, actor: Actor, conversation: Conversation, user_ids: Sequence[str]) -> None:
    """Raises `banned` if one of these users is banned from the conversation. If only the actor is, the error's
    `details` are the conversation, the end of the ban (null if it has none) and its reason; otherwise they are the ids
    of the banned users."""
    restrictions = tx.restrictions.on_users(conversation.id, user_ids)
    bans = [each for each in restrictions if each.kind == "ban" and each.until_ms > tx.now_ms]
    match bans:
        case []:
            return
        case [ban] if ban.user_id == actor.user_id:
            details = {"conversationId": conversation.id, "until": iso_end(ban.until_ms), "reason": ban.reason}
            raise ChatError(
                "banned", "You are banned from this conversation.", details, cause="banned_from_conversation"
            )
        case _:
            user_ids = [ban.user_id for ban in bans]
            raise ChatError(
                "banned",
                "Some of these users are banned from this conversation.",
                {"userIds": user_ids},
                cause="banned_from_conversation",
            )


def must_not_have_blocked(tx: Transaction, actor: Actor, user_ids: Sequence[str]) -> None:
    """Raises `blocked` if the actor is an ordinary user, and one of the users to be added to a conversation has blocked
    the actor. The error's `details` are the ids of those users."""
    if actor.role != "user":
        return
    blocker_ids = tx.blockers_of(actor.user_id)
    found = [user_id for user_id in user_ids if user_id in blocker_ids]
    if found:
        message = "Some of these users cannot be added: one of you has blocked the other."
        raise ChatError("blocked", message, {"userIds": found}, cause="blocked")


# --- leaving and removing -------------------------------------------------------------------------------------------


def check_remove_member(command: RemoveMember) -> None:
    """Raises `invalid_request` for invalid ids, and unless the command names either a user or teams."""
    check_id("conversationId", command.conversation_id)
    if command.user_id is not UNSET:
        check_id("userId", command.user_id)
    check_team_ids(command.team_ids)
    if bool(command.user_id) == bool(command.team_ids):
        raise invalid("userId", "must name a member, or teamIds must name teams")


def check_remove_team(command: RemoveTeam) -> None:
    check_id("conversationId", command.conversation_id)
    check_id("teamId", command.team_id)


def remove_team(tx: Transaction, actor: Actor, command: RemoveTeam) -> RemovedMember:
    return remove_member(tx, actor, RemoveMember(command.conversation_id, team_ids=(command.team_id,)))


def remove_member(tx: Transaction, actor: Actor, command: RemoveMember) -> RemovedMember:
    """Removes a member or teams from a group or channel. Actors leave a conversation by removing themselves.

    Raises `forbidden` unless the actor may remove the member or the teams, and `conflict` for a member who is there
    through teams only, naming them as `via`.
    """
    require_actor(tx, actor)
    if command.team_ids:
        with_teams = _with_own_teams(tx, actor, command.conversation_id, command.team_ids)
        left = tuple(team_id for team_id in with_teams.team_ids if team_id not in command.team_ids)
        return RemovedMember(set_teams(tx, actor, with_teams, left))
    conversation = find_conversation(tx, command.conversation_id)
    user_id = command.user_id or ""
    member, target = (tx.member(command.conversation_id, id_) for id_ in (actor.user_id, user_id))
    require(may_remove(actor, conversation, member, target))
    if conversation is None or target is None:
        raise ChatError("not_found", "This user is not a member.")
    require(only_through_teams(target))
    end_membership(tx, conversation, target, actor)
    return RemovedMember()


def end_membership(
    tx: Transaction, conversation: Conversation, member: Member, by: Actor, *, is_banned: bool = False
) -> None:
    """Ends a user's own membership; `by` is the actor who ends it. A user who is in a team of the conversation stays a
    member through it, unless they are banned. If the member was the owner, another member becomes the owner. Checks no
    rights.

    The conversation is deleted when its last member leaves, except if it has teams or no owner, if the policy does not
    let owners delete, or if the conversation or a present or former member is on hold.
    """
    if member.via and not is_banned:
        starts = tx.teams.histories([conversation.id]).get(conversation.id, {})
        set_grounds(tx, member, starts, own=False, via=member.via, by="" if by.is_service else by.user_id)
    else:
        ended = conversation.id, member.user_id, by.user_id, by.is_service, member.own, member.via
        tx.record(MemberRemoved(tx.next_pos(), tx.now_ms, *ended))
        handler_left(tx, conversation.id, member.user_id, "" if by.is_service else by.user_id)
        announce_waiting(tx, conversation.id)
        if member.via:
            _leave_notes(tx, conversation, member)
    if not member.own:
        return
    if conversation.member_count == 1 and not conversation.team_ids:
        held = conversation.hold or tx.retention.held_members(conversation.id)
        if tx.policy.delete_conversation == "owner" and not is_ownerless(conversation) and not held:
            record_deletion_of(tx, conversation, by.user_id)
    elif member.role == "owner":
        successor = tx.next_owner(conversation.id, member.user_id)
        if successor is not None:
            give_role(tx, successor, "owner")


def _leave_notes(tx: Transaction, conversation: Conversation, member: Member) -> None:
    """Ends the membership in a conversation's notes of a user who is banned from the conversation."""
    if conversation.notes_id is not None and tx.member(conversation.notes_id, member.user_id) is not None:
        ended = conversation.notes_id, member.user_id, "", True, False, member.via
        tx.record(MemberRemoved(tx.next_pos(), tx.now_ms, *ended))


# --- teams ------------------------------------------------------------------------------------------------------------


def _with_own_teams(tx: Transaction, actor: Actor, conversation_id: str, team_ids: Collection[str]) -> Conversation:
    """Returns the conversation to which the actor may add these teams, or from which the actor may remove them. Raises
    `forbidden` for a user who is not in the conversation or not in each of the teams."""
    found = find_conversation(tx, conversation_id)
    refusal = may_change_teams(actor, found, tx.member(conversation_id, actor.user_id))
    if refusal is not None or found is None:
        raise refusal or forbidden("not_found")
    must_not_be_notes(found)
    must_be_in_teams(tx, actor, team_ids)
    return found


def must_be_in_teams(tx: Transaction, actor: Actor, team_ids: Collection[str]) -> None:
    """Raises `forbidden` for a user who is not in each of the teams. The backend and operators need not be."""
    if actor.is_trusted:
        return
    members = tx.teams.members_of(team_ids)
    if any(actor.user_id not in members.get(team_id, ()) for team_id in team_ids):
        raise ChatError("forbidden", "Only members of a team can add and remove it.", cause="not_member")


def must_be_teams(tx: Transaction, present: Sequence[str], team_ids: Collection[str]) -> tuple[str, ...]:
    """Returns those of the teams that a conversation with the teams `present` does not have, each once. Raises
    `invalid_request` for a team that does not exist, and `conflict` if the conversation would have too many."""
    names = tx.teams.names(team_ids)
    for index, team_id in enumerate(team_ids):
        if team_id not in names:
            raise invalid(f"teamIds[{index}]", "no such team")
    new = tuple(team_id for team_id in dict.fromkeys(team_ids) if team_id not in present)
    if len(present) + len(new) > TEAMS_OF_CONVERSATION_MAX:
        message = f"A conversation can have at most {TEAMS_OF_CONVERSATION_MAX} teams."
        raise ChatError("conflict", message, {"teamIds": list(present)}, cause="too_many")
    return new


def set_teams(tx: Transaction, actor: Actor, conversation: Conversation, team_ids: tuple[str, ...]) -> int | None:
    """Records which teams a conversation has, and its notes with it, and begins to write the memberships of their
    members. Returns the log position of the change if more batches of them are needed, else None; those of the notes
    are not waited for."""
    if team_ids == conversation.team_ids:
        return None
    notes = find_notes(tx, conversation)
    if notes is not None:
        set_teams(tx, actor, notes, team_ids)
    pos = tx.next_pos()
    now = tx.conversation(conversation.id) or conversation
    changed = replace(now, team_ids=team_ids, updated_ms=tx.now_ms)
    by = "" if actor.is_service else actor.user_id
    tx.record(ConversationUpdated(pos, tx.now_ms, changed, by, ("team_ids",)))
    teams_changed(tx, conversation.id, conversation.team_ids, by)
    return begin(tx, TeamChange(pos, conversation_id=conversation.id))


# --- roles ----------------------------------------------------------------------------------------------------------


def check_update_member(command: UpdateMember) -> None:
    check_id("conversationId", command.conversation_id)
    check_id("userId", command.user_id)


def update_member(tx: Transaction, actor: Actor, command: UpdateMember) -> MemberView:
    """Changes a member's role. When a member becomes the owner, the former owner becomes an admin. Raises `forbidden`
    unless the actor may give the member this role.

    Raises `conflict` for an erased user who is to become the owner or an admin.
    """
    require_actor(tx, actor)
    conversation = find_conversation(tx, command.conversation_id)
    member, target = (tx.member(command.conversation_id, user_id) for user_id in (actor.user_id, command.user_id))
    require(may_give_role(actor, conversation, member, target, command.role))
    user = tx.user(command.user_id)
    if conversation is None or target is None or user is None:
        raise forbidden("not_found")
    require(only_through_teams(target))
    require(may_hold_role(user, command.role))
    if target.role != command.role:
        if command.role == "owner" and conversation.owner_id is not None:
            owner = tx.member(conversation.id, conversation.owner_id)
            if owner is not None:
                give_role(tx, owner, "admin")
        target = give_role(tx, target, command.role)
    blocker_ids = {target.user_id} if tx.has_blocked(target.user_id, actor.user_id) else ()
    view = member_view(target, user)
    return as_shown_to(view, actor.user_id, blocker_ids, sees_reads=shares_reads(tx.user(actor.user_id)))


def give_role(tx: Transaction, member: Member, role: MemberRole) -> Member:
    """Records that a member has a new role, and returns the changed member."""
    changed = replace(member, role=role)
    tx.record(MemberUpdated(tx.next_pos(), tx.now_ms, changed))
    return changed


def member_view(member: Member, user: User) -> MemberView:
    is_erased = user.erased is not None
    return MemberView(member, user.name, user.avatar, user.read_receipts, user.handle, is_erased, user.kind)


# --- shared by other commands about conversations ---------------------------------------------------------------------


def require_actor(tx: Transaction, actor: Actor) -> None:
    """Raises `banned` if the actor is banned, and `forbidden` if the actor is an ordinary user who does not exist."""
    user = tx.user(actor.user_id)
    require(may_act(user) or (forbidden("not_found") if user is None and actor.role == "user" else None))


def find_conversation(tx: Lookups, conversation_id: str) -> Conversation | None:
    """Returns the conversation, or None if it does not exist or was deleted."""
    conversation = tx.conversation(conversation_id)
    return None if conversation is None or conversation.deleted_ms is not None else conversation


def require_managed(tx: Transaction, actor: Actor, conversation_id: str) -> Conversation:
    """Returns the conversation. Raises `forbidden` unless the actor may manage it: change it and add members. Raises
    `conflict` for notes, which nobody manages."""
    conversation = find_conversation(tx, conversation_id)
    refusal = may_manage(actor, conversation, tx.member(conversation_id, actor.user_id))
    if refusal is not None or conversation is None:
        raise refusal or forbidden("not_found")
    must_not_be_notes(conversation)
    return conversation


def check_user_ids(path: str, user_ids: Collection[str]) -> None:
    if len(user_ids) > MEMBERS_PER_COMMAND_MAX:
        raise invalid(path, f"must have at most {MEMBERS_PER_COMMAND_MAX} items")
    for index, user_id in enumerate(user_ids):
        check_id(f"{path}[{index}]", user_id)


def check_users(tx: Transaction, actor: Actor, user_ids: Sequence[str], path: str) -> None:
    """Raises `invalid_request` if one of the users does not exist; `path` names the field of the command in the error.

    For the backend, unknown users are allowed, because they are created later, except with ids in the range that only
    the server generates.
    """
    known = tx.users(user_ids)
    for index, user_id in enumerate(user_ids):
        if user_id in known:
            continue
        if not actor.is_service:
            raise invalid(f"{path}[{index}]", "no such user")
        if is_own_id(user_id):
            raise invalid(f"{path}[{index}]", "must not be in the range of ids that the server generates")


def create_unknown_users(tx: Transaction, user_ids: Sequence[str]) -> None:
    """Creates those of the users who do not exist, with their id as the name. Raises `conflict` for an erased user."""
    known = tx.users(user_ids)
    for user in known.values():
        if user.erased:
            raise erased(user.id)
    for user_id in user_ids:
        if user_id not in known:
            tx.record(UserCreated(tx.next_pos(), tx.now_ms, User(user_id, user_id, tx.now_ms)))


CHANGES: Changes = MappingProxyType(
    {
        AddMembers: ChangeHandler(add_members, check_add_members, settles=True),
        RemoveMember: ChangeHandler(remove_member, check_remove_member, settles=True),
        RemoveTeam: ChangeHandler(remove_team, check_remove_team, settles=True),
        UpdateMember: ChangeHandler(update_member, check_update_member),
    }
)
