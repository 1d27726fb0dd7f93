"""Routes of the caller's preferences: for notifications in general, and for single conversations."""

from __future__ import annotations

import msgspec
from litestar.params import FromPath, JSONBody

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


async def set_preferences(
    data: JSONBody[PreferencesPayload], caller: GivenCaller, chat: GivenChat
) -> PreferencesPayload:
    command = SetPreferences(to_preferences(data), keep_read_receipts=data.read_receipts is msgspec.UNSET)
    return preferences_payload(await chat.execute(caller.actor, command))


async def set_conversation_preferences(
    conversation_id: FromPath[str], data: JSONBody[MemberPreferencesPayload], caller: GivenCaller, chat: GivenChat
) -> MemberPreferencesPayload:
    command = to_member_preferences(conversation_id, data)
    return member_preferences_payload(await chat.execute(caller.actor, command))


preferences_routes = routes_of(
    preferences.OPERATIONS,
    handlers={
        "PUT /users/me/preferences": set_preferences,
        "PUT /conversations/{conversation_id}/preferences": set_conversation_preferences,
    },
)
