"""The operations of members: who is in a conversation, and in which role."""

from __future__ import annotations

from msgspec import UNSET

from talkwire.core.commands.members import AddMembers, RemoveMember, RemoveTeam, UpdateMember
from talkwire.operations.operation import ROUTINE, One, Operation
from talkwire.operations.shapes import InputMember, Shape
from talkwire.payloads.desk.teams import removed_team_payload

_TAG = "conversations"
_TEAM_IDS = InputMember(type=tuple[str, ...], value=lambda ids: ids or UNSET, default=())

OPERATIONS = (
    Operation(
        AddMembers,
        event="member:add",
        route="POST /conversations/{conversation_id}/members",
        tag=_TAG,
        summary="Add members, or join a public group or channel",
        event_summary="Add members to a group or channel, or join a public one with the user's own id.",
        status=200,
        members={"team_ids": _TEAM_IDS},
        unaudited=ROUTINE,
    ),
    Operation(
        RemoveMember,
        event="member:remove",
        route="DELETE /conversations/{conversation_id}/members/{user_id}",
        tag=_TAG,
        summary="Remove a member, or leave a conversation",
        event_summary="Remove a member from a group or channel, or leave it with the user's own id. With `teamIds`, "
        "remove teams.",
        members={"team_ids": _TEAM_IDS},
        payload=Shape("MemberIdPayload"),
    ),
    Operation(
        RemoveTeam,
        route="DELETE /conversations/{conversation_id}/teams/{team_id}",
        tag=_TAG,
        summary="Remove a team from a conversation",
        status=200,
        answer=One(removed_team_payload),
    ),
    Operation(
        UpdateMember,
        event="member:update",
        route="PATCH /conversations/{conversation_id}/members/{user_id}",
        tag=_TAG,
        summary="Change a member's role",
        event_summary="Change a member's role. When another member becomes the owner, the previous owner becomes an "
        "admin.",
        payload=Shape("MemberWithRolePayload"),
    ),
)
