"""The composition root: lists the parts of a node and connects them. `composition/` builds each part."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import Any

import structlog
from prometheus_client import generate_latest

from talkwire.api.http.fencing import FencedApp
from talkwire.api.http.own_paths import OwnPaths, route_by_path
from talkwire.api.readiness import Readiness, ReadinessMetrics
from talkwire.api.rest import RestApplication, Services, rest_application
from talkwire.api.user_exports import UserExports
from talkwire.composition.admission import (
    accounts_of,
    callers_of,
    http_limits,
    limits_of,
    note_missing_admin,
    openid_sign_in,
    origins_of,
    token_verifier,
)
from talkwire.composition.bus import bus_of, redis_of
from talkwire.composition.console import start_console
from talkwire.composition.erasing import finish_erasures
from talkwire.composition.foundation import Foundation, lock_data, open_database, start_chat
from talkwire.composition.link_previews import preview_links
from talkwire.composition.log_followers import apply_retention, fire_timers, follow_log, index_keys
from talkwire.composition.metrics import registry_of
from talkwire.composition.nodes import join_nodes, take_lease
from talkwire.composition.outgoing import callbacks_of, start_webhooks
from talkwire.composition.page import demo_people, demo_sign_in, page_options, start_assistant
from talkwire.composition.push_sending import push_rules, start_pushes
from talkwire.composition.sockets import (
    add_namespaces,
    deliver_events,
    recover_sockets,
    socket_server,
    watch_log,
    watch_streams,
)
from talkwire.composition.teams import finish_team_changes
from talkwire.control import ControlEndpoint, with_control
from talkwire.core.clock import now_ms
from talkwire.core.domain.ice_servers import parse_ice_server
from talkwire.core.domain.log.announced import OF_ONE_CONVERSATION
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.hooks import Hooks
from talkwire.core.engine.observers import Observers
from talkwire.core.signals.signals import OF_A_CONVERSATION
from talkwire.datafolder import prepare_folder
from talkwire.demo import Person
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import Dialect
from talkwire.egress import EgressThread
from talkwire.identity.accounts import Accounts
from talkwire.identity.callers import Callers
from talkwire.identity.passwords import Passwords
from talkwire.identity.tokens import TokenPolicy
from talkwire.observability.stall_watch import StallWatch
from talkwire.realtime.chat.connection_metrics import ConnectionMetrics
from talkwire.realtime.chat.custom_handlers import CustomHandlers
from talkwire.realtime.chat.news_metrics import EventSourceMetrics
from talkwire.realtime.chat.services import NamespaceServices
from talkwire.realtime.clients.connected_devices import ConnectedDevices
from talkwire.realtime.clients.user_sockets import UserSockets
from talkwire.realtime.delivery.offline_delivery import OfflineDelivery
from talkwire.realtime.delivery.rooms import Rooms
from talkwire.realtime.http.client_bundle import ClientBundle
from talkwire.realtime.recovery.recovery import recovery_key
from talkwire.realtime.serving.node_listener import NodeListener
from talkwire.realtime.serving.server import Server, with_engine
from talkwire.realtime.socketio.socket_server import SocketServer
from talkwire.receipt_keys import ReceiptKeys
from talkwire.settings import Settings
from talkwire.settings.keys import token_policy
from talkwire.settings.policy import access_policy, served_dialects
from talkwire.storage.health import WriteProbe
from talkwire.storage.transfer.exporting import ExportReader
from talkwire.storage.transfer.sqlite_file import copy_file

_logger = structlog.get_logger(__name__)

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Embedding:
    """The functions of an application that embeds Talkwire: hooks before commands, observers of events, handlers of
    custom events; and the application's own ASGI application, which serves all paths that are not the chat's.
    """

    hooks: Hooks = field(default_factory=Hooks)
    observers: Observers = field(default_factory=Observers)
    handlers: CustomHandlers = field(default_factory=CustomHandlers)
    application: AsgiApp | None = None


class Node:
    """One chat server process. The attributes `chat`, `accounts`, `app` and `engine` exist only after `start`.

    `dialects` (event vocabularies of client applications) are served beside the built-in ones, each in its own
    namespace. Raises ValueError for a dialect whose name is taken. `embedding` holds the embedding application's
    functions.
    """

    chat: Chat
    accounts: Accounts
    app: AsgiApp
    engine: SocketServer

    ends_stalled_process = False
    """Whether the process may be ended when its event loop stands still (the setting `stall_exit_s`). Only the command
    `serve` sets it: the process of an embedding program is not the node's to end."""

    def __init__(
        self, settings: Settings, dialects: Sequence[Dialect] = (), embedding: Embedding | None = None
    ) -> None:
        self.settings = settings
        self.policy = access_policy(settings)
        self._embedding = embedding or Embedding()
        self._further_dialects = {dialect.name: dialect for dialect in dialects}
        if taken := DIALECTS.keys() & self._further_dialects:
            raise ValueError(f"there is a dialect {min(taken)} already")
        self.internal: NodeListener | None = None
        self._closing = contextlib.AsyncExitStack()
        """Stack that stops everything that was started, in reverse order."""

    async def start(self) -> None:
        """Opens and migrates the database, and starts all parts of the node.

        Raises SettingsError, DataFolderError, OSError, SQLAlchemyError, NewerTablesError if a newer version of Talkwire
        created the tables, or UnsuitableDatabaseError if PostgreSQL cannot be used as it is. Everything that was
        started is stopped then.
        """
        prepare_folder(self.settings.data)
        policy = token_policy(self.settings)
        stall_watch = StallWatch(self.settings.stall_exit_s if self.ends_stalled_process else 0.0)
        async with contextlib.AsyncExitStack() as closing:
            await self._start(policy, stall_watch, closing)
            await self.chat.lease.begin_serving()
            # Not before: the routes are built on the event loop, which takes seconds on a slow machine.
            stall_watch.start()
            closing.callback(stall_watch.stop)
            self._closing = closing.pop_all()
        _logger.info("started", version=version("talkwire"), node_id=self.chat.node_id)

    async def stop(self) -> None:
        """Stops all parts of the node: executes the queued commands first, and closes the database last."""
        await self._closing.aclose()
        _logger.info("stopped", node_id=self.chat.node_id)

    @contextlib.asynccontextmanager
    async def started(self) -> AsyncIterator[Node]:
        """Starts the node, yields it, and stops it at the end."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    def server(self, kind: type[Server] = Server) -> Server:
        """Returns a new HTTP and WebSocket server, an instance of `kind`, that serves this node. The node must be
        started.
        """
        has_application = self._embedding.application is not None
        return kind(
            self.engine,
            self.app,
            drain_s=self.settings.drain_window_s,
            on_shutdown=self.files.uploads.stop_waiting,
            beside=has_application,
            internal=self.internal,
            limits=http_limits(self.settings),
        )

    def serves(self, path: str) -> bool:
        """Returns whether the chat serves this URL path. Without an embedding application, the chat serves every path;
        otherwise the application serves all paths that are not the chat's.
        """
        return self.engine.serves(path) or self._embedding.application is None or self._paths.within(path) is not None

    def announce_url(self, url: str) -> None:
        """Writes the server's URL into the lock file of the SQLite database, so that command-line tools on this machine
        can send their commands to the server. Does nothing on PostgreSQL, which has no lock file.
        """
        if self._lock is not None:
            self._lock.announce(url)

    async def metrics(self) -> bytes:
        """Returns the node's metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    @property
    def dialects(self) -> list[Dialect]:
        """The dialects (event vocabularies of client applications) that this node serves: the configured or all
        built-in ones, and further ones of the embedding application.
        """
        return [*(DIALECTS[name] for name in served_dialects(self.settings)), *self._further_dialects.values()]

    async def _start(self, policy: TokenPolicy, stall_watch: StallWatch, closing: contextlib.AsyncExitStack) -> None:
        settings, embedding = self.settings, self._embedding
        self._lock = await lock_data(settings, closing)
        egress_thread = EgressThread()
        closing.push_async_callback(asyncio.to_thread, egress_thread.close)
        verifier = token_verifier(policy, egress_thread, closing)
        passwords = Passwords()
        closing.callback(passwords.close)
        database = await open_database(settings, closing)
        people = await demo_people(settings, database, passwords)
        redis = redis_of(settings, closing)
        callbacks = callbacks_of(settings, egress_thread, embedding.hooks, closing)

        bus = bus_of(settings, database, redis)
        foundation = await start_chat(settings, database, bus, embedding.hooks, closing)
        chat = self.chat = foundation.chat
        self.files = foundation.files
        for_nodes = await take_lease(foundation, lambda: embedding.observers.want_any(OF_A_CONVERSATION))

        pushes = start_pushes(foundation, egress_thread)
        followers = follow_log(foundation, pushes.is_device_here, pushes.sender.wake)
        timers = fire_timers(foundation)
        apply_retention(foundation)
        index_keys(foundation)
        self.webhooks = await start_webhooks(foundation, egress_thread)
        export_reader = ExportReader(database.url)
        closing.push_async_callback(asyncio.to_thread, export_reader.close)
        self.limits = limits_of(foundation, redis)
        self.accounts = accounts_of(foundation, passwords, policy.secret, self.limits)
        await note_missing_admin(foundation)
        self.files.start()
        closing.push_async_callback(self.files.close)
        previews = [preview_links(foundation, egress_thread)] if settings.link_previews else []
        self._start_tasks(foundation, people)

        origins = origins_of(settings)
        key = await recovery_key(chat)
        callers = callers_of(foundation, verifier, self.limits, callbacks, key)
        engine = self.engine = socket_server(foundation, origins, self.limits)
        # With `*`, a page of any origin could connect with its visitor's cookies.
        engine.keeps_cookies = callbacks is not None and callbacks.connect is not None and not origins.allows_all
        self._serve_sockets(foundation, callers, pushes.devices, key)

        readiness = self._readiness(foundation)
        collectors = [
            engine.metrics,
            ConnectionMetrics(engine),
            *([] if callbacks is None else [callbacks.metrics]),
            ReadinessMetrics(readiness),
            stall_watch,
            self.webhooks.metrics,
            pushes.metrics,
            *previews,
            EventSourceMetrics(chat.bus, chat.feed, chat.peers),
            timers,
        ]
        self._registry = registry_of(foundation, self.limits, followers, collectors)
        # Without a prefix, the web client's path belongs to an embedding application.
        has_page = embedding.application is None or bool(settings.prefix)
        services = Services(
            chat=chat,
            accounts=self.accounts,
            callers=callers,
            metrics=self.metrics,
            uploads=self.files.uploads,
            readiness=readiness,
            watches=watch_log(chat, engine),
            stream_watches=watch_streams(chat, engine),
            receipt_keys=ReceiptKeys(chat),
            limits=self.limits,
            outcomes=foundation.counts.outcomes,
            requests=foundation.counts.requests,
            tracer=foundation.counts.tracer,
            trusted_proxies=frozenset(settings.trusted_proxies),
            dialects=tuple(self.dialects),
            ice_servers=tuple(map(parse_ice_server, settings.ice_servers)),
            policy=self.policy,
            public_url=settings.public_url,
            check_push_url=push_rules(settings).check_url,
            push_key=pushes.key,
            demo=demo_sign_in(settings, people) if has_page else None,
            page_options=page_options(settings),
            webhooks=self.webhooks,
            exports=UserExports(export_reader.read, self.files.uploads.store, self.limits),
            console=start_console(foundation, engine, self.limits, pushes.metrics),
            openid=openid_sign_in(foundation, self.accounts, policy.secret, egress_thread),
        )
        rest = rest_application(services, version=version("talkwire"), origins=origins, prefix=settings.prefix)
        if for_nodes is not None:
            self.internal = join_nodes(foundation, for_nodes, key, engine, rest)
        self.app = self._application(rest, callers)
        # Closed before everything else: ongoing signals announce their end while there is still a writer.
        closing.callback(chat.close)
        observers = embedding.observers
        chat.subscribe(observers.follow, needs_all=lambda: observers.want_any(OF_ONE_CONVERSATION))
        closing.push_async_callback(observers.close)

    @staticmethod
    def _start_tasks(foundation: Foundation, people: Sequence[Person]) -> None:
        """Starts the tasks that finish what commands have begun, and with people of the demo also its agent."""
        finish_erasures(foundation)
        finish_team_changes(foundation)
        if people:
            start_assistant(foundation)

    def _serve_sockets(self, foundation: Foundation, callers: Callers, devices: ConnectedDevices, key: bytes) -> None:
        """Adds a Socket.IO namespace for each dialect (a client application's event vocabulary) to the server, and
        starts the delivery of events to sockets.

        `key` is the secret that all nodes share; it signs the tokens with which clients resume a socket.
        """
        settings, chat, engine = self.settings, self.chat, self.engine
        self.user_sockets = UserSockets(engine.hub, chat.peers)
        rooms = Rooms(engine.hub, chat.signals.publish_room_change)
        offline = OfflineDelivery(chat, engine.hub, rooms, now_ms)
        namespaces = NamespaceServices(
            server=engine,
            chat=chat,
            callers=callers,
            rooms=rooms,
            offline=offline,
            devices=devices,
            limits=self.limits,
            outcomes=foundation.counts.outcomes,
            handlers=self._embedding.handlers,
            recovery=recover_sockets(foundation, engine, rooms, key),
            sockets_per_user=(settings.sockets_per_user or None) if settings.rate_limits else None,
        )
        add_namespaces(DIALECTS[settings.dialect], self.dialects, namespaces)
        deliver_events(foundation, engine, rooms, offline)

    def _readiness(self, foundation: Foundation) -> Readiness:
        """Returns the object that computes the response of `/readyz`. Its checks of database, writes, lease and
        draining decide whether this node is ready; the states of the bus and the webhooks are only reported.
        """
        return Readiness(
            self.chat.check,
            WriteProbe(foundation.writer).check,
            bus_disconnected=lambda: self.chat.bus.is_disconnected,
            lease_lost=lambda: self.engine.suspended or not self.chat.lease.held,
            draining=lambda: self.engine.draining,
            webhooks_stopped=lambda: self.webhooks.stopped,
        )

    def _application(self, rest: RestApplication, callers: Callers) -> AsgiApp:
        """Returns the node's ASGI application, which routes each path to Socket.IO, REST, the control endpoint or the
        embedding application.
        """
        settings, application = self.settings, self._embedding.application
        served: AsgiApp = rest if self.internal is None else FencedApp(rest, self.engine.is_fenced)
        self._paths = OwnPaths(rest.routes, settings.prefix)
        if application is not None or settings.prefix:
            served = route_by_path(served, self._paths, application)
        bundle = ClientBundle(self.engine.path) if settings.serve_client else None
        app = with_engine(self.engine, served, bundle)
        if self._lock is None:
            return app
        assert settings.sqlite_file is not None, "only SQLite has a lock"
        copy_database = partial(copy_file, settings.sqlite_file.absolute(), settings.data.absolute())
        token = self._lock.control_token
        endpoint = ControlEndpoint(self.chat, self.webhooks, callers.role_of, token, copy_database)
        return with_control(endpoint, app)
