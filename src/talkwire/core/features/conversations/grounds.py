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

from talkwire.core.commands.desk.teams import TeamBatch
from talkwire.core.domain.desk.teams import (
    FURTHER_MEMBERSHIPS_BATCH_MAX,
    MEMBERSHIPS_BATCH_MAX,
    GroundsFacts,
    TeamChange,
)
from talkwire.core.domain.events import (
    ConversationUpdated,
    MemberAdded,
    MemberRemoved,
    MembershipGroundsChanged,
    TeamSettled,
)
from talkwire.core.domain.model import WHOLE, Conversation, HistoryStart, Member, Restriction
from talkwire.core.features.agents.turns import announce_waiting
from talkwire.core.features.handling.handling import handler_left, teams_changed
from talkwire.core.features.notifying.listing import list_member, unlist_member
from talkwire.core.ports.transaction import Prefetch, Transaction


def own_history(member: Member) -> HistoryStart:
    """Returns from where a member in their own right sees the conversation, whatever their teams see."""
    if member.own_history_seq is None or member.own_history_pos is None:
        return member.history
    return HistoryStart(member.own_history_seq, member.own_history_pos)


class _Facts(NamedTuple):
    """What decides about memberships of a batch, read with a few statements: conversation id -> team id -> where what
    the team sees begins; team id -> its members; the mutes and bans of users in conversations. Who is banned from a
    conversation is banned from its notes."""

    starts: Mapping[str, Mapping[str, HistoryStart]]
    members: Mapping[str, Collection[str]]
    restrictions: Mapping[tuple[str, str], Sequence[Restriction]]

    def via(self, conversation: Conversation, user_id: str) -> tuple[str, ...]:
        """Returns the teams of the conversation that the user is in."""
        return tuple(team_id for team_id in conversation.team_ids if user_id in self.members.get(team_id, ()))


def begin(tx: Transaction, change: TeamChange) -> int | None:
    """Writes the first batch of memberships that follow from a change. Returns the change's log position if more
    batches are needed, which are then stored as pending, else None."""
    return _put(tx, _advance(tx, change, MEMBERSHIPS_BATCH_MAX))


def begin_new(
    tx: Transaction, conversation: Conversation, teams: Mapping[str, Collection[str]], user_ids: Collection[str]
) -> int | None:
    """Does the same for a conversation that this transaction has created with its last event, and that has the members
    `user_ids` in their own right. `teams` are the members of its teams."""
    pos = tx.next_pos() - 1
    facts = _Facts({conversation.id: dict.fromkeys(teams, history_from(conversation, pos))}, teams, {})
    joining = sorted({user_id for ids in teams.values() for user_id in ids} - {*user_ids})
    batch = joining[:MEMBERSHIPS_BATCH_MAX]
    _add(tx, [(conversation, batch)], facts)
    return _put(
        tx, TeamChange(pos, conversation.id, after_id=batch[-1]) if len(joining) > MEMBERSHIPS_BATCH_MAX else None
    )


def history_from(conversation: Conversation, pos: int) -> HistoryStart:
    """Returns where the visible part of a conversation begins for those who come with the event at the log position
    `pos`: at that event or, if the conversation's setting allows it, at the beginning."""
    return HistoryStart(conversation.last_seq, pos) if conversation.history == "from-join" else WHOLE


def admit(tx: Transaction, conversation: Conversation, user_ids: Sequence[str]) -> None:
    """Writes the memberships that these users have through the teams of a conversation at once, whatever is pending."""
    keys = [(conversation.id, user_id) for user_id in user_ids]
    found = GroundsFacts(tx.teams.histories([conversation.id]), tx.teams.members_of(conversation.team_ids), keys)
    _set(tx, [conversation], user_ids, tx.members_at(keys), _facts(tx, [conversation], user_ids, found))


def _put(tx: Transaction, left: TeamChange | None) -> int | None:
    """Stores what is left of a new change, and returns its log position; None if nothing is left."""
    if left is None:
        return None
    tx.teams.put_change(left)
    return left.pos


def finish_one_batch(tx: Transaction, seen: TeamChange) -> TeamBatch:
    """Writes the next batch of the oldest pending change if as much is left of it as in `seen`; else writes nothing,
    since another node or task is writing the batches. Returns what is left then."""
    change = tx.teams.oldest_change()
    if change is None or change != seen:
        return TeamBatch(change, is_written=False)
    left = _advance(tx, change, FURTHER_MEMBERSHIPS_BATCH_MAX)
    if left is not None:
        tx.teams.move_change(left)
        return TeamBatch(left, is_written=True)
    tx.teams.drop_change(change.pos)
    ids = change.team_id or "", change.conversation_id or ""
    tx.record(TeamSettled(tx.next_pos(), tx.now_ms, change.pos, *ids))
    return TeamBatch(tx.teams.oldest_change(), is_written=True)


def _advance(tx: Transaction, change: TeamChange, most: int) -> TeamChange | None:
    """Writes at most `most` memberships, but at least those of one conversation. Returns what is left of the change,
    None if nothing is."""
    if change.conversation_id is not None:
        return _advance_conversation(tx, change, change.conversation_id, most)
    return _advance_team(tx, change, most)


def _advance_conversation(tx: Transaction, change: TeamChange, conversation_id: str, most: int) -> TeamChange | None:
    conversation = tx.conversation(conversation_id)
    if conversation is None or conversation.deleted_ms is not None:
        return None
    teams = tx.teams.members_of(conversation.team_ids)
    in_teams = {user_id for ids in teams.values() for user_id in ids}
    concerned = sorted(in_teams | tx.teams.members_through_teams(conversation.id))
    keys = [(conversation.id, user_id) for user_id in concerned]
    facts = _facts(tx, [conversation], concerned, GroundsFacts(tx.teams.histories([conversation.id]), teams, keys))
    members = tx.members_at(keys)
    differing = [
        user_id
        for user_id in concerned
        if user_id > change.after_id
        and facts.via(conversation, user_id) != _via(members.get((conversation.id, user_id)))
    ]
    batch = differing[:most]
    _set(tx, [conversation], batch, members, facts)
    return replace(change, after_id=batch[-1]) if len(differing) > most else None


def _advance_team(tx: Transaction, change: TeamChange, most: int) -> TeamChange | None:
    at_once = max(1, most // max(1, len(change.user_ids)))
    found = tx.teams.grounds_after(change, at_once)
    needs = Prefetch()
    needs.conversations.update(found.starts)
    tx.prefetch(needs)
    conversations = [each for id_ in found.starts if (each := tx.conversation(id_)) is not None]
    if change.is_deleted:
        _leave(tx, conversations, change)
    else:
        members = tx.members_at([(id_, user_id) for id_ in found.starts for user_id in change.user_ids])
        _set(tx, conversations, change.user_ids, members, _facts(tx, conversations, change.user_ids, found))
    return replace(change, after_id=[*found.starts][-1]) if len(found.starts) == at_once else None


def _leave(tx: Transaction, conversations: Iterable[Conversation], change: TeamChange) -> None:
    """Removes a deleted team from conversations, and ends its members' memberships. They include those who were to
    lose theirs by an earlier change that is still pending: that one does not find the conversations any more."""
    for conversation in conversations:
        through_teams = tx.teams.members_through_teams(conversation.id)
        admit(tx, _without_team(tx, conversation, change.team_id), sorted({*change.user_ids, *through_teams}))


def _without_team(tx: Transaction, conversation: Conversation, team_id: str | None) -> Conversation:
    team_ids = tuple(each for each in conversation.team_ids if each != team_id)
    changed = replace(conversation, team_ids=team_ids, updated_ms=tx.now_ms)
    tx.record(ConversationUpdated(tx.next_pos(), tx.now_ms, changed, changed=("team_ids",)))
    teams_changed(tx, conversation.id, conversation.team_ids, "")
    return changed


def _facts(
    tx: Transaction, conversations: Iterable[Conversation], user_ids: Sequence[str], found: GroundsFacts
) -> _Facts:
    restrictions: dict[tuple[str, str], list[Restriction]] = {}
    of_notes = [(each.notes_of, user_id) for each in conversations if each.notes_of for user_id in user_ids]
    keys = {*found.restricted, *of_notes}
    for each in tx.restrictions.of_keys(keys) if keys else ():
        restrictions.setdefault((each.conversation_id, each.user_id), []).append(each)
    return _Facts(found.starts, found.members, restrictions)


def _via(member: Member | None) -> tuple[str, ...]:
    return () if member is None else member.via


def _set(
    tx: Transaction,
    conversations: Sequence[Conversation],
    user_ids: Sequence[str],
    members: Mapping[tuple[str, str], Member],
    facts: _Facts,
) -> None:
    """Makes users members of conversations through those of their teams that they are in, and through no others.
    `members` are the memberships that there are now, by (conversation id, user id). The events of all conversations
    are recorded together, since a statement for each would take the most of a batch's time."""
    joining: list[tuple[Conversation, list[str]]] = []
    staying: list[Member] = []
    leaving: list[Member] = []
    for conversation in conversations:
        new: list[str] = []
        for user_id in user_ids:
            member, via = members.get((conversation.id, user_id)), facts.via(conversation, user_id)
            if member is None:
                new += [user_id] if via else []
            elif member.via != via:
                (staying if via or member.own else leaving).append(replace(member, via=via))
        joining += [(conversation, new)] if new else []
    _keep(tx, staying, facts)
    _remove(tx, leaving, members)
    for member in (*staying, *leaving):
        if not member.via:
            handler_left(tx, member.conversation_id, member.user_id, "")
    for member in leaving:
        announce_waiting(tx, member.conversation_id)
    _add(tx, joining, facts)


def _keep(tx: Transaction, staying: Sequence[Member], facts: _Facts) -> None:
    """Records through which teams users are members from now on, who stay members."""
    events = []
    for pos, member in enumerate(staying, tx.next_pos()):
        changed = on_grounds(member, facts.starts.get(member.conversation_id, {}), own=member.own, via=member.via)
        events.append(MembershipGroundsChanged(pos, tx.now_ms, changed, member.own))
    tx.record_all(events)


def _remove(tx: Transaction, leaving: Sequence[Member], members: Mapping[tuple[str, str], Member]) -> None:
    """Records that users are members no longer; `members` has the teams through which they were."""
    events = []
    for pos, each in enumerate(leaving, tx.next_pos()):
        via = members[each.conversation_id, each.user_id].via
        gone = each.conversation_id, each.user_id, "", True, False, via
        events.append(MemberRemoved(pos, tx.now_ms, *gone))
    tx.record_all(events)


def _add(tx: Transaction, joining: Iterable[tuple[Conversation, Sequence[str]]], facts: _Facts) -> None:
    """Records that users, who are no members, become members of conversations through their teams. Leaves out users
    who are banned."""
    added = [
        (conversation, _new_members(tx.now_ms, conversation, user_ids, facts)) for conversation, user_ids in joining
    ]
    coming = [(conversation, members) for conversation, members in added if members]
    tx.record_all(
        [
            MemberAdded(pos, tx.now_ms, conversation.id, members, notify=conversation.notify)
            for pos, (conversation, members) in enumerate(coming, tx.next_pos())
        ]
    )


def _new_members(now_ms: int, conversation: Conversation, user_ids: Iterable[str], facts: _Facts) -> tuple[Member, ...]:
    """Returns the memberships of new members of a conversation, without users who are banned from it."""
    added = []
    for user_id in user_ids:
        found = facts.restrictions.get((conversation.notes_of or conversation.id, user_id), ())
        if any(each.kind == "ban" and each.until_ms > now_ms for each in found):
            continue
        mutes = (each.until_ms for each in found if each.kind == "mute" and conversation.notes_of is None)
        added.append(_through_teams(now_ms, conversation, user_id, facts, max(mutes, default=0)))
    return tuple(added)


def _through_teams(now_ms: int, conversation: Conversation, user_id: str, facts: _Facts, muted_until_ms: int) -> Member:
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
        muted_until_ms=muted_until_ms,
        own=False,
        via=via,
        listed=False,
    )


def on_grounds(
    member: Member,
    starts: Mapping[str, HistoryStart],
    *,
    own: bool,
    via: tuple[str, ...],
    start: HistoryStart = WHOLE,
) -> Member:
    """Returns a member with the grounds on which they are one from now on. `starts` says of the conversation's teams
    where what they see begins; `start` is where the user sees it from in their own right, if that is new. A member only
    through teams has the role `member`."""
    of_own = (own_history(member) if member.own else start) if own else None
    history = _earliest([*([of_own] if of_own is not None else []), *(starts.get(id_, WHOLE) for id_ in via)])
    hidden = of_own if of_own != history else None
    return replace(
        member,
        own=own,
        via=via,
        role=member.role if own and member.own else "member",
        history_seq=history.seq,
        history_pos=history.pos,
        own_history_seq=None if hidden is None else hidden.seq,
        own_history_pos=None if hidden is None else hidden.pos,
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
    """Records the grounds on which a user stays a member (`on_grounds`), and returns the changed member.

    A new member in their own right is listed; a former one is not until they write, are mentioned or claim again."""
    changed = on_grounds(member, starts, own=own, via=via, start=start)
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
