"""The operations of members: who is in a conversation, and in which role."""

from __future__ import annotations

from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.operations.operation import ROUTINE, Operation
from talkwire.operations.shapes import Shape

_TAG = "conversations"

OPERATIONS = (
    Operation(
        AddMembers,
        event="member:add",
        route="POST /conversations/{conversation_id}/members",
        tag=_TAG,
        summary="Add members, or join a public group or channel",
        event_summary="Add members to a group or channel, or join a public one with the user's own id.",
        status=200,
        unaudited=ROUTINE,
    ),
    Operation(
        RemoveMember,
        event="member:remove",
        route="DELETE /conversations/{conversation_id}/members/{user_id}",
        tag=_TAG,
        summary="Remove a member, or leave a conversation",
        event_summary="Remove a member from a group or channel, or leave it with the user's own id.",
        payload=Shape("MemberIdPayload"),
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
