"""`/api/v1/auth`: accounts of our own."""

from __future__ import annotations

from litestar import Router, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from talkwire.api.bodies import LoginBody, RefreshBody, RegisterBody, SignedInAnswer, signed_in_answer
from talkwire.api.dependencies import GivenAccounts, GivenCaller
from talkwire.core.errors import ChatError


@post("/register", summary="Make an account and sign in")
async def register(data: JSONBody[RegisterBody], accounts: GivenAccounts) -> SignedInAnswer:
    return signed_in_answer(await accounts.register(data.email, data.password, data.name))


@post("/login", status_code=HTTP_200_OK, summary="Sign in")
async def login(data: JSONBody[LoginBody], accounts: GivenAccounts) -> SignedInAnswer:
    return signed_in_answer(await accounts.login(data.email, data.password))


@post("/refresh", status_code=HTTP_200_OK, summary="Trade a refresh token for new tokens")
async def refresh(data: JSONBody[RefreshBody], accounts: GivenAccounts) -> SignedInAnswer:
    return signed_in_answer(await accounts.refresh(data.refresh_token))


@post("/logout", status_code=HTTP_204_NO_CONTENT, summary="Sign out: the device's sockets close")
async def logout(caller: GivenCaller, accounts: GivenAccounts) -> None:
    if caller.identity is None or caller.identity.session_id is None:
        raise ChatError("invalid_request", "This token was not issued by a sign-in here.")
    await accounts.logout(caller.actor, caller.identity.session_id)


auth_router = Router("/auth", route_handlers=[register, login, refresh, logout], tags=["auth"])
