"""Routes of `/api/v1/users`: the caller, the caller's devices, and other users."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Annotated

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK
from litestar.types import ControllerRouterHandler

from talkwire.api.description.counterparts import executes
from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.bodies import AddressTokenAnswer, AddressTokenBody, EraseMeBody, ListAnswer
from talkwire.api.http.caller import takes_address_token
from talkwire.api.http.dependencies import GivenAccounts, GivenCaller, GivenCallers, GivenChat, GivenExports
from talkwire.api.http.download import Download
from talkwire.api.operation_routes import PREFIX, routes_of
from talkwire.api.user_exports import UserExports
from talkwire.core.commands.accounts import EraseUser, GetUser
from talkwire.core.commands.command import Page
from talkwire.core.commands.moderation.audit import RecordExport
from talkwire.core.commands.server.erasure import IsErased
from talkwire.core.commands.server.export import CheckExport
from talkwire.core.domain.access_policy import rights_of
from talkwire.core.domain.actors import ERASER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, Erased, LoginSession, User
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.identity.callers import Caller
from talkwire.operations.users import users
from talkwire.payloads.users import (
    RightsPayload,
    SessionPayload,
    UserPayload,
    own_user_payload,
    rights_payload,
    session_payload,
    user_payload_for,
)

ZIP = "application/zip"
"""Media type of an export."""

ERASED_WITHIN_S = 5.0
"""Seconds that a response waits for the end of an erasure."""

ERASED_POLL_S = 0.05
"""Seconds between two looks whether an erasure has ended."""

Messages = Annotated[
    Erased, QueryParameter(name="messages", description="Whether the user's messages stay, or become tombstones")
]

_TAGS = ["users"]


async def _found(page: Page[User], _command: object, caller: Caller, *_: object) -> ListAnswer[UserPayload]:
    return ListAnswer(tuple(user_payload_for(user, caller.actor) for user in page.items), page.next)


async def _profile(user: User, _command: object, caller: Caller, *_: object) -> UserPayload:
    return user_payload_for(user, caller.actor)


async def _sessions(
    sessions: tuple[LoginSession, ...], _command: object, caller: Caller, *_: object
) -> ListAnswer[SessionPayload]:
    return ListAnswer(tuple(session_payload(each, current=each.id == caller.session_id) for each in sessions), None)


async def get_me(caller: GivenCaller, chat: GivenChat) -> UserPayload:
    return own_user_payload(await chat.execute(caller.actor, GetUser(caller.actor.user_id)))


@get(f"{PREFIX}/users/me/rights", summary="Get the caller's rights on this server", tags=_TAGS)
async def get_rights(caller: GivenCaller, chat: GivenChat) -> RightsPayload:
    return rights_payload(rights_of(caller.actor, chat.policy))


@post(
    f"{PREFIX}/users/me/address-token",
    operation_id="createAddressToken",
    summary="Create a token for addresses that a browser loads without headers",
    description="Pass it as `?token=`. It opens files and their thumbnails or, with the purpose `export`, an export "
    "that begins within a minute, and nothing else. It ends with the session or the access token of the request.",
    status_code=HTTP_200_OK,
    tags=_TAGS,
)
async def create_address_token(
    caller: GivenCaller, callers: GivenCallers, data: JSONBody[AddressTokenBody | None] = None
) -> AddressTokenAnswer:
    now = time.time()
    token, expires_at = callers.address_token(caller, (data or AddressTokenBody()).purpose, now)
    return AddressTokenAnswer(token, int(expires_at - now))


# --- erasure ----------------------------------------------------------------------------------------------------------


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


# --- exports ----------------------------------------------------------------------------------------------------------

LEAST_EXPORT_BYTES_S = 16 * 1024
"""Least speed of an export's download, in bytes a second. Slower ones are broken off, since an export keeps its
temporary files until the end of the download."""

_EXPORTED = (
    "Contains `profile.json`, `conversations.jsonl`, `messages.jsonl` with the messages that the user may see now, "
    "`ratings.jsonl`, the choices of cards in `choices.jsonl`, and below `files/` the files that the user has uploaded."
)


@get(
    f"{PREFIX}/users/me/export",
    operation_id="exportMe",
    summary="Download the signed-in user's data as a zip file",
    description=_EXPORTED,
    media_type=ZIP,
    tags=_TAGS,
    opt={**executes(CheckExport), **takes_address_token("export")},
)
async def export_me(caller: GivenCaller, chat: GivenChat, exports: GivenExports) -> Response[bytes]:
    user = await chat.execute(caller.actor, CheckExport(caller.actor.user_id))
    return _download_of(user, caller.actor, exports)


@get(
    f"{PREFIX}/users/{{user_id:str}}/export",
    operation_id="exportUser",
    summary="Download a user's data as a zip file (the user, roles service and admin)",
    description=_EXPORTED,
    media_type=ZIP,
    tags=_TAGS,
    opt={**executes(CheckExport, RecordExport), **may_refuse(404, 409), **takes_address_token("export")},
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


# --- all routes -------------------------------------------------------------------------------------------------------

user_routes: list[ControllerRouterHandler] = [
    *routes_of(
        (users.SEARCH, *users.CALLER),
        answers={"GET /users": _found},
        handlers={"GET /users/me": get_me, "DELETE /users/me": erase_me},
    ),
    get_rights,
    *routes_of(users.SESSIONS, answers={"GET /users/me/sessions": _sessions}),
    create_address_token,
    *routes_of(
        users.PROFILES,
        answers={"GET /users/{user_id}": _profile},
        handlers={"DELETE /users/{user_id}": erase_user},
    ),
    export_me,
    export_user,
    *routes_of(users.BANS),
]
