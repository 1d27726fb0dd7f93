"""Routes of `/api/v1/users`: the caller, the caller's devices, and other users."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Annotated

from litestar import Response, Router, delete, get, patch, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.bodies import (
    AddressTokenAnswer,
    AddressTokenBody,
    BanBody,
    EraseMeBody,
    ListAnswer,
    PutUserBody,
    PutUsersBody,
    UpdateUserBody,
)
from talkwire.api.http.caller import takes_address_token
from talkwire.api.http.dependencies import GivenAccounts, GivenCaller, GivenCallers, GivenChat, GivenExports
from talkwire.api.http.download import Download
from talkwire.api.http.idempotency import GivenKey
from talkwire.api.user_exports import UserExports
from talkwire.core.commands.accounts import (
    BanUser,
    CloseLogin,
    EraseUser,
    GetUser,
    ListLogins,
    PutUser,
    PutUsers,
    SearchUsers,
    UnbanUser,
    UpdateUser,
)
from talkwire.core.commands.moderation.audit import RecordExport
from talkwire.core.commands.server.erasure import IsErased
from talkwire.core.commands.server.export import CheckExport
from talkwire.core.domain.access_policy import rights_of
from talkwire.core.domain.actors import ERASER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, Erased, User
from talkwire.core.domain.times import ms_of_datetime
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.payloads.users import (
    RightsPayload,
    SessionPayload,
    UserPayload,
    rights_payload,
    session_payload,
    user_payload,
    user_payload_for,
    whole_user_payload,
)

ZIP = "application/zip"

ERASED_WITHIN_S = 5.0
"""Seconds that a response waits for the end of an erasure."""

ERASED_POLL_S = 0.05

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]
Messages = Annotated[
    Erased, QueryParameter(name="messages", description="Whether the user's messages stay, or become tombstones")
]
Query = Annotated[
    str, QueryParameter(name="query", description="The start of a word in a name or of a handle, or an id")
]


@get("/", summary="Search users by the start of their name or handle, or by id")
async def search_users(
    caller: GivenCaller,
    chat: GivenChat,
    text: Query = "",
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[UserPayload]:
    page = await chat.execute(caller.actor, SearchUsers(text, cursor, limit))
    return ListAnswer(tuple(user_payload_for(user, caller.actor) for user in page.items), page.next)


@get("/me", summary="Get the signed-in user's profile")
async def get_me(caller: GivenCaller, chat: GivenChat) -> UserPayload:
    return user_payload(await chat.execute(caller.actor, GetUser(caller.actor.user_id)), own=True)


@get("/me/rights", summary="Get the caller's rights on this server")
async def get_rights(caller: GivenCaller, chat: GivenChat) -> RightsPayload:
    return rights_payload(rights_of(caller.actor, chat.policy))


@patch("/me", summary="Update the signed-in user's profile")
async def update_me(data: JSONBody[UpdateUserBody], caller: GivenCaller, chat: GivenChat) -> UserPayload:
    user = await chat.execute(caller.actor, UpdateUser(data.name, data.avatar, data.text, data.handle))
    return user_payload(user, own=True)


@delete(
    "/me",
    operation_id="eraseMe",
    summary="Erase the signed-in user and their data",
    description="Signs out all devices, and deletes the account, the profile and the messages. This cannot be undone.",
    opt=may_refuse(403, 409),
)
async def erase_me(
    caller: GivenCaller,
    chat: GivenChat,
    accounts: GivenAccounts,
    messages: Messages = "redact",
    data: JSONBody[EraseMeBody | None] = None,
) -> None:
    password = None if data is None else data.password
    await accounts.erase(caller.actor, caller.session_id, password, redact=messages == "redact")
    await _wait_until_erased(chat, caller.actor.user_id)


@get("/me/sessions", summary="List the caller's signed-in devices, last used first")
async def list_sessions(caller: GivenCaller, chat: GivenChat) -> ListAnswer[SessionPayload]:
    sessions = await chat.execute(caller.actor, ListLogins(time.time_ns() // 1_000_000))
    return ListAnswer(tuple(session_payload(each, current=each.id == caller.session_id) for each in sessions), None)


@delete("/me/sessions/{session_id:str}", summary="Sign out a device, and close its sockets")
async def end_session(session_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> None:
    await chat.execute(caller.actor, CloseLogin(session_id))


@post(
    "/me/address-token",
    operation_id="createAddressToken",
    summary="Create a token for addresses that a browser loads without headers",
    description="Pass it as `?token=`. It opens files and their thumbnails or, with the purpose `export`, an export "
    "that begins within a minute, and nothing else. It ends with the session or the access token of the request.",
    status_code=HTTP_200_OK,
)
async def create_address_token(
    caller: GivenCaller, callers: GivenCallers, data: JSONBody[AddressTokenBody | None] = None
) -> AddressTokenAnswer:
    now = time.time()
    token, expires_at = callers.address_token(caller, (data or AddressTokenBody()).purpose, now)
    return AddressTokenAnswer(token, int(expires_at - now))


@get("/{user_id:str}", summary="Get a user's profile")
async def get_user(user_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> UserPayload:
    user = await chat.execute(caller.actor, GetUser(user_id))
    return user_payload_for(user, caller.actor)


@put("/{user_id:str}", summary="Create or update a user (roles service and admin)")
async def put_user(
    user_id: FromPath[str], data: JSONBody[PutUserBody], caller: GivenCaller, chat: GivenChat
) -> UserPayload:
    return whole_user_payload(await chat.execute(caller.actor, _to_put(user_id, data)))


@post(
    "/batch",
    status_code=HTTP_200_OK,
    summary="Create or update up to 100 users, all or none (roles service and admin)",
)
async def put_users(
    data: JSONBody[PutUsersBody], caller: GivenCaller, chat: GivenChat, key: GivenKey
) -> ListAnswer[UserPayload]:
    command = PutUsers(tuple(_to_put(user.id, user) for user in data.users))
    users = await chat.execute(caller.actor, command, key)
    return ListAnswer(tuple(map(whole_user_payload, users)), None)


def _to_put(user_id: str, data: PutUserBody) -> PutUser:
    return PutUser(user_id, data.name, data.avatar, data.email, data.text, data.metadata, data.hold, data.handle)


@delete(
    "/{user_id:str}",
    operation_id="eraseUser",
    summary="Erase a user and their data (roles service and admin)",
    description="Ends the user's sessions and deletes the account, the profile and all stored data of the user. Others "
    "see a deleted user. The id is never given out again.",
    opt=may_refuse(404, 409),
)
async def erase_user(user_id: FromPath[str], caller: GivenCaller, chat: GivenChat, messages: Messages = "keep") -> None:
    await chat.execute(caller.actor, EraseUser(user_id, messages == "redact"))
    await _wait_until_erased(chat, user_id)


async def _wait_until_erased(chat: LimitedChat, user_id: str) -> None:
    """Waits until all stored data of the user is erased, for a few seconds at most: if the user has many messages, the
    server erases the rest later."""
    with contextlib.suppress(TimeoutError, ChatError):
        async with asyncio.timeout(ERASED_WITHIN_S):
            while not await chat.execute(ERASER, IsErased(user_id)):  # noqa: ASYNC110 (any node may do it)
                await asyncio.sleep(ERASED_POLL_S)


@put(
    "/{user_id:str}/ban",
    status_code=HTTP_204_NO_CONTENT,
    summary="Ban a user from the server (roles service and admin)",
)
async def ban_user(
    user_id: FromPath[str], caller: GivenCaller, chat: GivenChat, data: JSONBody[BanBody | None] = None
) -> None:
    asked = data or BanBody()
    until_ms = None if asked.until is None else ms_of_datetime("until", asked.until)
    await chat.execute(caller.actor, BanUser(user_id, asked.reason, until_ms))


@delete("/{user_id:str}/ban", summary="Lift a user's ban from the server (roles service and admin)")
async def unban_user(user_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> None:
    await chat.execute(caller.actor, UnbanUser(user_id))


LEAST_EXPORT_BYTES_S = 16 * 1024
"""The least speed of an export's download in bytes a second. Slower ones are broken off, since an export keeps its
temporary files until the end of the download."""

_EXPORTED = (
    "Contains `profile.json`, `conversations.jsonl`, `messages.jsonl` with the messages that the user may see now, and "
    "below `files/` the files that the user has uploaded."
)


@get(
    "/me/export",
    operation_id="exportMe",
    summary="Download the signed-in user's data as a zip file",
    description=_EXPORTED,
    media_type=ZIP,
    opt=takes_address_token("export"),
)
async def export_me(caller: GivenCaller, chat: GivenChat, exports: GivenExports) -> Response[bytes]:
    user = await chat.execute(caller.actor, CheckExport(caller.actor.user_id))
    return _download_of(user, caller.actor, exports)


@get(
    "/{user_id:str}/export",
    operation_id="exportUser",
    summary="Download a user's data as a zip file (the user, roles service and admin)",
    description=_EXPORTED,
    media_type=ZIP,
    opt={**may_refuse(404, 409), **takes_address_token("export")},
)
async def export_user(
    user_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    exports: GivenExports,
) -> Response[bytes]:
    user = await chat.execute(caller.actor, CheckExport(user_id))
    if user.id != caller.actor.user_id:
        await chat.execute(caller.actor, RecordExport(user_id=user.id))
    return _download_of(user, caller.actor, exports)


def _download_of(user: User, actor: Actor, exports: UserExports | None) -> Download:
    assert exports is not None, "a running server has them"
    export = exports.begin(user, actor)
    headers = {"Content-Disposition": 'attachment; filename="export.zip"', "Cache-Control": "no-store"}
    return Download(
        export, status_code=HTTP_200_OK, headers=headers, media_type=ZIP, least_bytes_s=LEAST_EXPORT_BYTES_S
    )


users_router = Router(
    "/users",
    route_handlers=[
        search_users,
        get_me,
        get_rights,
        update_me,
        erase_me,
        list_sessions,
        end_session,
        create_address_token,
        get_user,
        put_user,
        put_users,
        erase_user,
        export_me,
        export_user,
        ban_user,
        unban_user,
    ],
    tags=["users"],
)
