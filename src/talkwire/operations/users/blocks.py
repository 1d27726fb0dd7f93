"""The operations with which a user blocks other users, from whom the user then receives nothing."""

from __future__ import annotations

from talkwire.core.commands.blocks import BlockUser, ListBlocked, UnblockUser
from talkwire.operations.operation import OWN, Operation, Paged
from talkwire.payloads.users import other_user_payload

_TAG = "users"

OPERATIONS = (
    Operation(
        ListBlocked,
        route="GET /users/me/blocks",
        tag=_TAG,
        operation_id="listBlockedUsers",
        summary="List the users that the caller has blocked",
        answer=Paged(other_user_payload),
    ),
    Operation(
        BlockUser,
        route="PUT /users/me/blocks/{user_id}",
        tag=_TAG,
        summary="Block a user, which stops direct messages both ways",
        unaudited=OWN,
    ),
    Operation(
        UnblockUser,
        route="DELETE /users/me/blocks/{user_id}",
        tag=_TAG,
        summary="Unblock a user",
        unaudited=OWN,
    ),
)
