"""Assembles the REST application from its routes, dependencies and middleware."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec
from litestar import Litestar, Request, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.routes import BaseRoute
from litestar.types import ControllerRouterHandler, Scope

from talkwire.api.backend.events import list_log_events
from talkwire.api.description.docs import assets_router, asyncapi_json, openapi_config, openapi_json
from talkwire.api.description.openapi import NamedStructs
from talkwire.api.description.refusals import DescribeRefusals
from talkwire.api.dialects import ROUTES as DIALECT_ROUTES
from talkwire.api.http.caller import caller_provider
from talkwire.api.http.cross_origin import CrossOrigin
from talkwire.api.http.dependencies import GivenCaller
from talkwire.api.http.device import provide_device
from talkwire.api.http.errors import on_chat_error, on_http_error, on_unexpected_error, on_unreadable_body
from talkwire.api.http.idempotency import provide_key
from talkwire.api.http.json_request import JsonRequest, refuse_unstorable
from talkwire.api.http.methods import HeadAsGet, OwnOptions
from talkwire.api.page import DemoSignIn, demo_json, page_handlers
from talkwire.api.readiness import Readiness
from talkwire.api.resources.auth import auth_router
from talkwire.api.resources.blocks import blocks_router
from talkwire.api.resources.calls import calls_router
from talkwire.api.resources.conversations import conversations_router
from talkwire.api.resources.files import files_router
from talkwire.api.resources.integration.webhooks import webhooks_router
from talkwire.api.resources.invitations import invitations_router
from talkwire.api.resources.members import members_router
from talkwire.api.resources.messages import message_routes
from talkwire.api.resources.moderation import moderation_router
from talkwire.api.resources.notifications import PushKey, no_push_key, notifications_router, push_router
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
from talkwire.core.engine.log_watches import LogWatches
from talkwire.core.ports.webhooks import WebhookProbe
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import Dialect
from talkwire.egress import AddressRules, Egress
from talkwire.files.uploads import Uploads
from talkwire.identity.accounts import Accounts
from talkwire.identity.callers import Caller, Callers
from talkwire.identity.origins import OriginPolicy
from talkwire.storage.transfer.exporting import ExportReader

BODY_MAX = 256 * 1024
"""The maximum size of a request's body in bytes. The text of a message has a smaller limit."""

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

_SERVICES = "talkwire.services"
"""A key in an ASGI scope: the services of the server that received the request, by the names of their dependencies."""

_GIVEN = (
    "readiness",
    "accounts",
    "metrics",
    "trusted_proxies",
    "uploads",
    "watches",
    "export_reader",
    "ice_servers",
    "policy",
    "limits",
    "egress",
    "push_key",
    "dialects",
    "demo",
    "webhooks",
)
"""Attributes of `Services` that are dependencies of the same name."""

_KEPT = 8
"""The maximum number of sets of routes that are kept, for servers with other settings in the same process."""


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
    watches: LogWatches
    limits: Limits | None = None
    trusted_proxies: frozenset[str] = frozenset()
    dialects: tuple[Dialect, ...] = tuple(DIALECTS.values())
    """The dialects that are on."""

    ice_servers: tuple[IceServer, ...] = ()
    policy: AccessPolicy = field(default_factory=AccessPolicy)
    public_url: str | None = None
    egress: Egress = field(default_factory=lambda: Egress(AddressRules()))
    push_key: PushKey = no_push_key
    demo: DemoSignIn | None = None
    """What the web client at `/` shows before sign-in; None if this server has no web client."""
    webhooks: WebhookProbe | None = None
    """None where the routes are only described."""
    export_reader: ExportReader | None = None
    """Reads for exports; None where there are none, as for a description of the routes."""


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
            webhooks_router,
            conversations_router,
            members_router,
            moderation_router,
            blocks_router,
            offers_router,
            preferences_router,
            notifications_router,
            push_router,
            users_router,
            presence_router,
            list_presence,
            calls_router,
            files_router,
        ],
    )
    of_dialects = [route for name, routes in DIALECT_ROUTES.items() if name in dialects for route in routes]
    in_conversations = [mark_read, mark_unread, mark_delivered, list_receipts]
    return [api, *message_routes, *in_conversations, sync, list_log_events, search_messages, *of_dialects]


class RestApplication(CrossOrigin):
    """The ASGI application of all routes, and the list of its routes."""

    def __init__(self, routes: Litestar, services: Services, origins: OriginPolicy) -> None:
        super().__init__(HeadAsGet(_with_services(routes, services, origins)), origins, services.trusted_proxies)
        self.routes: Sequence[BaseRoute] = routes.routes


def rest_application(services: Services, *, version: str, origins: OriginPolicy, prefix: str = "") -> RestApplication:
    """Returns the application of all routes. The descriptions show the paths below `prefix`; the caller must remove the
    prefix from requests."""
    names = tuple(dialect.name for dialect in services.dialects if dialect.name in DIALECT_ROUTES)
    has_accounts = services.policy.accounts != "off"
    routes = _routes(names, version, prefix, has_accounts=has_accounts, has_page=services.demo is not None)
    return RestApplication(routes, services, origins)


@lru_cache(maxsize=_KEPT)
def _routes(names: tuple[str, ...], version: str, prefix: str, *, has_accounts: bool, has_page: bool) -> Litestar:
    """Returns Litestar's application of all routes.

    Litestar takes as long to build it as everything else takes to start a server. So servers in the same process share
    it: it contains nothing of a server, and finds the services in the scope of each request.
    """
    described = described_routes(names, has_accounts=has_accounts)
    pages = [*page_handlers(), demo_json] if has_page else []
    return Litestar(
        [*described, healthz, readyz, show_metrics, openapi_json, asyncapi_json, assets_router(), *pages],
        dependencies={
            **{name: Provide(_provider(name), sync_to_thread=False) for name in _GIVEN},
            "chat": Provide(_provide_chat, sync_to_thread=False),
            "site": Provide(_provide_site, sync_to_thread=False),
            "caller": Provide(_provide_caller),
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


def _with_services(application: Litestar, services: Services, origins: OriginPolicy) -> AsgiApp:
    """Returns an ASGI application that adds a server's services to the scope of each request."""
    given: Mapping[str, Any] = {
        **{name: getattr(services, name) for name in _GIVEN},
        "chat": LimitedChat(services.chat, services.limits, time.monotonic),
        "site": site_provider(services.public_url, services.trusted_proxies),
        "caller": caller_provider(services.callers, services.trusted_proxies, origins),
    }

    def serve(scope: Any, receive: Any, send: Any) -> Awaitable[None]:  # noqa: ANN401 (ASGI)
        scope[_SERVICES] = given
        return application(scope, receive, send)

    return serve


def _provider(name: str) -> Callable[[Scope], Any]:
    """Returns the provider of a dependency that is a service."""

    def provide(scope: Scope) -> Any:  # noqa: ANN401 (of any type)
        return _services_of(scope)[name]

    return provide


def _provide_chat(caller: GivenCaller, scope: Scope) -> LimitedChat:  # noqa: ARG001 (resolved first)
    """Returns the chat, for routes that need a caller.

    The provider depends on `caller`, so both run one after the other. That is faster than Litestar's default, which
    starts a task for each independent dependency.
    """
    chat: LimitedChat = _services_of(scope)["chat"]
    return chat


def _provide_site(request: Request[Any, Any, Any]) -> str:
    site: str = _services_of(request.scope)["site"](request)
    return site


async def _provide_caller(request: Request[Any, Any, Any]) -> Caller:
    caller: Caller = await _services_of(request.scope)["caller"](request)
    return caller


def _services_of(scope: Any) -> Mapping[str, Any]:  # noqa: ANN401 (ASGI)
    services: Mapping[str, Any] = scope[_SERVICES]
    return services
