"""The operations of a user's preferences: for notifications in general, and for single conversations."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from talkwire.core.commands.preferences import (
    GetMemberPreferences,
    GetPreferences,
    SetMemberPreferences,
    SetPreferences,
)
from talkwire.operations.operation import One, Operation
from talkwire.operations.shapes import InputMember, Shape
from talkwire.payloads.notifying.preferences import Sound, member_preferences_payload, preferences_payload

_TAG = "notifications"
_OF_CONVERSATION = One(member_preferences_payload)
SET_FOR = InputMember(meaning="The member whose preferences these are. Only callers with the role `service` set it")

OPERATIONS = (
    Operation(
        GetPreferences,
        route="GET /users/me/preferences",
        tag=_TAG,
        summary="Get the caller's notification preferences",
        answer=One(preferences_payload),
        without=("user_id",),
    ),
    Operation(
        SetPreferences,
        route="PUT /users/me/preferences",
        tag=_TAG,
        summary="Set the caller's notification preferences",
        answer=One(preferences_payload),
    ),
    Operation(
        GetPreferences,
        route="GET /users/{user_id}/preferences",
        tag=_TAG,
        operation_id="getUserPreferences",
        summary="Get a user's notification preferences (roles service and admin)",
        answer=One(preferences_payload),
    ),
    Operation(
        SetPreferences,
        route="PUT /users/{user_id}/preferences",
        tag=_TAG,
        operation_id="setUserPreferences",
        summary="Set a user's notification preferences (roles service and admin)",
        description="They count as chosen by the user, whose devices receive them.",
        answer=One(preferences_payload),
    ),
    Operation(
        GetMemberPreferences,
        route="GET /conversations/{conversation_id}/preferences",
        tag=_TAG,
        operation_id="getConversationPreferences",
        summary="Get the caller's preferences for a conversation",
        answer=_OF_CONVERSATION,
        members={"user_id": SET_FOR},
    ),
    Operation(
        SetMemberPreferences,
        route="PUT /conversations/{conversation_id}/preferences",
        tag=_TAG,
        summary="Set the caller's preferences for a conversation",
        answer=_OF_CONVERSATION,
    ),
    Operation(
        SetMemberPreferences,
        route="PATCH /conversations/{conversation_id}/preferences",
        tag=_TAG,
        operation_id="changeConversationPreferences",
        summary="Change some of the caller's preferences for a conversation",
        answer=_OF_CONVERSATION,
        body=Shape(
            "MemberPreferencesChangePayload",
            "The preferences for one conversation to change. An omitted member stays unchanged, with one exception: "
            "`muted` without `mutedUntil` mutes without an end if it is true, and ends a mute if it is false.",
        ),
        members={
            "muted": InputMember(default=UNSET),
            "notify": InputMember(default=UNSET),
            "sound": InputMember(type=Sound | UnsetType | None, default=UNSET),
            "unmute_ms": InputMember("muted_until"),
            "user_id": SET_FOR,
        },
        in_query=("user_id",),
    ),
)
