"""Teams: creating, changing, deleting and listing them."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.command import Page
from talkwire.core.commands.desk.numbers import DeskNumbers, GetDesk
from talkwire.core.commands.desk.teams import (
    AddTeamMembers,
    DeleteTeam,
    FindTeamChange,
    FinishTeamChange,
    GetTeam,
    ListTeams,
    PutTeam,
    RemoveTeamMember,
    TeamBatch,
    TeamView,
)
from talkwire.core.domain.access import must_be_operator, must_be_trusted
from talkwire.core.domain.desk.teams import (
    TEAM_MEMBERS_MAX,
    TEAM_NAME_MAX_LENGTH,
    TEAMS_MAX,
    Team,
    TeamChange,
)
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import TeamUpdated
from talkwire.core.domain.model import Actor
from talkwire.core.domain.nodes.peer import AGENTS_KNOWN, not_known_to_all
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.domain.texts import check_id, check_short_text
from talkwire.core.features.conversations.grounds import begin, finish_one_batch
from talkwire.core.features.conversations.members import (
    check_user_ids,
    check_users,
    create_unknown_users,
    require_actor,
)
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

# --- changing ---------------------------------------------------------------------------------------------------------


def check_put(command: PutTeam) -> None:
    check_id("teamId", command.team_id)
    check_short_text("name", command.name, TEAM_NAME_MAX_LENGTH)
    if not command.name.strip():
        raise invalid("name", "must not be empty")
    _check_members("memberIds", command.member_ids)


def check_add(command: AddTeamMembers) -> None:
    check_id("teamId", command.team_id)
    _check_members("userIds", command.user_ids)
    if not command.user_ids:
        raise invalid("userIds", "must not be empty")


def check_remove(command: RemoveTeamMember) -> None:
    check_id("teamId", command.team_id)
    check_id("userId", command.user_id)


def check_delete(command: DeleteTeam) -> None:
    check_id("teamId", command.team_id)


def _check_members(path: str, user_ids: Collection[str]) -> None:
    if len(user_ids) > TEAM_MEMBERS_MAX:
        raise invalid(path, f"must have at most {TEAM_MEMBERS_MAX} items")
    check_user_ids(path, user_ids)


def put_team(tx: Transaction, actor: Actor, command: PutTeam) -> TeamView:
    """Creates or changes a team and returns it; records nothing if it is like that already. Raises `conflict` if there
    are `TEAMS_MAX` teams, or while the conversations of a deleted team with this id still lose their members."""
    require_actor(tx, actor)
    must_be_trusted(actor)
    member_ids = tuple(sorted({*command.member_ids}))
    check_users(tx, actor, command.member_ids, "memberIds")
    known = tx.teams.find(command.team_id)
    if known is None:
        _must_be_free(tx, command.team_id)
        if tx.has_nodes_before(AGENTS_KNOWN):
            raise not_known_to_all("teams")
    wanted = Team(command.team_id, command.name, tx.now_ms if known is None else known.created_ms, member_ids)
    if wanted == known:
        return TeamView(known, tx.teams.pending_pos(known.id))
    return _change(tx, actor, known, wanted)


def _must_be_free(tx: Transaction, team_id: str) -> None:
    """Raises `conflict` unless a team with this id can be created."""
    if tx.teams.pending_pos(team_id) is not None:
        raise ChatError(
            "conflict",
            "A team with this id was deleted, and its members are still being removed. Try again in a moment.",
            {"pending": True},
            cause="state_changed",
        )
    if tx.teams.count() >= TEAMS_MAX:
        raise ChatError("conflict", f"There are {TEAMS_MAX} teams, which is the maximum.", cause="too_many")


def add_team_members(tx: Transaction, actor: Actor, command: AddTeamMembers) -> TeamView:
    """Adds users to a team and returns it. Raises `not_found` for an unknown team, and `invalid_request` if it would
    have too many members."""
    require_actor(tx, actor)
    must_be_trusted(actor)
    known = _find(tx.teams.find(command.team_id))
    check_users(tx, actor, command.user_ids, "userIds")
    member_ids = tuple(sorted({*known.member_ids, *command.user_ids}))
    if len(member_ids) > TEAM_MEMBERS_MAX:
        raise invalid("userIds", f"the team would have more than {TEAM_MEMBERS_MAX} members")
    if member_ids == known.member_ids:
        return TeamView(known, tx.teams.pending_pos(known.id))
    return _change(tx, actor, known, replace(known, member_ids=member_ids))


def remove_team_member(tx: Transaction, actor: Actor, command: RemoveTeamMember) -> TeamView:
    """Removes a user from a team and returns it. Raises `not_found` for an unknown team."""
    require_actor(tx, actor)
    must_be_trusted(actor)
    known = _find(tx.teams.find(command.team_id))
    if command.user_id not in known.member_ids:
        return TeamView(known, tx.teams.pending_pos(known.id))
    return _change(tx, actor, known, replace(known, member_ids=without(known.member_ids, (command.user_id,))))


def _change(tx: Transaction, actor: Actor, known: Team | None, wanted: Team) -> TeamView:
    """Records a team as it is to be, and begins to write its memberships."""
    create_unknown_users(tx, wanted.member_ids)
    before = () if known is None else known.member_ids
    added = tuple(id_ for id_ in wanted.member_ids if id_ not in before)
    return TeamView(wanted, record_team(tx, wanted, added, without(before, wanted.member_ids), _by(actor)))


def without(user_ids: Collection[str], others: Collection[str]) -> tuple[str, ...]:
    """Returns the users who are not among the others."""
    return tuple(user_id for user_id in user_ids if user_id not in others)


def record_team(tx: Transaction, team: Team, added: tuple[str, ...], removed: tuple[str, ...], by: str) -> int | None:
    """Records a changed team, and writes the first batch of the memberships that follow. Returns the change's log
    position if more are needed, else None."""
    pos = tx.next_pos()
    tx.record(TeamUpdated(pos, tx.now_ms, team, added, removed, by=by))
    return begin(tx, TeamChange(pos, team_id=team.id, user_ids=(*added, *removed))) if added or removed else None


def leave_teams(tx: Transaction, user_id: str, by: str) -> None:
    """Removes an erased user from all teams. `by` is the id of the user who erased them, empty for the backend."""
    for team in tx.teams.teams_of(user_id):
        record_team(tx, replace(team, member_ids=without(team.member_ids, (user_id,))), (), (user_id,), by)


def delete_team(tx: Transaction, actor: Actor, command: DeleteTeam) -> TeamView:
    """Deletes a team. Raises `not_found` for an unknown team."""
    require_actor(tx, actor)
    must_be_trusted(actor)
    known = _find(tx.teams.find(command.team_id))
    pos, gone = tx.next_pos(), replace(known, member_ids=())
    tx.record(TeamUpdated(pos, tx.now_ms, gone, removed=known.member_ids, deleted=True, by=_by(actor)))
    change = TeamChange(pos, team_id=known.id, user_ids=known.member_ids, is_deleted=True)
    return TeamView(gone, begin(tx, change))


def _by(actor: Actor) -> str:
    return "" if actor.is_service else actor.user_id


def _find(team: Team | None) -> Team:
    if team is None:
        raise ChatError("not_found", "No such team.")
    return team


# --- steps ------------------------------------------------------------------------------------------------------------


def finish_change(tx: Transaction, actor: Actor, command: FinishTeamChange) -> TeamBatch:
    must_be_operator(actor)
    return finish_one_batch(tx, command.seen)


def find_change(snapshot: Snapshot, actor: Actor, query: FindTeamChange) -> TeamChange | None:
    must_be_operator(actor)
    return snapshot.teams.oldest_change()


# --- reading ----------------------------------------------------------------------------------------------------------


def get_team(snapshot: Snapshot, actor: Actor, query: GetTeam) -> TeamView:
    """Returns a team. Raises `not_found` for an unknown one, and `forbidden` for users who are not in it."""
    check_id("teamId", query.team_id)
    team = snapshot.teams.find(query.team_id)
    if actor.role == "user" and (team is None or actor.user_id not in team.member_ids):
        raise forbidden("not_member")
    found = _find(team)
    return TeamView(found, snapshot.teams.pending_pos(found.id))


def get_desk(snapshot: Snapshot, actor: Actor, query: GetDesk) -> DeskNumbers:
    """Returns the numbers of a team. Raises `not_found` for an unknown one, and `forbidden` for users who are not in
    it."""
    get_team(snapshot, actor, GetTeam(query.team_id))
    (numbers,) = snapshot.teams.numbers((query.team_id,))
    return numbers


def list_teams(snapshot: Snapshot, actor: Actor, query: ListTeams) -> Page[TeamView]:
    """Returns a page of teams. Raises `forbidden` if a user asks for the teams of another."""
    for path, id_ in (("memberId", query.member_id), ("cursor", query.cursor)):
        if id_ is not None:
            check_id(path, id_)
    member_id = query.member_id
    if actor.role == "user":
        if member_id not in {None, actor.user_id}:
            raise forbidden("backend_only")
        member_id = actor.user_id
    limit = max(1, min(query.limit, PAGE_MAX))
    found = snapshot.teams.page(member_id, query.cursor, limit + 1)
    views = tuple(TeamView(team, snapshot.teams.pending_pos(team.id)) for team in found[:limit])
    return Page(views, found[limit - 1].id if len(found) > limit else None)


CHANGES: Changes = MappingProxyType(
    {
        PutTeam: ChangeHandler(put_team, check_put, settles=True),
        AddTeamMembers: ChangeHandler(add_team_members, check_add, settles=True),
        RemoveTeamMember: ChangeHandler(remove_team_member, check_remove, settles=True),
        DeleteTeam: ChangeHandler(delete_team, check_delete, settles=True),
        FinishTeamChange: ChangeHandler(finish_change),
    }
)

QUERIES: Queries = MappingProxyType(
    {GetTeam: get_team, GetDesk: get_desk, ListTeams: list_teams, FindTeamChange: find_change}
)
