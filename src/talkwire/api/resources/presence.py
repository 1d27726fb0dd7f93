"""Routes of presence: who is online, away or offline, and the caller's own presence."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Router, get, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.core.commands.presence import GetPresence, GetPresenceOf, ListOnline, SetPresence
from talkwire.payloads.presence import PresencePayload, presence_payload, to_ends

OnlineLimit = Annotated[int, QueryParameter(ge=1, le=1000, description="The number of items in a page")]

AskedIds = Annotated[
    list[str],
    QueryParameter(
        name="userIds", description="A user id; repeat for each user. Users without a shared conversation are omitted"
    ),
]


class SetPresenceBody(Body, frozen=True):
    """The presence to set for the caller on all devices, such as `away`, and a text. An omitted `text` stays unchanged;
    null removes it. The status `dnd` ends at `statusUntil`, a given `text` at `textUntil`; without them they have no
    end."""

    status: Literal["online", "away", "dnd", "invisible"]
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    status_until: str | None = None
    text_until: str | None = None


@get("/presence", summary="Get the presence of several users (online, away or offline)", tags=["users"])
async def list_presence(caller: GivenCaller, chat: GivenChat, user_ids: AskedIds) -> ListAnswer[PresencePayload]:
    found = await chat.execute(caller.actor, GetPresence(tuple(user_ids)))
    return ListAnswer(tuple(map(presence_payload, found)), None)


@get("/online", operation_id="listOnlineUsers", summary="List users who are online (role service or admin)")
async def list_online(
    caller: GivenCaller, chat: GivenChat, cursor: FromQuery[str | None] = None, limit: OnlineLimit = 100
) -> ListAnswer[PresencePayload]:
    page = await chat.execute(caller.actor, ListOnline(cursor, limit))
    return ListAnswer(tuple(map(presence_payload, page.items)), page.next)


@get("/me/presence", summary="Get the caller's presence (online, away or offline)")
async def get_own_presence(caller: GivenCaller, chat: GivenChat) -> PresencePayload:
    return presence_payload(await chat.execute(caller.actor, GetPresenceOf(caller.actor.user_id)))


@put("/me/presence", summary="Set the caller's presence, such as away or do not disturb")
async def set_presence(data: JSONBody[SetPresenceBody], caller: GivenCaller, chat: GivenChat) -> PresencePayload:
    await chat.execute(caller.actor, SetPresence(data.status, data.text, to_ends(data.status_until, data.text_until)))
    return presence_payload(await chat.execute(caller.actor, GetPresenceOf(caller.actor.user_id)))


@get("/{user_id:str}/presence", summary="Get the presence of a user (online, away or offline)")
async def get_presence(user_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> PresencePayload:
    return presence_payload(await chat.execute(caller.actor, GetPresenceOf(user_id)))


presence_router = Router(
    "/users", route_handlers=[list_online, get_own_presence, set_presence, get_presence], tags=["users"]
)
