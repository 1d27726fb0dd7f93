"""The memberships that members of teams have in the teams' conversations, written in batches.

A user is a member of a conversation on grounds: in their own right, and through each team of the conversation that the
user is in. A change of a team, or of a conversation's teams, may concern many memberships. Its command writes the first
batch; `core/engine/desk/team_changer.py` has the others written, one transaction each. Every batch compares memberships
with what the teams are now, so it may be repeated, and changes that come between two batches are taken into account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from talkwire.core.domain.desk.teams import BATCH_MAX, FURTHER_BATCH_MAX, TeamChange
from talkwire.core.domain.events import (
    ConversationUpdated,
    MemberAdded,
    MemberRemoved,
    MembershipGroundsChanged,
    TeamSettled,
)
from talkwire.core.domain.model import WHOLE, Conversation, HistoryStart, Member, Restriction
from talkwire.core.features.handling.handling import handler_left, teams_changed
from talkwire.core.features.notifying.listing import list_member, unlist_member
from talkwire.core.ports.transaction import Prefetch, Transaction


def own_history(member: Member) -> HistoryStart:
    """Returns from where a member in their own right sees the conversation, whatever their teams see."""
    if member.own_history_seq is None or member.own_history_pos is None:
        return member.history
    return HistoryStart(member.own_history_seq, member.own_history_pos)


class _Facts(NamedTuple):
    """What decides about memberships of a batch, read with a few statements: team id -> its members; conversation id ->
    team id -> where what the team sees begins; the mutes and bans of users in conversations."""

    members: Mapping[str, Collection[str]]
    starts: Mapping[str, Mapping[str, HistoryStart]]
    restrictions: Mapping[tuple[str, str], Sequence[Restriction]]

    def via(self, conversation: Conversation, user_id: str) -> tuple[str, ...]:
        """Returns the teams of the conversation that the user is in."""
        return tuple(team_id for team_id in conversation.team_ids if user_id in self.members.get(team_id, ()))


def begin(tx: Transaction, change: TeamChange) -> int | None:
    """Writes the first batch of memberships that follow from a change. Returns the change's log position if more
    batches are needed, which are then stored as pending, else None."""
    return _keep(tx, _advance(tx, change, BATCH_MAX))


def begin_new(
    tx: Transaction, conversation: Conversation, teams: Mapping[str, Collection[str]], user_ids: Collection[str]
) -> int | None:
    """Does the same for a conversation that this transaction has created with its last event, and that has the members
    `user_ids` in their own right. `teams` are the members of its teams."""
    pos = tx.next_pos() - 1
    facts = _Facts(teams, {conversation.id: dict.fromkeys(teams, history_from(conversation, pos))}, {})
    joining = sorted({user_id for ids in teams.values() for user_id in ids} - {*user_ids})
    batch = joining[:BATCH_MAX]
    _add(tx, conversation, batch, facts)
    return _keep(tx, TeamChange(pos, conversation.id, after_id=batch[-1]) if len(joining) > BATCH_MAX else None)


def history_from(conversation: Conversation, pos: int) -> HistoryStart:
    """Returns where the visible part of a conversation begins for those who come with the event at the log position
    `pos`: at that event or, if the conversation's setting allows it, at the beginning."""
    return HistoryStart(conversation.last_seq, pos) if conversation.history == "from-join" else WHOLE


def _keep(tx: Transaction, left: TeamChange | None) -> int | None:
    """Stores what is left of a change, and returns its log position; None if nothing is left."""
    if left is None:
        return None
    tx.teams.put_change(left)
    return left.pos


def finish_one_batch(tx: Transaction) -> int | None:
    """Writes the next batch of the oldest pending change. Returns the log position of the change that is the oldest
    then, None if there is none."""
    change = tx.teams.oldest_change()
    if change is None:
        return None
    left_pos = _keep(tx, _advance(tx, change, FURTHER_BATCH_MAX))
    if left_pos is not None:
        return left_pos
    tx.teams.drop_change(change.pos)
    ids = change.team_id or "", change.conversation_id or ""
    tx.record(TeamSettled(tx.next_pos(), tx.now_ms, change.pos, *ids))
    return tx.teams.oldest_pos()


def _advance(tx: Transaction, change: TeamChange, most: int) -> TeamChange | None:
    """Writes at most `most` memberships, but at least those of one conversation. Returns what is left of the change,
    None if nothing is."""
    if change.conversation_id is not None:
        return _advance_conversation(tx, change, change.conversation_id, most)
    assert change.team_id is not None
    return _advance_team(tx, change, change.team_id, most)


def _advance_conversation(tx: Transaction, change: TeamChange, conversation_id: str, most: int) -> TeamChange | None:
    conversation = tx.conversation(conversation_id)
    if conversation is None or conversation.deleted_ms is not None:
        return None
    teams = tx.teams.members_of(conversation.team_ids)
    in_teams = {user_id for ids in teams.values() for user_id in ids}
    concerned = sorted(in_teams | tx.teams.members_through_teams(conversation.id))
    facts = _facts(tx, [conversation], concerned)
    members = tx.members(conversation.id, concerned)
    differing = [
        user_id
        for user_id in concerned
        if user_id > change.after_id and facts.via(conversation, user_id) != _via(members.get(user_id))
    ]
    batch = differing[:most]
    _set(tx, conversation, batch, members, facts)
    return replace(change, after_id=batch[-1]) if len(differing) > most else None


def _advance_team(tx: Transaction, change: TeamChange, team_id: str, most: int) -> TeamChange | None:
    is_deleted = tx.teams.find(team_id) is None
    at_once = max(1, most // max(1, len(change.user_ids)))
    conversation_ids = tx.teams.conversations_after(team_id, change.after_id, at_once)
    needs = Prefetch()
    needs.members = {(id_, user_id) for id_ in conversation_ids for user_id in change.user_ids}
    tx.prefetch(needs)
    members = tx.members_at(needs.members)
    conversations = [each for id_ in conversation_ids if (each := tx.conversation(id_)) is not None]
    facts = _facts(tx, conversations, change.user_ids)
    for conversation in conversations:
        now = _without_team(tx, conversation, team_id) if is_deleted else conversation
        there = {user_id: members[now.id, user_id] for user_id in change.user_ids if (now.id, user_id) in members}
        _set(tx, now, change.user_ids, there, facts)
    return replace(change, after_id=conversation_ids[-1]) if len(conversation_ids) == at_once else None


def _without_team(tx: Transaction, conversation: Conversation, team_id: str) -> Conversation:
    team_ids = tuple(each for each in conversation.team_ids if each != team_id)
    changed = replace(conversation, team_ids=team_ids, updated_ms=tx.now_ms)
    tx.record(ConversationUpdated(tx.next_pos(), tx.now_ms, changed, changed=("team_ids",)))
    teams_changed(tx, conversation.id, conversation.team_ids, "")
    return changed


def _facts(tx: Transaction, conversations: Collection[Conversation], user_ids: Collection[str]) -> _Facts:
    restrictions: dict[tuple[str, str], list[Restriction]] = {}
    pairs = [(conversation.id, user_id) for conversation in conversations for user_id in user_ids]
    for each in tx.restrictions.of_keys(pairs) if pairs else ():
        restrictions.setdefault((each.conversation_id, each.user_id), []).append(each)
    return _Facts(
        tx.teams.members_of({team_id for conversation in conversations for team_id in conversation.team_ids}),
        tx.teams.histories([conversation.id for conversation in conversations]),
        restrictions,
    )


def _via(member: Member | None) -> tuple[str, ...]:
    return () if member is None else member.via


def _set(
    tx: Transaction,
    conversation: Conversation,
    user_ids: Iterable[str],
    members: Mapping[str, Member],
    facts: _Facts,
) -> None:
    """Makes users members of a conversation through those of its teams that they are in, and through no others.
    `members` are those of the users who are members now."""
    joining = []
    for user_id in user_ids:
        member, via = members.get(user_id), facts.via(conversation, user_id)
        if member is None:
            joining += [user_id] if via else []
        elif member.via != via:
            _change(tx, member, via, facts.starts.get(conversation.id, {}))
    _add(tx, conversation, joining, facts)


def _change(tx: Transaction, member: Member, via: tuple[str, ...], starts: Mapping[str, HistoryStart]) -> None:
    """Records through which teams a user is a member from now on, or that they are one no longer."""
    if via or member.own:
        set_grounds(tx, member, starts, own=member.own, via=via)
    else:
        gone = member.conversation_id, member.user_id, "", True, False, member.via
        tx.record(MemberRemoved(tx.next_pos(), tx.now_ms, *gone))
    if not via:
        handler_left(tx, member.conversation_id, member.user_id, "")


def _add(tx: Transaction, conversation: Conversation, user_ids: Iterable[str], facts: _Facts) -> None:
    """Records that users, who are no members, become members of a conversation through its teams. Leaves out users who
    are banned from it."""
    added = []
    for user_id in user_ids:
        found = facts.restrictions.get((conversation.id, user_id), ())
        if any(each.kind == "ban" and each.until_ms > tx.now_ms for each in found):
            continue
        muted_until_ms = max((each.until_ms for each in found if each.kind == "mute"), default=0)
        added.append(replace(_through_teams(tx.now_ms, conversation, user_id, facts), muted_until_ms=muted_until_ms))
    if added:
        at = tx.next_pos(), tx.now_ms
        tx.record(MemberAdded(*at, conversation.id, tuple(added), notify=conversation.notify))


def _through_teams(now_ms: int, conversation: Conversation, user_id: str, facts: _Facts) -> Member:
    via = facts.via(conversation, user_id)
    history = _earliest([facts.starts.get(conversation.id, {}).get(team_id, WHOLE) for team_id in via])
    return Member(
        conversation.id,
        user_id,
        "member",
        now_ms,
        history_seq=history.seq,
        history_pos=history.pos,
        read_seq=conversation.last_seq,
        delivered_seq=conversation.last_seq,
        own=False,
        via=via,
        listed=False,
    )


def set_grounds(  # noqa: PLR0913 (the grounds)
    tx: Transaction,
    member: Member,
    starts: Mapping[str, HistoryStart],
    *,
    own: bool,
    via: tuple[str, ...],
    start: HistoryStart = WHOLE,
    by: str = "",
) -> Member:
    """Records the grounds on which a user stays a member, and returns the changed member. `starts` says of the
    conversation's teams where what they see begins; `start` is where the user sees it from in their own right, if that
    is new. A member only through teams has the role `member`.

    A new member in their own right is listed; a former one is not until they write, are mentioned or claim again."""
    of_own = (own_history(member) if member.own else start) if own else None
    history = _earliest([*([of_own] if of_own is not None else []), *(starts.get(id_, WHOLE) for id_ in via)])
    hidden = of_own if of_own != history else None
    changed = replace(
        member,
        own=own,
        via=via,
        role=member.role if own and member.own else "member",
        history_seq=history.seq,
        history_pos=history.pos,
        own_history_seq=None if hidden is None else hidden.seq,
        own_history_pos=None if hidden is None else hidden.pos,
    )
    tx.record(MembershipGroundsChanged(tx.next_pos(), tx.now_ms, changed, member.own, by))
    if own is member.own:
        return changed
    if own:
        list_member(tx, changed)
    else:
        unlist_member(tx, changed)
    return replace(changed, listed=own)


def _earliest(starts: Sequence[HistoryStart]) -> HistoryStart:
    return min(starts, key=lambda start: (start.pos, start.seq))
