"""Routes of the caller's preferences: for notifications in general, and for single conversations."""

from __future__ import annotations

import msgspec
from litestar import Router, get, patch, put
from litestar.params import FromPath, JSONBody

from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.core.commands.preferences import (
    GetMemberPreferences,
    GetPreferences,
    SetPreferences,
)
from talkwire.payloads.notifying.preferences import (
    MemberPreferencesChange,
    MemberPreferencesPayload,
    PreferencesPayload,
    member_preferences_payload,
    preferences_payload,
    to_member_preferences,
    to_preferences,
)


@get("/users/me/preferences", summary="Get the caller's notification preferences")
async def get_preferences(caller: GivenCaller, chat: GivenChat) -> PreferencesPayload:
    return preferences_payload(await chat.execute(caller.actor, GetPreferences()))


@put("/users/me/preferences", summary="Set the caller's notification preferences")
async def set_preferences(
    data: JSONBody[PreferencesPayload], caller: GivenCaller, chat: GivenChat
) -> PreferencesPayload:
    command = SetPreferences(to_preferences(data), keep_read_receipts=data.read_receipts is msgspec.UNSET)
    return preferences_payload(await chat.execute(caller.actor, command))


@get(
    "/conversations/{conversation_id:str}/preferences",
    operation_id="getConversationPreferences",
    summary="Get the caller's preferences for a conversation",
)
async def get_member_preferences(
    conversation_id: FromPath[str], caller: GivenCaller, chat: GivenChat
) -> MemberPreferencesPayload:
    return member_preferences_payload(await chat.execute(caller.actor, GetMemberPreferences(conversation_id)))


@put(
    "/conversations/{conversation_id:str}/preferences",
    operation_id="setConversationPreferences",
    summary="Set the caller's preferences for a conversation",
)
async def set_member_preferences(
    conversation_id: FromPath[str], data: JSONBody[MemberPreferencesPayload], caller: GivenCaller, chat: GivenChat
) -> MemberPreferencesPayload:
    command = to_member_preferences(conversation_id, data)
    return member_preferences_payload(await chat.execute(caller.actor, command))


@patch(
    "/conversations/{conversation_id:str}/preferences",
    operation_id="changeConversationPreferences",
    summary="Change some of the caller's preferences for a conversation",
)
async def change_member_preferences(
    conversation_id: FromPath[str], data: JSONBody[MemberPreferencesChange], caller: GivenCaller, chat: GivenChat
) -> MemberPreferencesPayload:
    command = to_member_preferences(conversation_id, data)
    return member_preferences_payload(await chat.execute(caller.actor, command))


preferences_router = Router(
    "/",
    route_handlers=[
        get_preferences,
        set_preferences,
        get_member_preferences,
        set_member_preferences,
        change_member_preferences,
    ],
    tags=["notifications"],
)
