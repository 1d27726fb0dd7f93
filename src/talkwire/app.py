"""The composition root: the only module that names concrete stores and buses, and connects all parts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Dialect as DatabaseDialect
from sqlalchemy import Engine
from sqlalchemy.engine import URL

from talkwire import demo
from talkwire.api.http.fencing import FencedApp
from talkwire.api.http.own_paths import FILES, OwnPaths, route_by_path
from talkwire.api.page import DemoSignIn, DemoUser
from talkwire.api.readiness import Readiness, ReadinessMetrics
from talkwire.api.rest import Services, rest_application
from talkwire.bus.carried import TransportBus
from talkwire.bus.seal import Realm
from talkwire.callbacks.application_callbacks import ApplicationCallbacks
from talkwire.callbacks.client import RESPONSE_MIN_MAX, CallbackOptions
from talkwire.control import ControlEndpoint, with_control
from talkwire.core.cluster.lease import RENEWALS
from talkwire.core.commands.receipts import MarkDelivered
from talkwire.core.commands.server.nodes import ListPeers
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.events import DurableEvent, News
from talkwire.core.domain.ice_servers import parse_ice_server
from talkwire.core.domain.model import Actor
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.command_table import CHANGES
from talkwire.core.engine.eraser import Eraser
from talkwire.core.engine.hooks import Hooks
from talkwire.core.engine.limits import Kind, Limits, address_key, parse_rates
from talkwire.core.engine.listeners import Stage
from talkwire.core.engine.live_notifications import LiveNotifications
from talkwire.core.engine.live_unread import LiveUnread
from talkwire.core.engine.log_watches import LogWatches
from talkwire.core.engine.observers import Observers
from talkwire.core.engine.offer_expiry import OfferExpiry
from talkwire.core.engine.pruner import ConversationPruner, Pruner
from talkwire.core.ports.bus import Bus, NoBus
from talkwire.core.signals.signals import SignalOptions
from talkwire.datafolder import FolderLock, prepare_folder
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import Dialect
from talkwire.egress import Egress, EgressLimits
from talkwire.files.byte_store import ByteStore
from talkwire.files.service import FINISHED_FOLDER, FileService
from talkwire.files.uploads import UploadLimits
from talkwire.identity.accounts import Accounts, Lifetimes
from talkwire.identity.callers import Callers
from talkwire.identity.issuer import TokenIssuer
from talkwire.identity.origins import OriginPolicy
from talkwire.identity.passwords import Passwords
from talkwire.identity.tokens import TokenPolicy, TokenVerifier
from talkwire.push.delivery import REQUEST_S, PushDelivery
from talkwire.push.push_metrics import PushMetrics
from talkwire.push.sender import JOBS_MAX, PushSender
from talkwire.push.vapid import VapidKeys
from talkwire.realtime.chat.chat_namespace import ChatNamespace, end_socket
from talkwire.realtime.chat.custom_handlers import CustomHandlers
from talkwire.realtime.chat.fencing import fence
from talkwire.realtime.chat.news_metrics import EventSourceMetrics
from talkwire.realtime.chat.services import NamespaceServices
from talkwire.realtime.clients.connected_devices import ConnectedDevices
from talkwire.realtime.clients.connected_elsewhere import ConnectedElsewhere
from talkwire.realtime.clients.recovery_token import RecoveryTokenSigner
from talkwire.realtime.clients.user_sockets import UserSockets
from talkwire.realtime.delivery.delivery_proofs import DeliveryProofs, recipients_in
from talkwire.realtime.delivery.event_delivery import EventDelivery
from talkwire.realtime.delivery.offline_delivery import OfflineDelivery
from talkwire.realtime.delivery.rooms import Rooms
from talkwire.realtime.delivery.signal_delivery import SignalDelivery
from talkwire.realtime.forwarding.file_forwarding import FileForwarding
from talkwire.realtime.forwarding.forwarder import Forwarder
from talkwire.realtime.forwarding.peer_auth import PeerAuth
from talkwire.realtime.forwarding.session_owners import SessionOwners
from talkwire.realtime.forwarding.stored_files import StoredFiles
from talkwire.realtime.http.client_bundle import ClientBundle
from talkwire.realtime.http.http_limits import HttpLimits
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.recovery.event_ring import EventRing
from talkwire.realtime.recovery.recovery import Recovery, RecoveryOptions, recovery_key
from talkwire.realtime.serving.node_listener import LOOPBACK, NodeListener, address_of, host_towards
from talkwire.realtime.serving.server import Server, listen, with_engine
from talkwire.realtime.socketio.socket_server import SocketServer
from talkwire.settings import Settings
from talkwire.settings.addresses import is_loopback
from talkwire.settings.callbacks import address_rules, callback_secret, callback_urls
from talkwire.settings.keys import token_policy
from talkwire.settings.policy import access_policy
from talkwire.storage.engine import database_url, reading_engine, sqlite_url, writing_engine
from talkwire.storage.followers.follower import Follower, FollowerWork
from talkwire.storage.followers.offline_notifications import OfflineNotifications
from talkwire.storage.followers.pace import Pace
from talkwire.storage.followers.statistics import YoungStatistics
from talkwire.storage.followers.webhook_progress import WebhookStore
from talkwire.storage.health import FileWatch, WriteProbe
from talkwire.storage.leases import LeaseKeeper, own_transactions
from talkwire.storage.lineage import adopt_log, identify
from talkwire.storage.messages.retention import DeletedConversations
from talkwire.storage.messages.search import MessageIndex
from talkwire.storage.migrations import migrate
from talkwire.storage.notifying.pushes import PushDevice
from talkwire.storage.reader import READERS, ReaderPool
from talkwire.storage.scrub import RunningScrub
from talkwire.storage.transfer.exporting import ExportReader
from talkwire.storage.transfer.sqlite_file import copy_file
from talkwire.storage.writer import GroupWriter
from talkwire.webhooks.service import CHECK_S, WebhookService
from talkwire.wire import EngineOptions

if TYPE_CHECKING:
    from redis.asyncio import Redis

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared, not bound)
POSTGRESQL_PORT = 5432

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Embedding:
    """The embedding application's functions: hooks before commands, observers of events, handlers of custom events; and
    its own ASGI application for all other paths.
    """

    hooks: Hooks = field(default_factory=Hooks)
    observers: Observers = field(default_factory=Observers)
    handlers: CustomHandlers = field(default_factory=CustomHandlers)
    application: AsgiApp | None = None


class Node:
    """A chat server. `start` opens its database; before that it has nothing but settings.

    `dialects` are served beside the built-in ones, each in its own namespace. Raises ValueError for a dialect whose
    name is taken. `embedding` holds the embedding application's functions.
    """

    chat: Chat
    accounts: Accounts
    app: AsgiApp
    engine: SocketServer

    def __init__(
        self, settings: Settings, dialects: Sequence[Dialect] = (), embedding: Embedding | None = None
    ) -> None:
        self.settings = settings
        self.policy = access_policy(settings)
        self._embedding = embedding or Embedding()
        self._further_dialects = {dialect.name: dialect for dialect in dialects}
        if taken := DIALECTS.keys() & self._further_dialects:
            raise ValueError(f"there is a dialect {min(taken)} already")
        self._lock: FolderLock | None = None
        self._internal_socket: socket.socket | None = None
        self.internal: NodeListener | None = None
        self._demo_people: Sequence[demo.Person] = ()
        self._closing = contextlib.AsyncExitStack()
        """Stops everything that was started, in reverse order."""

    async def start(self) -> None:
        """Opens and migrates the database and starts the writer. Raises OSError or SQLAlchemyError, after undoing all
        of it.
        """
        prepare_folder(self.settings.data)
        policy = token_policy(self.settings)
        async with contextlib.AsyncExitStack() as closing:
            await self._start(policy, closing)
            self._closing = closing.pop_all()

    async def stop(self) -> None:
        """Executes the queued commands and closes the database."""
        await self._closing.aclose()

    async def _start(self, policy: TokenPolicy, closing: contextlib.AsyncExitStack) -> None:
        settings = self.settings
        if settings.lock_file is not None:
            self._lock = await asyncio.to_thread(FolderLock.acquire, settings.lock_file)
            closing.callback(self._lock.release)
        if settings.folder_lock_file is not None:
            folder_lock = await asyncio.to_thread(FolderLock.acquire, settings.folder_lock_file)
            closing.callback(folder_lock.release)
        self._verifier = TokenVerifier(policy)
        closing.push_async_callback(self._verifier.aclose)
        self._passwords = Passwords()
        closing.callback(self._passwords.close)
        file = settings.sqlite_file
        url = database_url(settings.database or "") if file is None else sqlite_url(file)
        writing = writing_engine(url)
        closing.callback(writing.dispose)
        await asyncio.to_thread(migrate, writing)
        await asyncio.to_thread(adopt_log, writing)
        self._realm = Realm(*await asyncio.to_thread(identify, writing))
        if settings.demo:
            store = ByteStore(settings.files or settings.data / FINISHED_FOLDER)
            self._demo_people = demo.PEOPLE if await demo.fill_empty(url, store, self._passwords) else ()
        self._redis = None if settings.redis is None else _connected_redis(settings.redis, closing)
        self.egress = Egress(address_rules(settings))
        closing.callback(self.egress.close)
        self._callbacks = self._application_callbacks(closing) if settings.callbacks else None
        await self._start_chat(writing, url, closing)
        self._follow_log(writing.dialect, url, closing)
        await self._start_webhooks(url, closing)
        self._export_reader = ExportReader(url)
        closing.push_async_callback(asyncio.to_thread, self._export_reader.close)
        secret = policy.secret
        issuer = None if secret is None else TokenIssuer(secret)
        lifetimes = Lifetimes(settings.access_token_ttl.total_seconds(), settings.refresh_token_ttl.total_seconds())
        self.limits = self._limits(closing) if settings.rate_limits else None
        invited_only = self.policy.accounts == "invite"
        self.accounts = Accounts(self.chat, self._passwords, issuer, lifetimes, self.limits, invited_only=invited_only)
        self.files.start()
        closing.push_async_callback(self.files.close)
        self._finish_erasures(closing)
        self._recovery_key = await recovery_key(self.chat)
        self._serve_realtime_and_rest(closing)
        # Closed before everything else: ongoing signals announce their end while there is still a writer.
        closing.callback(self.chat.close)
        self.chat.subscribe(self._embedding.observers.follow)
        closing.push_async_callback(self._embedding.observers.close)

    def _application_callbacks(self, closing: contextlib.AsyncExitStack) -> ApplicationCallbacks:
        """Returns the callbacks of the settings, which run as hooks from now on."""
        settings = self.settings
        options = CallbackOptions(
            urls=callback_urls(settings),
            secret=callback_secret(settings),
            timeout_s=settings.callback_timeout_s,
            on_failure=settings.callback_on_failure,
            response_max=max(RESPONSE_MIN_MAX, settings.max_payload),
        )
        callbacks = ApplicationCallbacks(self.egress, options, self._embedding.hooks)
        closing.push_async_callback(callbacks.aclose)
        return callbacks

    def _limits(self, closing: contextlib.AsyncExitStack) -> Limits:
        """Returns this node's rate limits, which share their buckets with other nodes if there is a Redis."""
        limits = Limits(parse_rates(self.settings.rates), shared=self._redis is not None)
        if self._redis is not None:
            from talkwire.bus.shared_limits import SharedLimits  # noqa: PLC0415 (needs the package of an extra)

            sharing = asyncio.create_task(SharedLimits(self._redis, limits, self._realm.name(self.chat.epoch)).run())
            closing.callback(sharing.cancel)
        return limits

    async def _start_chat(self, writing: Engine, url: URL, closing: contextlib.AsyncExitStack) -> None:
        settings = self.settings
        alone = not settings.on_postgresql
        # If other nodes write too, the database's clock decides.
        clock_ms = _now_ms if alone else None
        policy = access_policy(settings)
        self._writer = GroupWriter(writing, CHANGES, clock_ms, policy)
        self._reader = ReaderPool(reading_engine(url, READERS), clock_ms=clock_ms)
        leasing = None if alone else writing_engine(url)
        transact = self._writer.transact if leasing is None else own_transactions(leasing)
        keeper = LeaseKeeper(writing.dialect, transact, clock_ms)
        if settings.sqlite_file is not None:
            watch = FileWatch(settings.sqlite_file, self._writer)
            watch.start()
            closing.callback(watch.close)
        if leasing is not None:
            closing.callback(leasing.dispose)
        closing.callback(self._reader.close)
        options = SignalOptions(settings.contacts_max, settings.presence_grace_s, settings.call_ring_s)
        self.chat = Chat(
            self._writer,
            self._reader,
            keeper,
            bus=self._bus(url),
            options=options,
            hooks=self._embedding.hooks,
            policy=policy,
        )
        limits = UploadLimits(settings.max_file_size, settings.upload_ttl.total_seconds(), settings.user_storage)
        self.files = FileService(self.chat, settings.data, settings.files, limits)
        closing.push_async_callback(self.chat.stop_following)
        closing.push_async_callback(self._writer.close)
        closing.push_async_callback(keeper.close)
        await self.chat.start(alone=alone)
        if alone:
            await self.chat.lease.start(alone=True)
        else:
            self._internal_socket, address = await self._listen_for_nodes(url, closing)
            await self.chat.lease.start(
                alone=False, address=address, lease_s=settings.lease_s, folder_ids=self.files.folder_ids
            )
            self.chat.announce_node()

    async def _listen_for_nodes(self, url: URL, closing: contextlib.AsyncExitStack) -> tuple[socket.socket, str]:
        """Returns the listening socket for other nodes and its address. It is served once the server runs. Raises
        OSError.
        """
        settings = self.settings
        # libpq accepts several hosts, also in the query.
        database_host = str(url.host or url.normalized_query.get("host", ("",))[0]).partition(",")[0]
        towards_database = await asyncio.to_thread(host_towards, database_host, url.port or POSTGRESQL_PORT)
        host = settings.internal_host or (LOOPBACK if is_loopback(settings.host) else towards_database)
        if is_loopback(host) and not is_loopback(towards_database):
            _logger.warning("nodes on other machines cannot reach this one: set internal_host")
        try:
            listening = listen(host, settings.internal_port)
        except OSError as error:
            where = f"the address for other nodes, {host} port {settings.internal_port}"
            raise OSError(error.errno, error.strerror, where) from error
        closing.callback(listening.close)
        address = address_of(listening, towards_database if host in EVERYWHERE else host)
        _logger.info("other nodes reach this one", address=address)
        return listening, address

    def _bus(self, url: URL) -> Bus:
        """Returns the bus between this node and others. `url` is the database's."""
        if not self.settings.on_postgresql:
            return NoBus()
        if self._redis is not None:
            from talkwire.bus.redis import RedisTransport  # noqa: PLC0415 (needs the package of an extra)

            return TransportBus(partial(RedisTransport, self._redis), self._realm)
        from talkwire.bus.postgresql import PostgresTransport  # noqa: PLC0415 (needs the package of an extra)

        conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        return TransportBus(partial(PostgresTransport, conninfo), self._realm)

    def _follow_log(self, dialect: DatabaseDialect, url: URL, closing: contextlib.AsyncExitStack) -> None:
        """Starts the followers of the log, the expiry of offers, and the retention."""
        node_id = self.chat.node_id if self.settings.on_postgresql else None
        self._devices = ConnectedDevices(self.chat.peers)
        elsewhere = ConnectedElsewhere(self.chat.peers, self.chat.directory)
        is_here = self.chat.directory.is_connected_since
        works: list[FollowerWork[Any]] = [
            MessageIndex(dialect),
            DeletedConversations(_now_ms),
            OfflineNotifications(is_here, _now_ms, node_id, self._is_device_here, elsewhere.ask),
        ]
        works += [YoungStatistics()] if self.settings.on_postgresql else []
        self._followers = [
            Follower(work, reading_engine(url, 1), self._writer.transact, _now_ms, Pace(lambda: self._writer.busy))
            for work in works
        ]
        self._send_pushes(closing)
        self.chat.subscribe(self._wake_followers)
        for follower in self._followers:
            follower.start()
            closing.push_async_callback(asyncio.to_thread, follower.close)
        offer_expiry = OfferExpiry(self.chat, _now_ms)
        self.chat.subscribe(offer_expiry.follow)
        offer_expiry.start()
        closing.callback(offer_expiry.close)
        retention = self.settings.retention
        apart = asyncio.create_task(ConversationPruner(self.chat, retention).run())
        closing.callback(apart.cancel)
        if retention is not None:
            pruning = asyncio.create_task(Pruner(self.chat, retention).run())
            closing.callback(pruning.cancel)

    async def _start_webhooks(self, url: URL, closing: contextlib.AsyncExitStack) -> None:
        """Starts the delivery of events to webhooks."""
        store = WebhookStore(reading_engine(url, 2), self._writer.transact, self.chat.node_id, _now_ms)
        check_s = self.settings.lease_s / RENEWALS if self.settings.on_postgresql else CHECK_S
        self.webhooks = WebhookService(store, self.egress, check_s)
        closing.push_async_callback(self.webhooks.close)
        self.chat.subscribe(self.webhooks.follow)
        await self.webhooks.start()

    def _finish_erasures(self, closing: contextlib.AsyncExitStack) -> None:
        """Starts what finishes the erasures of users, also those from before a restart."""
        scrub = None if self.settings.on_postgresql else RunningScrub(self._writer)

        async def scrub_all() -> bool:
            await self.files.sweeper.sweep()
            return scrub is None or await scrub.run()

        eraser = Eraser(self.chat, scrub_all)
        self.chat.subscribe(eraser.follow)
        erasing = asyncio.create_task(eraser.run())
        closing.callback(erasing.cancel)

    def _send_pushes(self, closing: contextlib.AsyncExitStack) -> None:
        """Starts what sends pushes, before the followers that find something to send."""
        settings = self.settings
        subject = settings.vapid_subject or (settings.public_url if _is_https(settings.public_url) else None)
        self._vapid = VapidKeys(self.chat, settings.vapid_private_key, subject)
        client = self.egress.client(EgressLimits(total_s=REQUEST_S, connections=JOBS_MAX))
        closing.push_async_callback(client.aclose)
        delivery = PushDelivery(client, self._vapid, settings.push_content)
        self._push_metrics = PushMetrics()
        alone = not settings.on_postgresql
        sender = PushSender(self.chat, delivery, self._devices.find, self._push_metrics, alone=alone)
        closing.push_async_callback(sender.close)
        for follower in self._followers:
            if isinstance(follower.work, OfflineNotifications):
                follower.on_stored = lambda prepared: sender.wake() if prepared.has_pushes else None
        sender.start()

    def _is_device_here(self, device: PushDevice) -> bool:
        return self._devices.is_here(device.user_id, device.session_id, device.device_id)

    async def _push_key(self) -> str:
        return (await self._vapid.get()).public_key

    def _wake_followers(self, events: Sequence[News]) -> None:
        if isinstance(events[-1], DurableEvent):
            for follower in self._followers:
                follower.wake()

    @contextlib.asynccontextmanager
    async def started(self) -> AsyncIterator[Node]:
        """Starts the node, yields it, and stops it at the end."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    def server(self, kind: type[Server] = Server) -> Server:
        """Returns the server of a started node."""
        has_application = self._embedding.application is not None
        return kind(
            self.engine,
            self.app,
            drain_s=self.settings.drain_window_s,
            on_shutdown=self.files.uploads.stop_waiting,
            beside=has_application,
            internal=self.internal,
            limits=self._http_limits(),
        )

    def _http_limits(self) -> HttpLimits:
        settings = self.settings
        capped = settings.rate_limits
        return HttpLimits(
            head_s=settings.head_timeout_s,
            body_s=settings.body_timeout_s,
            read_s=settings.read_timeout_s,
            keep_alive_s=settings.keep_alive_s,
            per_address=(settings.connections_per_address or None) if capped else None,
            idle_per_address=(settings.idle_connections_per_address or None) if capped else None,
            self_timed=f"{settings.prefix}{FILES}",
        )

    def serves(self, path: str) -> bool:
        """Returns whether a path belongs to the chat and not to the embedding application."""
        return self.engine.serves(path) or self._embedding.application is None or self._paths.within(path) is not None

    def announce_url(self, url: str) -> None:
        """Announces the node's address to commands on this machine."""
        if self._lock is not None:
            self._lock.announce(url)

    async def metrics(self) -> bytes:
        """Returns the metrics in Prometheus' format."""
        return generate_latest(self._registry)

    def _serve_realtime_and_rest(self, closing: contextlib.AsyncExitStack) -> None:
        settings, limits = self.settings, self.limits
        trusted_proxies = frozenset(settings.trusted_proxies)
        registry = self._registry = CollectorRegistry()
        metrics = RealtimeMetrics()
        registry.register(metrics)
        callers = Callers(
            self.chat,
            self._verifier,
            create_users=settings.create_users,
            accounts=self.policy.accounts != "off",
            insecure_dev_auth=settings.insecure_dev_auth or settings.demo,
            limits=limits,
            foreign=None if self._callbacks is None else self._callbacks.connect,
        )
        # A web page could point its own name at this machine (DNS rebinding) and sign in as any user.
        origins = OriginPolicy(settings.origins, loopback_only=settings.insecure_dev_auth)
        self.engine = SocketServer(
            EngineOptions(
                ping_interval_s=settings.ping_interval_s,
                ping_timeout_s=settings.ping_timeout_s,
                max_payload=settings.max_payload,
            ),
            origins=origins,
            trusted_proxies=trusted_proxies,
            metrics=metrics,
            connect_wait_s=None if limits is None else partial(_connect_wait_s, limits),
            sessions_per_address=(settings.sessions_per_address or None) if settings.rate_limits else None,
        )
        if self._callbacks is not None:
            registry.register(self._callbacks.metrics)
            # With `*`, a page of any origin could connect with its visitor's cookies.
            self.engine.keeps_cookies = self._callbacks.connect is not None and not origins.allows_all
        self.engine.hub.expects_more = lambda: self.chat.expects_more
        self.user_sockets = UserSockets(self.engine.hub, self.chat.peers)
        rooms = Rooms(self.engine.hub, self.chat.signals.publish_room_change)
        offline = OfflineDelivery(self.chat, self.engine.hub, rooms, _now_ms)
        recovery = self._recovery(rooms, closing)
        self._add_namespaces(
            NamespaceServices(
                server=self.engine,
                chat=self.chat,
                callers=callers,
                rooms=rooms,
                offline=offline,
                devices=self._devices,
                limits=limits,
                handlers=self._embedding.handlers,
                recovery=recovery,
                sockets_per_user=(settings.sockets_per_user or None) if settings.rate_limits else None,
            )
        )
        delivery = EventDelivery(self.engine.hub, rooms, self.chat.directory, end_socket)
        signals = SignalDelivery(self.engine.hub, self.chat.directory, lambda: self.chat.cursor)
        self.chat.subscribe(delivery.deliver, Stage.DELIVERY)
        self.chat.subscribe(signals.deliver, Stage.DELIVERY)
        recipients = partial(recipients_in, self.engine.hub, self.chat.directory.memberships)
        arrivals = DeliveryProofs(recipients, partial(_mark_delivered, self.chat))
        unread_notices = LiveUnread(self.chat, self.chat.directory, delivery.deliver)
        notifier = LiveNotifications(self.chat, self.chat.directory, delivery.deliver)
        for follows in (arrivals, unread_notices, notifier, offline):
            self.chat.subscribe(follows.follow, Stage.AFTER_DELIVERY)
        closing.push_async_callback(unread_notices.close)
        closing.push_async_callback(notifier.close)
        closing.callback(arrivals.close)
        closing.callback(offline.close)
        readiness = Readiness(
            self.chat.check,
            WriteProbe(self._writer).check,
            bus_disconnected=lambda: self.chat.bus.is_disconnected,
            lease_lost=lambda: self.engine.suspended or not self.chat.lease.held,
            draining=lambda: self.engine.draining,
        )
        registry.register(ReadinessMetrics(readiness))
        registry.register(self.webhooks.metrics)
        registry.register(self._push_metrics)
        registry.register(EventSourceMetrics(self.chat.bus, self.chat.feed, self.chat.peers))
        rest = rest_application(
            Services(
                self.chat,
                self.accounts,
                callers,
                self.metrics,
                self.files.uploads,
                readiness,
                self._watch_log(),
                limits,
                trusted_proxies,
                tuple(self.dialects),
                tuple(map(parse_ice_server, settings.ice_servers)),
                self.policy,
                settings.public_url,
                self.egress,
                self._push_key,
                self._demo_sign_in(),
                self.webhooks,
                self._export_reader,
            ),
            version=version("talkwire"),
            origins=origins,
            prefix=settings.prefix,
        )
        served: AsgiApp = rest
        if self._internal_socket is not None:
            self._join_nodes(self._internal_socket, rest, metrics, closing)
            served = FencedApp(rest, self.engine.is_fenced)
        application = self._embedding.application
        paths = self._paths = OwnPaths(rest.routes, settings.prefix)
        alone = application is None and not settings.prefix
        bundle = ClientBundle(self.engine.path) if settings.serve_client else None
        self.app = with_engine(self.engine, served if alone else route_by_path(served, paths, application), bundle)
        if self._lock is not None:
            assert settings.sqlite_file is not None, "only SQLite has a lock"
            copy_database = partial(copy_file, settings.sqlite_file.absolute(), settings.data.absolute())
            self.app = with_control(ControlEndpoint(self.chat, self._lock.control_token, copy_database), self.app)

    def _watch_log(self) -> LogWatches:
        """Returns the readers of the log that wait on this node. They end when the node drains."""
        watches = LogWatches(self.chat, self.chat.pos)
        self.chat.subscribe(watches.follow)
        self.engine.on_draining = watches.drain
        return watches

    def _join_nodes(
        self, listening: socket.socket, rest: AsgiApp, metrics: RealtimeMetrics, closing: contextlib.AsyncExitStack
    ) -> None:
        """Connects this node to others: requests for their sessions are forwarded, and theirs for this node's are
        accepted.
        """
        chat, engine = self.chat, self.engine
        link = PeerAuth(self._recovery_key, chat.node_id)
        owners = SessionOwners(chat.peers, lambda: chat.execute(NODE, ListPeers()), engine.now)
        forwarder = engine.forwarder = Forwarder(owners, link, chat.node_id, metrics)
        file_links = FileForwarding(owners, link, metrics, engine.now)
        closing.callback(file_links.close)
        stored = StoredFiles(self.files.store.local())
        self.files.store.holders = self.files.uploads.holders = file_links
        engine.node_id = chat.node_id
        metrics.open_tunnels = lambda: len(forwarder.tunnels)

        def drop(node_ids: Collection[str]) -> None:
            forwarder.drop(node_ids)
            file_links.drop(node_ids)

        chat.peers.on_peers_gone = drop
        chat.peers.on_peers_read = file_links.note_living
        closing.callback(fence(engine, chat).close)
        self.internal = NodeListener(listening, link, rest, FencedApp(rest, engine.is_fenced), stored)

    def _recovery(self, rooms: Rooms, closing: contextlib.AsyncExitStack) -> Recovery | None:
        """Returns what recovers sockets after a disconnect; None if recovery is turned off."""
        settings, chat = self.settings, self.chat
        if settings.recovery == "never":
            return None
        retention_ms = None if settings.retention is None else round(settings.retention.total_seconds() * 1000)
        ring = EventRing(chat.pos, lambda: 0 if retention_ms is None else _now_ms() - retention_ms)
        recovery = Recovery(
            chat,
            self.engine,
            ring,
            RecoveryTokenSigner(self._recovery_key),
            RecoveryOptions(
                mode=settings.recovery,
                window_s=settings.recovery_window_s,
                alone=not settings.on_postgresql,
                contacts_max=settings.contacts_max,
            ),
            rooms.delay_leaving,
        )
        chat.subscribe(recovery.follow, Stage.REPLAY)
        refreshing = asyncio.create_task(recovery.refresh())
        closing.callback(refreshing.cancel)
        return recovery

    @property
    def dialects(self) -> list[Dialect]:
        """The dialects that are served."""
        names = {self.settings.dialect, *self.settings.dialects} if self.settings.dialects else set(DIALECTS)
        return [*(dialect for name, dialect in DIALECTS.items() if name in names), *self._further_dialects.values()]

    def _demo_sign_in(self) -> DemoSignIn | None:
        """Returns what the page at `/` shows before sign-in. Returns None if an embedding application or a prefix
        replaces the page.
        """
        if self._embedding.application is not None or self.settings.prefix:
            return None
        people = [
            DemoUser(each.id, each.name, each.role, f"{demo.picture_path(each)}?userId={each.id}")
            for each in self._demo_people
        ]
        return DemoSignIn(self.settings.demo, people)

    def _add_namespaces(self, services: NamespaceServices) -> None:
        """Adds the namespaces: the root speaks the configured dialect, each other namespace its own. In all of them, a
        client may ask for another dialect.
        """
        dialects = self.dialects
        spoken = {dialect.namespace: dialect for dialect in dialects} | {"/": DIALECTS[self.settings.dialect]}
        for name, dialect in spoken.items():
            others = [other for other in dialects if other is not dialect]
            self.engine.add(name, ChatNamespace(name, [dialect, *others], services))


def _connected_redis(url: str, closing: contextlib.AsyncExitStack) -> Redis:
    """Returns the node's only Redis client, which connects when it is first used."""
    from talkwire.bus.redis_client import redis_client  # noqa: PLC0415 (needs the package of an extra)

    redis = redis_client(url)
    closing.push_async_callback(redis.aclose)
    return redis


def _connect_wait_s(limits: Limits, address: str) -> float:
    """Counts a session that an address opens. Returns 0, or the seconds until the address may open another."""
    return limits.take(Kind.CONNECTS, address_key(address), time.monotonic())


def _mark_delivered(chat: Chat, actor: Actor, command: MarkDelivered) -> None:
    """Submits a command without using its result, since no client asked for it."""
    chat.submit(actor, command, lambda *_: None)


def _is_https(url: str | None) -> bool:
    return url is not None and url.startswith("https://")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
