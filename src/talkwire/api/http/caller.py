"""Authenticates REST requests: a route that needs a signed-in user has the parameter `caller`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from math import inf
from typing import Annotated, Any, Final

from litestar import Request
from litestar.params import QueryParameter

from talkwire.api.http.device import address_of
from talkwire.api.site import is_over_tls
from talkwire.identity.address import is_forwarded
from talkwire.identity.address_tokens import Purpose
from talkwire.identity.callers import Caller, Callers, Credentials
from talkwire.identity.origins import OriginPolicy
from talkwire.identity.presented import presented_token

ActingUserId = Annotated[
    str | None,
    QueryParameter(name="senderId", description="The user who does this. Only callers with the role `service` set it"),
]
"""Parameter of routes without a body that names the user for whom the backend acts, like the member `senderId` in the
bodies of others."""

_PURPOSE: Final = "address_token"

ADDRESS = "caller_address"
"""Key in a request's state of its client's IP address."""

CALLER_USER_ID = "caller_user_id"
"""Key in a request's state of its user's id, once the user is known."""


def takes_address_token(purpose: Purpose) -> dict[str, object]:
    """Returns a value for `opt=` in the decorator of a GET route that browsers load by its address. The route then
    also accepts address tokens of this purpose."""
    return {_PURPOSE: purpose}


def caller_provider(
    callers: Callers, trusted_proxies: frozenset[str], origins: OriginPolicy
) -> Callable[[Request[Any, Any, Any]], Awaitable[Caller]]:
    """Returns Litestar's provider of the dependency `caller`: a function that authenticates the user of a request.
    `trusted_proxies` are the proxies whose `X-Forwarded-For` names the client; `origins` says which pages count as the
    server's own."""

    async def provide_caller(request: Request[Any, Any, Any]) -> Caller:
        """Returns the authenticated user of a request, whose token is in `Authorization: Bearer …` or `?token=`. Where
        development sign-in is on, `?userId=` also works, but not from pages of other origins, which could make a
        developer's browser send it. A route with `opt=takes_address_token(…)` also accepts an address token. Raises
        ChatError if the request has no valid token."""
        authorization = request.headers.get("authorization", "")
        request.state[ADDRESS] = address_of(request, trusted_proxies)
        origin = request.headers.get("origin")
        is_own_page = origins.allows(
            origin,
            request.headers.get("host", ""),
            over_tls=is_over_tls(request, trusted_proxies),
        )
        credentials = Credentials(
            presented_token(authorization=authorization, query=request.query_params.get("token")),
            request.query_params.get("userId") if is_own_page else None,
            is_forwarded(request.headers),
            request.state[ADDRESS],
            authorization=authorization or None,
            # A page of another origin could make its visitor's browser send the cookies.
            cookie=request.headers.get("cookie") if is_own_page and origins.trusts_cookies(origin) else None,
            one_request=True,
            purpose=request.route_handler.opt.get(_PURPOSE),
        )
        caller = await callers.identify(credentials)
        request.state[CALLER_USER_ID] = caller.actor.user_id
        return caller

    return provide_caller


def end_of(caller: Caller) -> float:
    """Returns when the caller's token expires, on the clock of the event loop in seconds; infinity if it does not
    expire."""
    expires_at = None if caller.identity is None else caller.identity.expires_at
    return inf if expires_at is None else asyncio.get_running_loop().time() + expires_at - time.time()
