"""The operations of teams: users who are members of the same conversations."""

from __future__ import annotations

from talkwire.core.commands.desk.numbers import GetDesk
from talkwire.core.commands.desk.teams import AddTeamMembers, DeleteTeam, GetTeam, ListTeams, PutTeam, RemoveTeamMember
from talkwire.operations.operation import One, Operation, Paged
from talkwire.operations.shapes import Shape
from talkwire.payloads.desk.claims import numbers_payload
from talkwire.payloads.desk.teams import team_payload

_TAG = "teams"
_TEAM = One(team_payload)

OPERATIONS = (
    Operation(
        ListTeams,
        route="GET /teams",
        tag=_TAG,
        summary="List teams",
        description="All teams for the roles `service` and `admin`; a user lists their own.",
        answer=Paged(team_payload),
    ),
    Operation(
        PutTeam,
        route="PUT /teams/{team_id}",
        tag=_TAG,
        summary="Create or update a team",
        description="For a program that says how a team is to be: the same request again changes nothing. Memberships "
        "in the team's conversations are written before the answer, in batches; if that takes longer than ten seconds, "
        "the answer has `pending`.",
        answer=_TEAM,
        body=Shape(
            "PutTeamBody",
            "A team as it is to be, with all its members (at most 100). The role `service` may name users that do not "
            "exist yet.",
        ),
    ),
    Operation(
        GetTeam,
        route="GET /teams/{team_id}",
        tag=_TAG,
        summary="Get a team",
        answer=_TEAM,
    ),
    Operation(
        DeleteTeam,
        route="DELETE /teams/{team_id}",
        tag=_TAG,
        summary="Delete a team",
        description="Its members leave the conversations in which they are only through it.",
        status=200,
        answer=_TEAM,
    ),
    Operation(
        AddTeamMembers,
        route="POST /teams/{team_id}/members",
        tag=_TAG,
        summary="Add members to a team",
        status=200,
        answer=_TEAM,
    ),
    Operation(
        RemoveTeamMember,
        route="DELETE /teams/{team_id}/members/{user_id}",
        tag=_TAG,
        summary="Remove a member from a team",
        description="The user leaves the conversations in which they are only through the team.",
        status=200,
        answer=_TEAM,
    ),
    Operation(
        GetDesk,
        route="GET /teams/{team_id}/numbers",
        tag=_TAG,
        summary="Count the conversations of a team",
        description="For the team's members, and the roles `service` and `admin`. `desk:updated` says later numbers.",
        answer=One(numbers_payload),
    ),
)
