"""The operations of users: the caller, the caller's devices, and other users."""

from __future__ import annotations

from typing import Any

import msgspec

from talkwire.core.clock import now_ms
from talkwire.core.commands.accounts import (
    BanUser,
    CloseLogin,
    EraseUser,
    GetUser,
    ListLogins,
    PutUser,
    PutUsers,
    SearchUsers,
    UnbanUser,
    UpdateUser,
)
from talkwire.operations.operation import OWN, Listed, One, Operation
from talkwire.operations.shapes import InputMember, Moment, Shape, given_type, parts_of, values_of
from talkwire.payloads.payload import Payload
from talkwire.payloads.users import own_user_payload, whole_user_payload

_TAG = "users"

_OF_BATCH = given_type(
    Shape(
        "UserOfBatch",
        "One user of a batch: the user's `id`, and the members of the profile to set. An omitted member stays "
        "unchanged.",
        last=("user_id",),
    ),
    Payload,
    __name__,
    parts_of(PutUser, (), {"user_id": InputMember("id")}),
)
_OF_BATCH_TYPE: Any = _OF_BATCH.type


def _to_put(users: tuple[msgspec.Struct, ...]) -> tuple[PutUser, ...]:
    return tuple(PutUser(**values_of(user, _OF_BATCH.parts)) for user in users)


SEARCH = Operation(
    SearchUsers,
    route="GET /users",
    tag=_TAG,
    summary="Search users by the start of their name or handle, or by id",
    members={"text": InputMember("query", meaning="The start of a word in a name or of a handle, or an id")},
)

CALLER = (
    Operation(
        GetUser,
        route="GET /users/me",
        tag=_TAG,
        summary="Get the signed-in user's profile",
        answer=One(own_user_payload),
    ),
    Operation(
        UpdateUser,
        route="PATCH /users/me",
        tag=_TAG,
        operation_id="updateMe",
        summary="Update the signed-in user's profile",
        answer=One(own_user_payload),
        body=Shape(
            "UpdateUserBody",
            "Changes to the caller's own profile. An omitted member stays unchanged; null removes a picture, a text or "
            "a handle (a unique name such as `ann.smith`).",
        ),
        unaudited=OWN,
    ),
    Operation(
        EraseUser,
        route="DELETE /users/me",
        tag=_TAG,
        summary="Erase the signed-in user and their data",
        description="Signs out all devices, and deletes the account, the profile and the messages. This cannot be "
        "undone.",
        refuses=(403, 409),
    ),
)

SESSIONS = (
    Operation(
        ListLogins,
        route="GET /users/me/sessions",
        tag=_TAG,
        operation_id="listSessions",
        summary="List the caller's signed-in devices, last used first",
        fixed={"now_ms": now_ms},
    ),
    Operation(
        CloseLogin,
        route="DELETE /users/me/sessions/{session_id}",
        tag=_TAG,
        operation_id="endSession",
        summary="Sign out a device, and close its sockets",
        unaudited=OWN,
    ),
)

PROFILES = (
    Operation(
        GetUser,
        route="GET /users/{user_id}",
        tag=_TAG,
        summary="Get a user's profile",
    ),
    Operation(
        PutUser,
        route="PUT /users/{user_id}",
        tag=_TAG,
        summary="Create or update a user (roles service and admin)",
        answer=One(whole_user_payload),
        body=Shape(
            "PutUserBody",
            "A user's profile to create or change, as the application's backend sets it. An omitted member stays "
            "unchanged; null removes a value. `metadata` is JSON of the application, which users do not see.",
        ),
    ),
    Operation(
        EraseUser,
        route="DELETE /users/{user_id}",
        tag=_TAG,
        summary="Erase a user and their data (roles service and admin)",
        description="Ends the user's sessions and deletes the account, the profile and all stored data of the user. "
        "Others see a deleted user. The id is never given out again.",
        refuses=(404, 409),
    ),
    Operation(
        PutUsers,
        route="POST /users/batch",
        tag=_TAG,
        summary="Create or update up to 100 users, all or none (roles service and admin)",
        status=200,
        answer=Listed(whole_user_payload),
        body=Shape("PutUsersBody", "The users to create or update: 1 to 100."),
        members={"users": InputMember(type=tuple[_OF_BATCH_TYPE, ...], value=_to_put)},
    ),
)

BANS = (
    Operation(
        BanUser,
        route="PUT /users/{user_id}/ban",
        tag=_TAG,
        summary="Ban a user from the server (roles service and admin)",
        body=Shape(
            "BanBody",
            "The reason for a ban from the server, and when it ends. The user sees both. Without `until`, the ban "
            "lasts until it is lifted.",
            times=Moment,
        ),
        body_optional=True,
    ),
    Operation(
        UnbanUser,
        route="DELETE /users/{user_id}/ban",
        tag=_TAG,
        summary="Lift a user's ban from the server (roles service and admin)",
    ),
)

OPERATIONS = (SEARCH, *CALLER, *SESSIONS, *PROFILES, *BANS)
