"""The REST application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler
from prometheus_client import CollectorRegistry

from talkwire.api.auth import auth_router
from talkwire.api.caller import provide_caller
from talkwire.api.conversations import conversations_router
from talkwire.api.cross_origin import CrossOrigin
from talkwire.api.docs import assets_router, openapi_config, openapi_json
from talkwire.api.errors import on_chat_error, on_http_error, on_unexpected_error, on_unreadable_body
from talkwire.api.messages import get_message, send_message
from talkwire.api.operations import healthz, metrics, readyz
from talkwire.api.users import users_router
from talkwire.core.chat import Chat
from talkwire.core.errors import ChatError
from talkwire.identity.accounts import Accounts
from talkwire.identity.callers import Callers
from talkwire.identity.origins import OriginPolicy

BODY_MAX = 256 * 1024
"""Bytes of a request's body; a message's text has a smaller limit of its own."""


@dataclass(frozen=True, slots=True)
class Services:
    """What routes are carried out by."""

    chat: Chat
    accounts: Accounts
    callers: Callers
    registry: CollectorRegistry


def rest_application(
    services: Services, *, version: str, origins: OriginPolicy, pages: Sequence[ControllerRouterHandler] = ()
) -> CrossOrigin:
    """All routes; `pages` are further ones, such as the web client's."""
    api = Router("/api/v1", route_handlers=[auth_router, conversations_router, users_router])
    routes = Litestar(
        [api, send_message, get_message, healthz, readyz, metrics, openapi_json, assets_router(), *pages],
        dependencies={
            "chat": _given(services.chat),
            "accounts": _given(services.accounts),
            "callers": _given(services.callers),
            "registry": _given(services.registry),
            "caller": Provide(provide_caller),
        },
        exception_handlers={
            ChatError: on_chat_error,
            HTTPException: on_http_error,
            RecursionError: on_unreadable_body,
            UnicodeDecodeError: on_unreadable_body,
            Exception: on_unexpected_error,
        },
        openapi_config=openapi_config(version),
        request_max_body_size=BODY_MAX,
        logging_config=None,
    )
    return CrossOrigin(routes, origins)


def _given(value: Any) -> Provide:  # noqa: ANN401 (of any type)
    return Provide(lambda: value, sync_to_thread=False)
