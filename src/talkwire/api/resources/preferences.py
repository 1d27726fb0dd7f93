"""Routes of users' preferences: for notifications in general, and for single conversations."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import FromPath, JSONBody, QueryParameter

from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.operation_routes import routes_of
from talkwire.core.commands.preferences import SetPreferences
from talkwire.operations.users import preferences
from talkwire.payloads.notifying.preferences import (
    MemberPreferencesPayload,
    PreferencesPayload,
    member_preferences_payload,
    preferences_payload,
    to_member_preferences,
    to_preferences,
)

MemberId = Annotated[str | None, QueryParameter(name="userId", description=preferences.SET_FOR.meaning)]


async def set_preferences(
    data: JSONBody[PreferencesPayload], caller: GivenCaller, chat: GivenChat
) -> PreferencesPayload:
    return preferences_payload(await chat.execute(caller.actor, _to_set(data, None)))


async def set_user_preferences(
    user_id: FromPath[str], data: JSONBody[PreferencesPayload], caller: GivenCaller, chat: GivenChat
) -> PreferencesPayload:
    return preferences_payload(await chat.execute(caller.actor, _to_set(data, user_id)))


def _to_set(given: PreferencesPayload, user_id: str | None) -> SetPreferences:
    return SetPreferences(to_preferences(given), given.read_receipts is msgspec.UNSET, user_id)


async def set_conversation_preferences(
    conversation_id: FromPath[str],
    data: JSONBody[MemberPreferencesPayload],
    caller: GivenCaller,
    chat: GivenChat,
    user_id: MemberId = None,
) -> MemberPreferencesPayload:
    command = to_member_preferences(conversation_id, data, user_id)
    return member_preferences_payload(await chat.execute(caller.actor, command))


preferences_routes = routes_of(
    preferences.OPERATIONS,
    handlers={
        "PUT /users/me/preferences": set_preferences,
        "PUT /users/{user_id}/preferences": set_user_preferences,
        "PUT /conversations/{conversation_id}/preferences": set_conversation_preferences,
    },
)
