"""Routes of presence: who is online, away or offline, and the caller's own presence."""

from __future__ import annotations

from litestar.params import JSONBody

from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.operation_routes import routes_of
from talkwire.core.commands.presence import GetPresenceOf
from talkwire.operations.users import presence
from talkwire.payloads.presence import PresencePayload, SetPresencePayload, presence_payload, to_set_presence


class SetPresenceBody(SetPresencePayload, frozen=True):
    """The presence to set for the caller on all devices, such as `away`, and a text. An omitted `text` stays unchanged;
    null removes it. The status `dnd` ends at `statusUntil`, a given `text` at `textUntil`; without them they have no
    end."""


async def get_own_presence(caller: GivenCaller, chat: GivenChat) -> PresencePayload:
    return presence_payload(await chat.execute(caller.actor, GetPresenceOf(caller.actor.user_id)))


async def set_presence(data: JSONBody[SetPresenceBody], caller: GivenCaller, chat: GivenChat) -> PresencePayload:
    await chat.execute(caller.actor, to_set_presence(data))
    return await get_own_presence(caller, chat)


presence_routes = routes_of(
    presence.OPERATIONS,
    handlers={"GET /users/me/presence": get_own_presence, "PUT /users/me/presence": set_presence},
)
