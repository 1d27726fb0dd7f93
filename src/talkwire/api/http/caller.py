"""Authentication of REST requests: routes that need a signed-in user depend on `caller`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request

from talkwire.api.http.dependencies import GivenCaller
from talkwire.api.http.device import address_of
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.identity.address import is_forwarded
from talkwire.identity.callers import Caller, Callers, Credentials
from talkwire.identity.origins import OriginPolicy


def caller_provider(
    callers: Callers, trusted_proxies: frozenset[str], origins: OriginPolicy
) -> Callable[[Request[Any, Any, Any]], Awaitable[Caller]]:
    """Returns the provider of the dependency `caller`."""

    async def provide_caller(request: Request[Any, Any, Any]) -> Caller:
        """Identifies a request's user by `Authorization: Bearer …` or `?token=`. Where development sign-in is on,
        `?userId=` also works, but not from pages of other origins: they could make a developer's browser send it."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = request.query_params.get("token", "")
        is_own_page = origins.allows(request.headers.get("origin"), request.headers.get("host", ""))
        credentials = Credentials(
            token.strip() or None,
            request.query_params.get("userId") if is_own_page else None,
            is_forwarded(request.headers),
            address_of(request, trusted_proxies),
        )
        return await callers.identify(credentials)

    return provide_caller


def chat_provider(chat: LimitedChat) -> Callable[[Caller], LimitedChat]:
    """Returns the provider of the dependency `chat`, for routes that need a caller.

    The provider depends on `caller`, so both run one after the other. That is faster than Litestar's default, which
    starts a task for each independent dependency.
    """

    def provide_chat(caller: GivenCaller) -> LimitedChat:  # noqa: ARG001 (resolved first)
        return chat

    return provide_chat
