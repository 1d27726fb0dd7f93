"""The operations of invitations: links with which people register on the server and join conversations."""

from __future__ import annotations

from talkwire.core.commands.invitations import (
    AcceptInvitation,
    CreateInvitation,
    DeleteInvitation,
    ListInvitations,
    ListInvitedConversations,
)
from talkwire.operations.operation import OWN, Operation, Paged
from talkwire.operations.shapes import InputMember
from talkwire.payloads.invitations import listed_invitation_payload

_TAG = "invitations"
_ACCEPT = "invitation:accept"

LOGGED_CODE = "Proxies log the code in this address. Send it in a body instead: `{}`."

OPERATIONS = (
    Operation(
        ListInvitations,
        route="GET /invitations",
        tag=_TAG,
        summary="List the invitations that the caller has created or may revoke, or all of them for admins",
        answer=Paged(listed_invitation_payload),
        members={"conversation_id": InputMember(meaning="Only invitations to this conversation")},
    ),
    Operation(
        CreateInvitation,
        route="POST /invitations",
        tag=_TAG,
        summary="Create an invitation",
        description="A retry with the same `Idempotency-Key` is refused as `conflict`, with the `invitationId` in its "
        "details, since the server does not store the code.",
        status=201,
    ),
    Operation(
        DeleteInvitation,
        route="DELETE /invitations/{invitation_id}",
        tag=_TAG,
        summary="Delete an invitation",
    ),
    Operation(
        ListInvitedConversations,
        route="POST /invitations/conversations",
        tag=_TAG,
        summary="List the conversations of an invitation before accepting it",
        status=200,
        refuses=(404,),
    ),
    Operation(
        ListInvitedConversations,
        route="GET /invitations/{code}/conversations",
        tag=_TAG,
        summary="List the conversations of an invitation whose code is in the address",
        description=LOGGED_CODE.format("POST /api/v1/invitations/conversations"),
    ),
    Operation(
        AcceptInvitation,
        name=_ACCEPT,
        route="POST /invitations/accept",
        tag=_TAG,
        summary="Accept an invitation",
        status=200,
        refuses=(404,),
        unaudited=OWN,
    ),
    Operation(
        AcceptInvitation,
        name=_ACCEPT,
        route="POST /invitations/{code}/accept",
        tag=_TAG,
        summary="Accept an invitation whose code is in the address",
        description=LOGGED_CODE.format("POST /api/v1/invitations/accept"),
        status=200,
        unaudited=OWN,
    ),
)
