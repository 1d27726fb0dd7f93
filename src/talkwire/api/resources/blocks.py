"""Routes of `/api/v1/users/me/blocks`: list, block and unblock users from whom the caller receives nothing."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, delete, get, put
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.status_codes import HTTP_204_NO_CONTENT

from talkwire.api.http.bodies import ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.core.commands.blocks import BlockUser, ListBlocked, UnblockUser
from talkwire.payloads.users import UserPayload, user_payload

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]


@get("/", operation_id="listBlockedUsers", summary="List the users that the caller has blocked")
async def list_blocked(
    caller: GivenCaller, chat: GivenChat, cursor: FromQuery[str | None] = None, limit: Limit = 50
) -> ListAnswer[UserPayload]:
    page = await chat.execute(caller.actor, ListBlocked(cursor, limit))
    return ListAnswer(tuple(user_payload(user, own=False) for user in page.items), page.next)


@put("/{user_id:str}", status_code=HTTP_204_NO_CONTENT, summary="Block a user, which stops direct messages both ways")
async def block_user(user_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> None:
    await chat.execute(caller.actor, BlockUser(user_id))


@delete("/{user_id:str}", summary="Unblock a user")
async def unblock_user(user_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> None:
    await chat.execute(caller.actor, UnblockUser(user_id))


blocks_router = Router("/users/me/blocks", route_handlers=[list_blocked, block_user, unblock_user], tags=["users"])
