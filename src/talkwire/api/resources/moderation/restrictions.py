"""Routes of `/api/v1/conversations/{id}/mutes` and `/bans`, with which the owner and the admins of a conversation mute
and ban users in it."""

from __future__ import annotations

import time
from typing import Annotated

from litestar import Router, delete, get, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from talkwire.api.http.bodies import ListAnswer, RestrictBody
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.core.commands.moderation.restrictions import ListRestrictions, RestrictMember, UnrestrictMember
from talkwire.core.domain.model import RestrictionKind
from talkwire.core.domain.times import ms_of_datetime
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.identity.callers import Caller
from talkwire.payloads.moderation.restrictions import RestrictionPayload, restriction_payload

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]


@get("/mutes", summary="List the users who are muted in a conversation")
async def list_mutes(
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[RestrictionPayload]:
    command = ListRestrictions(conversation_id, "mute", _now_ms(), cursor, limit)
    return await _list(caller, chat, command)


@put("/mutes/{user_id:str}", operation_id="muteMember", summary="Mute a user in a conversation")
async def mute_user(
    conversation_id: FromPath[str],
    user_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    data: JSONBody[RestrictBody | None] = None,
) -> RestrictionPayload:
    command = _restrict(conversation_id, user_id, "mute", data)
    return restriction_payload(await chat.execute(caller.actor, command), for_moderators=True)


@delete("/mutes/{user_id:str}", operation_id="unmuteMember", summary="Unmute a user in a conversation")
async def unmute_user(
    conversation_id: FromPath[str], user_id: FromPath[str], caller: GivenCaller, chat: GivenChat
) -> None:
    await chat.execute(caller.actor, UnrestrictMember(conversation_id, user_id, "mute"))


@get("/bans", summary="List the users who are banned from a conversation")
async def list_bans(
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[RestrictionPayload]:
    command = ListRestrictions(conversation_id, "ban", _now_ms(), cursor, limit)
    return await _list(caller, chat, command)


@put("/bans/{user_id:str}", operation_id="banMember", summary="Ban a user from a conversation")
async def ban_user(
    conversation_id: FromPath[str],
    user_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    data: JSONBody[RestrictBody | None] = None,
) -> RestrictionPayload:
    command = _restrict(conversation_id, user_id, "ban", data)
    return restriction_payload(await chat.execute(caller.actor, command), for_moderators=True)


@delete("/bans/{user_id:str}", operation_id="unbanMember", summary="Unban a user from a conversation")
async def unban_user(
    conversation_id: FromPath[str], user_id: FromPath[str], caller: GivenCaller, chat: GivenChat
) -> None:
    await chat.execute(caller.actor, UnrestrictMember(conversation_id, user_id, "ban"))


async def _list(caller: Caller, chat: LimitedChat, command: ListRestrictions) -> ListAnswer[RestrictionPayload]:
    page = await chat.execute(caller.actor, command)
    return ListAnswer(tuple(restriction_payload(each, for_moderators=True) for each in page.items), page.next)


def _restrict(conversation_id: str, user_id: str, kind: RestrictionKind, data: RestrictBody | None) -> RestrictMember:
    asked = data or RestrictBody()
    until_ms = None if asked.until is None else ms_of_datetime("until", asked.until)
    return RestrictMember(conversation_id, user_id, kind, until_ms, asked.reason)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


moderation_router = Router(
    "/conversations/{conversation_id:str}",
    route_handlers=[list_mutes, mute_user, unmute_user, list_bans, ban_user, unban_user],
    tags=["moderation"],
)
