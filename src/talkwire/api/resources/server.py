"""The route `GET /api/v1/server`: properties of the server that clients need before anyone signs in."""

from __future__ import annotations

import msgspec
from litestar import get

from talkwire.api.http.dependencies import GivenMaybeProvider, GivenPolicy
from talkwire.api.page import LOGO_PATH, GivenPageOptions
from talkwire.core.domain.access_policy import Accounts, WebSignIn


class ProviderAnswer(msgspec.Struct, frozen=True):
    """The OpenID provider with which people sign in: `name` is its name for display. `GET /api/v1/auth/oidc` redirects
    to it."""

    name: str


class ServerAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """Properties of the server. `accounts` says who may register with e-mail and password: anyone (`open`), people with
    an invitation (`invite`), or no one (`off`: the server has no accounts). `webSignIn`: how people sign in to the web
    client. `embedOrigins`: the origins whose pages may show the web client in a frame; `self` is the server's own.
    `name`, `description` and `logo` (a path on the server): the operator's settings for the web client, null if not
    set. `offers`: whether the web client shows offers; `offerCurrency`: the currency that it suggests first. `oidc`:
    null without an OpenID provider."""

    accounts: Accounts
    web_sign_in: WebSignIn
    embed_origins: tuple[str, ...]
    name: str
    description: str | None
    logo: str | None
    offers: bool
    offer_currency: str
    oidc: ProviderAnswer | None


@get("/server", tags=["auth"], summary="Get the server's name, its ways to sign in, and its features", security=[])
async def describe_server(
    policy: GivenPolicy, page_options: GivenPageOptions, openid: GivenMaybeProvider
) -> ServerAnswer:
    return ServerAnswer(
        accounts=policy.accounts,
        web_sign_in=page_options.sign_in,
        embed_origins=page_options.embed_origins,
        name=page_options.name,
        description=page_options.description,
        logo=None if page_options.logo is None else LOGO_PATH,
        offers=page_options.offers,
        offer_currency=page_options.offer_currency,
        oidc=None if openid is None else ProviderAnswer(openid.name),
    )
