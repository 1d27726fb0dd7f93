"""Routes of `/api/v1/auth/oidc`: sign-in through an OpenID provider. A server without a provider does not have these
routes.

A browser follows the first two routes without a script, so both redirect to the web client, which also shows their
errors. No address ever contains a token: the browser gets the first refresh token as a cookie, which no script can
read, and the page exchanges the cookie for tokens (docs/decisions/0057-openid-connect.md).
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote, urlencode

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery, QueryParameter
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK, HTTP_302_FOUND

from talkwire.api.description.counterparts import executes
from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.bodies import SignedInAnswer, signed_in_answer
from talkwire.api.http.dependencies import GivenAccounts, GivenProviderSignIn
from talkwire.api.http.device import GivenDevice
from talkwire.api.http.query_names import ANY_QUERY
from talkwire.api.site import GivenSite
from talkwire.core.commands.accounts import OpenProviderLogin, RotateLogin
from talkwire.core.domain.errors import ChatError
from talkwire.identity.accounts import FIRST_REFRESH_S
from talkwire.openid.pending import LIFETIME_S, Destination
from talkwire.openid.sign_in import CALLBACK, Answer, SignInFailed
from talkwire.operations.operation import OWN

PLACE_MAX_LENGTH = 200
"""Longest place in the web client to which a sign-in leads back, in characters."""

# Relative, since a proxy may serve this server below a path of its own: both lead to the web client's page.
_PAGE_FROM_BEGIN = "../../../"
_PAGE_FROM_CALLBACK = "../../../../"

PlaceInChat = Annotated[str | None, QueryParameter(max_length=PLACE_MAX_LENGTH)]
State = Annotated[str | None, QueryParameter(name="state")]  # Litestar gives `state` itself another meaning


@get(
    "/oidc",
    status_code=HTTP_302_FOUND,
    operation_id="beginOpenIdSignIn",
    summary="Start a sign-in through the OpenID provider",
    description="For a browser: redirects to the provider, and at the end to the web client, which then shows the "
    "`conversation` and the `message`, and asks whether to accept the `invitation`. Proxies log the code in this "
    "address; the web client keeps it in the browser instead.",
    security=[],
)
async def begin_sign_in(  # noqa: PLR0913, PLR0917 (each is given by name)
    openid: GivenProviderSignIn,
    site: GivenSite,
    device: GivenDevice,
    conversation: PlaceInChat = None,
    message: PlaceInChat = None,
    invitation: PlaceInChat = None,
) -> Redirect:
    destination = Destination(conversation, message, invitation)
    try:
        url, sealed = await openid.begin(f"{site.rstrip('/')}{CALLBACK}", destination, device)
    except SignInFailed as failed:
        return _to_page(_PAGE_FROM_BEGIN, {"sign-in-problem": failed.reason})
    return Redirect(url, status_code=HTTP_302_FOUND, cookies=[_cookie(site, "pending", sealed, LIFETIME_S, "lax")])


@get(
    "/oidc/callback",
    status_code=HTTP_302_FOUND,
    operation_id="finishOpenIdSignIn",
    summary="Finish a sign-in through the OpenID provider",
    description="The redirect address to register at the provider. Redirects to the web client.",
    security=[],
    opt={ANY_QUERY: True, **executes(OpenProviderLogin, unaudited=OWN)},
)
async def finish_sign_in(  # noqa: PLR0913, PLR0917 (each is given by name)
    request: Request[Any, Any, Any],
    openid: GivenProviderSignIn,
    site: GivenSite,
    device: GivenDevice,
    of_sign_in: State = None,
    code: FromQuery[str | None] = None,
    error: FromQuery[str | None] = None,
    iss: FromQuery[str | None] = None,
) -> Redirect:
    sealed = request.cookies.get(_cookie_name(site, "pending"))
    used = _cookie(site, "pending", "", 0, "lax")
    try:
        refresh_token, destination = await openid.finish(Answer(of_sign_in, code, error, iss), sealed, device)
    except SignInFailed as failed:
        return _to_page(_PAGE_FROM_CALLBACK, {"sign-in-problem": failed.reason}, used)
    fragment = {
        "signed-in": "",
        "conversation": destination.conversation,
        "message": destination.message,
        "invite": destination.invitation,
    }
    signed_in = _cookie(site, "session", refresh_token, FIRST_REFRESH_S, "strict")
    return _to_page(_PAGE_FROM_CALLBACK, fragment, used, signed_in)


@post(
    "/oidc/session",
    status_code=HTTP_200_OK,
    operation_id="exchangeOpenIdSignIn",
    summary="Exchange the cookie of an OpenID sign-in for tokens",
    description="For the web client, within a minute of the sign-in and once.",
    opt={**may_refuse(401, 403), **executes(RotateLogin, unaudited=OWN)},
    security=[],
)
async def exchange_sign_in(
    request: Request[Any, Any, Any], accounts: GivenAccounts, site: GivenSite, device: GivenDevice
) -> Response[SignedInAnswer]:
    refresh_token = request.cookies.get(_cookie_name(site, "session"))
    if refresh_token is None:
        raise ChatError("unauthenticated", "This browser has no sign-in to exchange; sign in again.")
    answer = signed_in_answer(await accounts.refresh(refresh_token, device))
    return Response(answer, cookies=[_cookie(site, "session", "", 0, "strict")])


def _to_page(page: str, fragment: dict[str, str | None], *cookies: Cookie) -> Redirect:
    given = {name: value for name, value in fragment.items() if value is not None}
    shown = urlencode(given, quote_via=quote).replace("signed-in=", "signed-in")
    return Redirect(f"{page}#{shown}", status_code=HTTP_302_FOUND, cookies=list(cookies))


def _cookie_name(site: str, kind: str) -> str:
    """Returns the name of a cookie of the sign-in. `kind` is `pending` (the state of a sign-in at the provider) or
    `session` (the first refresh token), `site` is the server's public address. If that is https, the name begins with
    `__Host-`, so that browsers accept the cookie only over TLS and from this host."""
    return f"__Host-talkwire-{kind}" if site.startswith("https:") else f"talkwire-{kind}"


def _cookie(site: str, kind: str, value: str, max_age_s: int, same_site: str) -> Cookie:
    return Cookie(
        _cookie_name(site, kind),
        path="/",
        value=value,
        max_age=max_age_s,
        httponly=True,
        secure=site.startswith("https:"),
        samesite="strict" if same_site == "strict" else "lax",
    )


openid_routes = [begin_sign_in, finish_sign_in, exchange_sign_in]
