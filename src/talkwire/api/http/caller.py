"""Who sends a request: `caller` is a dependency of every route that is not open to all."""

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
    """What identifies a request's sender."""

    async def provide_caller(request: Request[Any, Any, Any]) -> Caller:
        """By `Authorization: Bearer …` or `?token=`; by `?userId=` only where development sign-in is on, and not for
        pages of other origins: they could make a developer's browser send it, as they could not a token."""
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
    """The chat, for who has said who they are.

    That it is asked for behind the caller is quicker too: Litestar makes a task for each thing that it could ask for at
    once, and that takes longer than these answers.
    """

    def provide_chat(caller: GivenCaller) -> LimitedChat:  # noqa: ARG001 (asked for first)
        return chat

    return provide_chat
