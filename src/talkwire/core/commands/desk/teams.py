"""Commands about teams, and about the memberships that are written step by step when a team changes."""

from __future__ import annotations

from typing import Annotated

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.commands.meanings import a_text
from talkwire.core.domain.desk.teams import TEAM_NAME_MAX_LENGTH, Team, TeamChange


class TeamView(msgspec.Struct, frozen=True):
    """A team. While memberships of its conversations are still being written, `pending_pos` is the log position of the
    change from which they follow, else None."""

    team: Team
    pending_pos: int | None = None


class PutTeam(Change[TeamView], frozen=True, tag="PutTeam"):
    """Creates a team, or gives it this name and these members. Only for the backend and operators. The backend may name
    users who do not exist yet."""

    team_id: str
    name: Annotated[str, a_text("The team's name, which customers see", longest=TEAM_NAME_MAX_LENGTH, shortest=1)]
    member_ids: tuple[str, ...]


class AddTeamMembers(Change[TeamView], frozen=True, tag="AddTeamMembers"):
    """Adds users to a team and returns it; members are skipped. Only for the backend and operators."""

    team_id: str
    user_ids: tuple[str, ...]


class RemoveTeamMember(Change[TeamView], frozen=True, tag="RemoveTeamMember"):
    """Removes a user from a team and returns it; a user who is not in it changes nothing. Only for the backend and
    operators."""

    team_id: str
    user_id: str


class DeleteTeam(Change[TeamView], frozen=True, tag="DeleteTeam"):
    """Deletes a team and returns it as it was, without members. Its members leave the conversations in which they are
    only through it. Only for the backend and operators."""

    team_id: str


class GetTeam(Query[TeamView], frozen=True, tag="GetTeam"):
    """Returns a team, for its members, the backend and operators."""

    team_id: str


class ListTeams(Query[Page[TeamView]], frozen=True, tag="ListTeams"):
    """Lists the teams of a user (`member_id`), in the order of their ids; for the backend and operators also all teams.
    Other users list their own."""

    member_id: str | None = None
    cursor: str | None = None
    limit: int = 50


class TeamBatch(msgspec.Struct, frozen=True):
    """What `FinishTeamChange` returns: `left` is what is left of the oldest unfinished change, None if there is none.
    `is_written` is False if nothing was written."""

    left: TeamChange | None
    is_written: bool


class FinishTeamChange(Change[TeamBatch], frozen=True, tag="FinishTeamChange"):
    """Internal, with an operator as the actor: writes the next batch of memberships of the oldest unfinished change of
    a team. Writes nothing unless `seen` is what is left of that change: so if several nodes and commands wait for it,
    one of them writes."""

    seen: TeamChange


class FindTeamChange(Query[TeamChange | None], frozen=True, tag="FindTeamChange"):
    """Internal, for operators: returns what is left of the oldest change of a team whose memberships are not all
    written yet, or None."""
