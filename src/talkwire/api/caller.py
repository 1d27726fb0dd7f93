"""Who sends a request: `caller` is a dependency of every route that is not open to all."""

from __future__ import annotations

from typing import Any

from litestar import Request

from talkwire.api.dependencies import GivenCallers
from talkwire.api.device import GivenTrustedProxies, address_of
from talkwire.identity.address import is_forwarded
from talkwire.identity.callers import Caller, Credentials


async def provide_caller(
    request: Request[Any, Any, Any], callers: GivenCallers, trusted_proxies: GivenTrustedProxies
) -> Caller:
    """By `Authorization: Bearer …` or `?token=`; by `?userId=` only where development sign-in is on."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = request.query_params.get("token", "")
    credentials = Credentials(
        token.strip() or None,
        request.query_params.get("userId"),
        is_forwarded(request.headers),
        address_of(request, trusted_proxies),
    )
    return await callers.identify(credentials)
