"""Assembles the REST application from its routes, dependencies and middleware."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.routes import BaseRoute
from litestar.types import ControllerRouterHandler

from talkwire.api.description.docs import assets_router, openapi_config, openapi_json
from talkwire.api.description.openapi import NamedStructs
from talkwire.api.description.refusals import DescribeRefusals
from talkwire.api.dialects import ROUTES as DIALECT_ROUTES
from talkwire.api.http.caller import caller_provider, chat_provider
from talkwire.api.http.cross_origin import CrossOrigin
from talkwire.api.http.device import provide_device
from talkwire.api.http.errors import on_chat_error, on_http_error, on_unexpected_error, on_unreadable_body
from talkwire.api.http.idempotency import provide_key
from talkwire.api.http.json_request import JsonRequest, refuse_unstorable
from talkwire.api.http.methods import HeadAsGet, OwnOptions
from talkwire.api.readiness import Readiness
from talkwire.api.resources.auth import auth_router
from talkwire.api.resources.blocks import blocks_router
from talkwire.api.resources.calls import calls_router
from talkwire.api.resources.conversations import conversations_router
from talkwire.api.resources.files import files_router
from talkwire.api.resources.invitations import invitations_router
from talkwire.api.resources.members import members_router
from talkwire.api.resources.messages import message_routes
from talkwire.api.resources.moderation import moderation_router
from talkwire.api.resources.notifications import notifications_router
from talkwire.api.resources.offers import offers_router
from talkwire.api.resources.operations import healthz, readyz, show_metrics
from talkwire.api.resources.preferences import preferences_router
from talkwire.api.resources.presence import list_presence, presence_router
from talkwire.api.resources.receipts import list_receipts, mark_delivered, mark_read, mark_unread
from talkwire.api.resources.search import search_messages
from talkwire.api.resources.server import describe_server
from talkwire.api.resources.sync import sync
from talkwire.api.resources.users import users_router
from talkwire.api.site import site_provider
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.ice_servers import IceServer
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.core.engine.limits import Limits
from talkwire.files.uploads import Uploads
from talkwire.identity.accounts import Accounts
from talkwire.identity.callers import Callers
from talkwire.identity.origins import OriginPolicy

BODY_MAX = 256 * 1024
"""The maximum size of a request's body in bytes. The text of a message has a smaller limit."""


@dataclass(frozen=True, slots=True)
class Services:
    """The services that routes depend on."""

    chat: Chat
    accounts: Accounts
    callers: Callers
    metrics: Callable[[], Awaitable[bytes]]
    """Returns the metrics in the text format of Prometheus."""

    uploads: Uploads
    readiness: Readiness
    limits: Limits | None = None
    trusted_proxies: frozenset[str] = frozenset()
    dialects: tuple[str, ...] = tuple(DIALECT_ROUTES)
    """The names of the dialects that are on."""

    ice_servers: tuple[IceServer, ...] = ()
    policy: AccessPolicy = field(default_factory=AccessPolicy)
    public_url: str | None = None


def described_routes(
    dialects: Collection[str] = tuple(DIALECT_ROUTES), *, has_accounts: bool = True
) -> list[ControllerRouterHandler]:
    """Returns the routes that `/openapi.json` describes: the general ones, and those of the dialects that are on."""
    api = Router(
        "/api/v1",
        route_handlers=[
            *([auth_router] if has_accounts else []),
            describe_server,
            invitations_router,
            conversations_router,
            members_router,
            moderation_router,
            blocks_router,
            offers_router,
            preferences_router,
            notifications_router,
            users_router,
            presence_router,
            list_presence,
            calls_router,
            files_router,
        ],
    )
    of_dialects = [route for name, routes in DIALECT_ROUTES.items() if name in dialects for route in routes]
    in_conversations = [mark_read, mark_unread, mark_delivered, list_receipts]
    return [api, *message_routes, *in_conversations, sync, search_messages, *of_dialects]


class RestApplication(CrossOrigin):
    """The ASGI application of all routes, and the list of its routes."""

    def __init__(self, application: Litestar, origins: OriginPolicy, trusted_proxies: frozenset[str]) -> None:
        super().__init__(HeadAsGet(application), origins, trusted_proxies)
        self.routes: Sequence[BaseRoute] = application.routes


def rest_application(
    services: Services,
    *,
    version: str,
    origins: OriginPolicy,
    pages: Sequence[ControllerRouterHandler] = (),
    prefix: str = "",
) -> RestApplication:
    """Returns the application of all routes. `pages` are further routes, such as the web client's. The descriptions
    show the paths below `prefix`; the caller must remove the prefix from requests."""
    chat = LimitedChat(services.chat, services.limits, time.monotonic)
    described = described_routes(services.dialects, has_accounts=services.policy.accounts != "off")
    routes = Litestar(
        [*described, healthz, readyz, show_metrics, openapi_json, assets_router(), *pages],
        dependencies={
            "chat": Provide(chat_provider(chat), sync_to_thread=False),
            "readiness": _given(services.readiness),
            "accounts": _given(services.accounts),
            "metrics": _given(services.metrics),
            "trusted_proxies": _given(services.trusted_proxies),
            "uploads": _given(services.uploads),
            "ice_servers": _given(services.ice_servers),
            "policy": _given(services.policy),
            "limits": _given(services.limits),
            "site": Provide(site_provider(services.public_url, services.trusted_proxies), sync_to_thread=False),
            "caller": Provide(caller_provider(services.callers, services.trusted_proxies, origins)),
            "device": Provide(provide_device),
            "key": Provide(provide_key),
        },
        exception_handlers={
            ChatError: on_chat_error,
            HTTPException: on_http_error,
            RecursionError: on_unreadable_body,
            UnicodeDecodeError: on_unreadable_body,
            msgspec.DecodeError: on_unreadable_body,
            Exception: on_unexpected_error,
        },
        openapi_config=openapi_config(version, prefix),
        plugins=[NamedStructs(), DescribeRefusals(), OwnOptions()],
        request_class=JsonRequest,
        before_request=refuse_unstorable,
        request_max_body_size=BODY_MAX,
        logging_config=None,
    )
    return RestApplication(routes, origins, services.trusted_proxies)


def _given(value: Any) -> Provide:  # noqa: ANN401 (of any type)
    return Provide(lambda: value, sync_to_thread=False)
