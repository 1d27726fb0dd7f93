"""Assembles the REST application from its routes, their dependencies and the middleware."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec
from litestar import Litestar, Request, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.routes import BaseRoute
from litestar.types import ControllerRouterHandler, Scope

from talkwire.api.backend.events import list_log_events
from talkwire.api.description.docs import assets_routes, asyncapi_json, openapi_config, openapi_json
from talkwire.api.description.openapi import NamedStructs
from talkwire.api.description.refusals import DescribeRefusals
from talkwire.api.dialects import ROUTES as DIALECT_ROUTES
from talkwire.api.http.caller import caller_provider
from talkwire.api.http.cross_origin import CrossOrigin
from talkwire.api.http.dependencies import GivenCaller
from talkwire.api.http.device import provide_device
from talkwire.api.http.disconnect import EndAbandonedReads
from talkwire.api.http.errors import on_chat_error, on_http_error, on_unexpected_error, on_unreadable_body
from talkwire.api.http.idempotency import provide_key
from talkwire.api.http.json_request import BODY_MAX, JsonRequest, refuse_unstorable
from talkwire.api.http.methods import HeadAsGet, OwnOptions
from talkwire.api.http.query_names import QueryNames, refuse_unknown_parameters
from talkwire.api.http.request_log import RequestLog
from talkwire.api.message_streams.route import read_message_stream
from talkwire.api.operation_routes import routes_of
from talkwire.api.page import DemoSignIn, PageOptions, demo_json, page_handlers
from talkwire.api.readiness import Readiness
from talkwire.api.resources.admin.routes import admin_routes
from talkwire.api.resources.calls import calls_router
from talkwire.api.resources.cards import card_routes, show_receipt_keys
from talkwire.api.resources.conversations import (
    conversation_routes,
)
from talkwire.api.resources.files import files_router
from talkwire.api.resources.integration.webhooks import webhook_routes
from talkwire.api.resources.invitations import invitation_routes
from talkwire.api.resources.members import member_routes
from talkwire.api.resources.message_batches import send_messages
from talkwire.api.resources.messages import send_message, send_note
from talkwire.api.resources.notifications import PushKey, no_push_key, notification_routes, push_routes
from talkwire.api.resources.operations import healthz, readyz, show_metrics
from talkwire.api.resources.preferences import preferences_routes
from talkwire.api.resources.presence import presence_routes
from talkwire.api.resources.receipts import receipt_routes
from talkwire.api.resources.reports import decision_routes
from talkwire.api.resources.server import describe_server
from talkwire.api.resources.sign_in.auth import auth_router
from talkwire.api.resources.sync import sync_routes
from talkwire.api.resources.threads import thread_routes
from talkwire.api.resources.turns import turn_routes
from talkwire.api.resources.users import user_routes
from talkwire.api.site import site_provider
from talkwire.api.streamed_bodies.opening import provide_opening
from talkwire.api.streamed_bodies.route import stream_message
from talkwire.api.user_exports import UserExports
from talkwire.console.console import OperatorsConsole
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.ice_servers import IceServer
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.core.engine.limits import Limits
from talkwire.core.engine.log_watches import LogWatches
from talkwire.core.ports.webhooks import WebhookProbe
from talkwire.core.signals.streams.watches import StreamWatches
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import Dialect
from talkwire.egress import AddressRules
from talkwire.files.uploads import Uploads
from talkwire.identity.accounts import Accounts
from talkwire.identity.callers import Caller, Callers
from talkwire.identity.origins import OriginPolicy
from talkwire.observability.command_outcomes import CommandOutcomes
from talkwire.observability.request_metrics import RequestMetrics
from talkwire.observability.spans import Tracer
from talkwire.openid.sign_in import ProviderSignIn
from talkwire.operations.conversations import conversations
from talkwire.operations.desk import claims, notes, teams
from talkwire.operations.messages import messages, offers, ratings, saved, search, signals, streams, typing
from talkwire.operations.moderation import audit, reports, restrictions
from talkwire.operations.names import name_of_command
from talkwire.operations.users import blocks
from talkwire.receipt_keys import ReceiptKeys

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

_GIVEN = "talkwire.given"
"""Key in an ASGI scope of what `_Given` has for the server that received the request."""

_KEPT = 8
"""Most sets of routes that are kept, for servers with other settings in the same process."""


@dataclass(frozen=True, slots=True)
class Services:
    """The objects that the REST routes use, such as the chat, the accounts and the limits. Each server has its own."""

    chat: Chat
    accounts: Accounts
    callers: Callers
    metrics: Callable[[], Awaitable[bytes]]
    """Function that returns the metrics in the text format of Prometheus."""

    uploads: Uploads
    readiness: Readiness
    watches: LogWatches
    stream_watches: StreamWatches
    outcomes: CommandOutcomes = field(default_factory=lambda: CommandOutcomes(name_of_command))
    requests: RequestMetrics = field(default_factory=RequestMetrics)
    tracer: Tracer | None = None
    limits: Limits | None = None
    trusted_proxies: frozenset[str] = frozenset()
    dialects: tuple[Dialect, ...] = tuple(DIALECTS.values())
    """Dialects (client applications' vocabularies) that the operator has turned on."""

    ice_servers: tuple[IceServer, ...] = ()
    policy: AccessPolicy = field(default_factory=AccessPolicy)
    public_url: str | None = None
    check_push_url: Callable[[str], object] = AddressRules().check_url
    """Function that raises RefusedUrl for the address of a push service that the server may not reach."""

    push_key: PushKey = no_push_key
    demo: DemoSignIn | None = None
    """Description of what the web client at `/` shows before sign-in; None if this server has no web client."""
    page_options: PageOptions = field(default_factory=PageOptions)
    webhooks: WebhookProbe | None = None
    """Sender of test events to webhooks; None if the routes are only described in documents."""
    receipt_keys: ReceiptKeys | None = None
    """Signer of receipts of decisions; None if the routes are only described in documents."""
    console: OperatorsConsole | None = None
    """Collector of what the operators' console shows; None if the routes are only described in documents."""
    exports: UserExports | None = None
    """Service that begins exports of users' data; None if the routes are only described in documents."""
    openid: ProviderSignIn | None = None
    """Service that signs users in through the OpenID provider; None if there is no provider."""


@dataclass(frozen=True, slots=True)
class _Given:
    """The services of one server, and what is made of them once for all of its requests."""

    services: Services
    chat: LimitedChat
    site: Callable[[Request[Any, Any, Any]], str]
    """Returns the server's public address."""

    caller: Callable[[Request[Any, Any, Any]], Awaitable[Caller]]
    """Returns the user who sent the request."""


_SERVICES: Mapping[str, Callable[[Services], object]] = MappingProxyType(
    {
        "readiness": lambda services: services.readiness,
        "accounts": lambda services: services.accounts,
        "callers": lambda services: services.callers,
        "metrics": lambda services: services.metrics,
        "trusted_proxies": lambda services: services.trusted_proxies,
        "uploads": lambda services: services.uploads,
        "watches": lambda services: services.watches,
        "stream_watches": lambda services: services.stream_watches,
        "exports": lambda services: services.exports,
        "ice_servers": lambda services: services.ice_servers,
        "policy": lambda services: services.policy,
        "limits": lambda services: services.limits,
        "check_push_url": lambda services: services.check_push_url,
        "push_key": lambda services: services.push_key,
        "receipt_keys": lambda services: services.receipt_keys,
        "dialects": lambda services: services.dialects,
        "demo": lambda services: services.demo,
        "page_options": lambda services: services.page_options,
        "webhooks": lambda services: services.webhooks,
        "console": lambda services: services.console,
        "openid": lambda services: services.openid,
    }
)
"""Functions that return the services which Litestar passes to routes, by the name of the route function's parameter."""


def described_routes(
    dialects: Collection[str] = tuple(DIALECT_ROUTES), *, has_accounts: bool = True, has_provider: bool = True
) -> list[ControllerRouterHandler]:
    """Returns the routes that `/openapi.json` describes: the general routes, and the routes of the given dialects
    (client applications' APIs). `has_accounts` includes the routes of accounts with a password, `has_provider` those
    of the sign-in through an OpenID provider."""
    auth = auth_router(has_accounts=has_accounts, has_provider=has_provider)
    of_dialects = [route for name, routes in DIALECT_ROUTES.items() if name in dialects for route in routes]
    return [
        _api(
            *([] if auth is None else [auth]),
            describe_server,
        ),
        *invitation_routes,
        *webhook_routes,
        *admin_routes,
        *conversation_routes,
        *routes_of([messages.LIST_MESSAGES]),
        *routes_of(conversations.CONTENTS),
        *routes_of([typing.ROUTE, signals.SIGNAL]),
        *member_routes,
        *routes_of(teams.OPERATIONS),
        *routes_of(claims.OPERATIONS),
        *routes_of(notes.OPERATIONS, handlers={"POST /conversations/{conversation_id}/notes": send_note}),
        *routes_of(restrictions.OPERATIONS),
        *decision_routes,
        *routes_of(audit.OPERATIONS),
        *routes_of(blocks.OPERATIONS),
        *routes_of(offers.OPERATIONS),
        *preferences_routes,
        *notification_routes,
        *push_routes,
        *user_routes,
        *presence_routes,
        _api(
            calls_router,
            files_router,
        ),
        *routes_of(messages.TEXTS, handlers={"POST /messages": send_message}),
        stream_message,
        *routes_of(streams.OF_OPEN),
        read_message_stream,
        *thread_routes,
        *routes_of((*messages.MARKS, *saved.OPERATIONS, *ratings.OPERATIONS)),
        *card_routes,
        *turn_routes,
        send_messages,
        *routes_of([reports.REPORT_MESSAGE, reports.REPORT_OFFER]),
        *receipt_routes,
        *sync_routes,
        list_log_events,
        *routes_of(search.OPERATIONS),
        *of_dialects,
    ]


def _api(*handlers: ControllerRouterHandler) -> Router:
    return Router("/api/v1", route_handlers=handlers)


class RestApplication:
    """The ASGI application that serves all REST routes of a server. `routes` is the list of these routes."""

    def __init__(self, routes: Litestar, services: Services, origins: OriginPolicy, prefix: str = "") -> None:
        application = HeadAsGet(_with_services(routes, services, origins, prefix))
        served = EndAbandonedReads(CrossOrigin(application, origins, services.trusted_proxies))
        self._served = RequestLog(served, services.requests, services.tracer)
        self.routes: Sequence[BaseRoute] = routes.routes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        await self._served(scope, receive, send)


def rest_application(services: Services, *, version: str, origins: OriginPolicy, prefix: str = "") -> RestApplication:
    """Returns the ASGI application that serves all REST routes with the given services. `/openapi.json` shows the paths
    below `prefix`, but the caller must remove the prefix from requests."""
    names = tuple(dialect.name for dialect in services.dialects if dialect.name in DIALECT_ROUTES)
    routes = _routes(
        names,
        version,
        prefix,
        has_accounts=services.policy.accounts != "off",
        has_provider=services.openid is not None,
        has_page=services.demo is not None,
    )
    return RestApplication(routes, services, origins, prefix)


@lru_cache(maxsize=_KEPT)
def _routes(  # noqa: PLR0913 (what differs between servers)
    names: tuple[str, ...], version: str, prefix: str, *, has_accounts: bool, has_provider: bool, has_page: bool
) -> Litestar:
    """Returns the Litestar application of all routes: the dialects `names`, and optionally accounts, the OpenID
    provider and the web client. `version` is Talkwire's; clients see the paths below `prefix`.

    Cached, since building it takes as long as the rest of a server's start. Servers in one process share it, so each
    request finds the services of its server in the ASGI scope.
    """
    described = described_routes(names, has_accounts=has_accounts, has_provider=has_provider)
    pages = [*page_handlers(), demo_json] if has_page else []
    return Litestar(
        [
            *described,
            healthz,
            readyz,
            show_metrics,
            show_receipt_keys,
            openapi_json,
            asyncapi_json,
            *assets_routes(),
            *pages,
        ],
        dependencies={
            **{name: Provide(_provider(service), sync_to_thread=False) for name, service in _SERVICES.items()},
            "chat": Provide(_provide_chat, sync_to_thread=False),
            "site": Provide(_provide_site, sync_to_thread=False),
            "caller": Provide(_provide_caller),
            "device": Provide(provide_device),
            "key": Provide(provide_key),
            "opening": Provide(provide_opening),
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
        plugins=[NamedStructs(), DescribeRefusals(), OwnOptions(), QueryNames()],
        request_class=JsonRequest,
        before_request=_check_address,
        request_max_body_size=BODY_MAX,
        logging_config=None,
    )


def _with_services(application: Litestar, services: Services, origins: OriginPolicy, prefix: str) -> AsgiApp:
    """Returns an ASGI application that puts the services of one server into the scope of each request, and then calls
    `application`."""
    given = _Given(
        services,
        LimitedChat(services.chat, services.limits, time.monotonic, services.outcomes),
        site_provider(services.public_url, services.trusted_proxies, prefix),
        caller_provider(services.callers, services.trusted_proxies, origins),
    )

    def serve(scope: Any, receive: Any, send: Any) -> Awaitable[None]:  # noqa: ANN401 (ASGI)
        scope[_GIVEN] = given
        return application(scope, receive, send)

    return serve


def _check_address(request: Request[Any, Any, Any]) -> None:
    """Raises `invalid_request` for a path or query with characters that no database can store, and for query parameters
    that the route does not have."""
    refuse_unstorable(request)
    if request.scope["query_string"]:
        refuse_unknown_parameters(request)


def _provider(service: Callable[[Services], object]) -> Callable[[Scope], object]:
    """Returns a Litestar provider: a function that returns a service of the server that received the request."""

    def provide(scope: Scope) -> object:
        return service(_given_in(scope).services)

    return provide


def _provide_chat(caller: GivenCaller, scope: Scope) -> LimitedChat:  # noqa: ARG001 (resolved first)
    """Returns the chat with the limits of callers, for routes that need a signed-in user.

    The parameter `caller` is unused: it makes Litestar authenticate the user first. If the two were separate
    dependencies of a route, Litestar would start a task for each, which is slower.
    """
    return _given_in(scope).chat


def _provide_site(request: Request[Any, Any, Any]) -> str:
    return _given_in(request.scope).site(request)


async def _provide_caller(request: Request[Any, Any, Any]) -> Caller:
    return await _given_in(request.scope).caller(request)


def _given_in(scope: Any) -> _Given:  # noqa: ANN401 (ASGI)
    given: _Given = scope[_GIVEN]
    return given
