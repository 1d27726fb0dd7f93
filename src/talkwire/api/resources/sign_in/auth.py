"""Routes of `/api/v1/auth` for accounts with e-mail and password: register, sign in and out, change the password,
refresh tokens, and see what an invitation leads to.

A server has only the routes for the ways to sign in that are turned on.
"""

from __future__ import annotations

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from talkwire.api.description.counterparts import executes
from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.bodies import (
    ChangePasswordBody,
    LoginBody,
    RefreshBody,
    RegisterBody,
    SignedInAnswer,
    signed_in_answer,
)
from talkwire.api.http.dependencies import GivenAccounts, GivenCaller
from talkwire.api.http.device import GivenDevice
from talkwire.api.resources.invitations import (
    InvitationCodeBody,
    InvitedConversationsAnswer,
    invited_conversations_answer,
)
from talkwire.api.resources.sign_in.openid_connect import openid_routes
from talkwire.core.commands.accounts import ChangePassword, CloseLogin, OpenLogin, RegisterAccount, RotateLogin
from talkwire.core.commands.invitations import ListInvitedConversations
from talkwire.core.domain.errors import ChatError
from talkwire.identity.accounts import Registration
from talkwire.operations.conversations.invitations import LOGGED_CODE
from talkwire.operations.operation import OWN


@post(
    "/register",
    summary="Create an account and sign in",
    opt={**may_refuse(403), **executes(RegisterAccount, OpenLogin, unaudited=OWN)},
)
async def register(data: JSONBody[RegisterBody], accounts: GivenAccounts, device: GivenDevice) -> SignedInAnswer:
    registration = Registration(data.email, data.password, data.name, data.invitation)
    return signed_in_answer(await accounts.register(registration, device))


@post(
    "/login",
    status_code=HTTP_200_OK,
    summary="Sign in with e-mail and password",
    opt={**may_refuse(401, 403), **executes(OpenLogin, unaudited=OWN)},
)
async def login(data: JSONBody[LoginBody], accounts: GivenAccounts, device: GivenDevice) -> SignedInAnswer:
    return signed_in_answer(await accounts.login(data.email, data.password, device))


@post(
    "/invitations/conversations",
    status_code=HTTP_200_OK,
    operation_id="lookUpInvitationBeforeSignIn",
    summary="List the conversations of an invitation before signing in",
    opt={**may_refuse(403, 404), **executes(ListInvitedConversations)},
)
async def look_up_invitation(
    data: JSONBody[InvitationCodeBody], accounts: GivenAccounts, device: GivenDevice
) -> InvitedConversationsAnswer:
    return invited_conversations_answer(await accounts.invited_conversations(data.code, device))


@get(
    "/invitations/{code:str}",
    summary="List the conversations of an invitation whose code is in the address, before signing in",
    description=LOGGED_CODE.format("POST /api/v1/auth/invitations/conversations"),
    opt={**may_refuse(403, 404), **executes(ListInvitedConversations)},
)
async def describe_invitation(
    code: FromPath[str], accounts: GivenAccounts, device: GivenDevice
) -> InvitedConversationsAnswer:
    return invited_conversations_answer(await accounts.invited_conversations(code, device))


@post(
    "/refresh",
    status_code=HTTP_200_OK,
    operation_id="refreshTokens",
    summary="Exchange a refresh token for new tokens",
    opt={**may_refuse(401, 403), **executes(RotateLogin, unaudited=OWN)},
)
async def refresh(data: JSONBody[RefreshBody], accounts: GivenAccounts, device: GivenDevice) -> SignedInAnswer:
    return signed_in_answer(await accounts.refresh(data.refresh_token, device))


@post(
    "/logout",
    status_code=HTTP_204_NO_CONTENT,
    summary="Sign out this device, and close its sockets",
    opt=executes(CloseLogin),
)
async def logout(caller: GivenCaller, accounts: GivenAccounts) -> None:
    if caller.session_id is None:
        raise ChatError("invalid_request", "This token does not belong to a sign-in on this server.")
    await accounts.logout(caller.actor, caller.session_id)


@post(
    "/password",
    status_code=HTTP_204_NO_CONTENT,
    summary="Change the caller's password, and sign out other devices",
    opt=executes(ChangePassword, unaudited=OWN),
)
async def change_password(data: JSONBody[ChangePasswordBody], caller: GivenCaller, accounts: GivenAccounts) -> None:
    await accounts.change_password(caller.actor, caller.session_id, data.current_password, data.new_password)


def auth_router(*, has_accounts: bool, has_provider: bool) -> Router | None:
    """Returns the router of the given ways to sign in: accounts with a password, an OpenID provider, or both. Returns
    None if both are off."""
    if not (has_accounts or has_provider):
        return None
    of_accounts = [register, login, change_password] if has_accounts else []
    of_provider = openid_routes if has_provider else []
    return Router(
        "/auth",
        route_handlers=[*of_accounts, look_up_invitation, describe_invitation, refresh, logout, *of_provider],
        tags=["auth"],
    )
