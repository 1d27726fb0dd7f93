"""`/api/v1/users`"""

from __future__ import annotations

from litestar import Router, get

from talkwire.core.chat import Chat
from talkwire.core.commands import GetUser
from talkwire.dialects.payloads import UserPayload, user_payload
from talkwire.identity.callers import Caller


@get("/me", summary="The caller")
async def get_me(caller: Caller, chat: Chat) -> UserPayload:
    return user_payload(await chat.execute(caller.actor, GetUser(caller.actor.user_id)), own=True)


@get("/{user_id:str}", summary="A user as others see them")
async def get_user(user_id: str, caller: Caller, chat: Chat) -> UserPayload:
    user = await chat.execute(caller.actor, GetUser(user_id))
    return user_payload(user, own=user.id == caller.actor.user_id)


users_router = Router("/users", route_handlers=[get_me, get_user], tags=["users"])
