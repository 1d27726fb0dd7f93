"""`/api/v1/users`: the caller and others."""

from __future__ import annotations

from litestar import Router, get
from litestar.params import FromPath

from talkwire.api.dependencies import GivenCaller, GivenChat
from talkwire.core.commands.accounts import GetUser
from talkwire.dialects.payloads.users import UserPayload, user_payload


@get("/me", summary="The caller")
async def get_me(caller: GivenCaller, chat: GivenChat) -> UserPayload:
    return user_payload(await chat.execute(caller.actor, GetUser(caller.actor.user_id)), own=True)


@get("/{user_id:str}", summary="A user as others see them")
async def get_user(user_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> UserPayload:
    user = await chat.execute(caller.actor, GetUser(user_id))
    return user_payload(user, own=user.id == caller.actor.user_id)


users_router = Router("/users", route_handlers=[get_me, get_user], tags=["users"])
