"""Payloads of teams."""

from __future__ import annotations

from talkwire.core.commands.desk.teams import TeamView
from talkwire.core.commands.members import RemovedMember
from talkwire.core.domain.desk.teams import Team
from talkwire.payloads.payload import Payload, iso


class TeamPayload(Payload, frozen=True):
    """A team: its members are members of all conversations that have the team. `pending`: some of these memberships are
    still being written; `team:settled` says when all are."""

    id: str
    name: str
    member_ids: tuple[str, ...]
    created_at: str
    pending: bool | None = None


class TeamUpdatedPayload(Payload, frozen=True):
    """A team as it is now, and the users who were added and removed. `deleted`: it was deleted."""

    team: TeamPayload
    added: tuple[str, ...] | None = None
    removed: tuple[str, ...] | None = None
    deleted: bool | None = None


class TeamSettledPayload(Payload, frozen=True):
    """All memberships of the team, or of the conversation's teams, are written. One of both is set."""

    team_id: str | None = None
    conversation_id: str | None = None


class RemovedTeamPayload(Payload, frozen=True):
    """`pending`: some memberships through the team are still being ended; `team:settled` says when all are."""

    pending: bool | None = None


def removed_team_payload(removed: RemovedMember) -> RemovedTeamPayload:
    return RemovedTeamPayload(None if removed.pending_pos is None else True)


def team_payload(view: TeamView) -> TeamPayload:
    return shared_team_payload(view.team, pending=view.pending_pos is not None)


def shared_team_payload(team: Team, *, pending: bool = False) -> TeamPayload:
    return TeamPayload(team.id, team.name, team.member_ids, iso(team.created_ms), pending or None)
