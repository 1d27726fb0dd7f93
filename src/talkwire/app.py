"""The composition root: the only module that names concrete stores and buses, and says who gets what."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.metadata import version
from typing import Any

import uvloop
from prometheus_client import CollectorRegistry

from talkwire import demo
from talkwire.api.page import page_handlers
from talkwire.api.rest import Services, rest_application
from talkwire.bus.memory import MemoryBus
from talkwire.control import ControlEndpoint, with_control
from talkwire.core.chat import Chat
from talkwire.core.handlers import CHANGES
from talkwire.datafolder import FolderLock, prepare_folder, reachable_url
from talkwire.dialects.messenger import MESSENGER
from talkwire.identity.accounts import Accounts, Lifetimes
from talkwire.identity.callers import Callers
from talkwire.identity.issuer import TokenIssuer
from talkwire.identity.origins import OriginPolicy
from talkwire.identity.passwords import Passwords
from talkwire.identity.tokens import TokenPolicy, TokenVerifier
from talkwire.realtime.chat_namespace import ChatNamespace, EventDelivery, end_socket
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.serving import Server, listen, with_engine
from talkwire.realtime.socket_server import SocketServer
from talkwire.settings import Settings
from talkwire.settings.keys import token_policy
from talkwire.storage.engine import database_url, reading_engine, sqlite_url, writing_engine
from talkwire.storage.migrations import migrate
from talkwire.storage.reader import READERS, ReaderPool
from talkwire.storage.writer import GroupWriter
from talkwire.wire import EngineOptions

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
DIALECTS = {MESSENGER.name: MESSENGER}


class Talkwire:
    """A chat server. `start` opens its database; until then there is nothing but settings."""

    chat: Chat
    accounts: Accounts
    app: AsgiApp
    engine: SocketServer

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock: FolderLock | None = None

    async def start(self) -> None:
        """Opens the database, brings it up to date and starts the writer. Raises OSError, SQLAlchemyError."""
        prepare_folder(self.settings.data)
        policy = token_policy(self.settings)
        if self.settings.lock_file is not None:
            self._lock = await asyncio.to_thread(FolderLock.acquire, self.settings.lock_file)
        try:
            await self._start(policy)
        except BaseException:
            self._release_lock()
            raise

    async def _start(self, policy: TokenPolicy) -> None:
        settings = self.settings
        file = settings.sqlite_file
        url = database_url(settings.database or "") if file is None else sqlite_url(file)
        writing = writing_engine(url)
        await asyncio.to_thread(migrate, writing)
        bus = MemoryBus()
        self._writer = GroupWriter(writing, CHANGES, lambda: time.time_ns() // 1_000_000, bus.publish)
        self._reader = ReaderPool(reading_engine(url, READERS))
        self.chat = Chat(self._writer, self._reader, bus)
        self._writer.start()
        await self.chat.start()
        self._passwords = Passwords()
        secret = policy.secret
        issuer = None if secret is None else TokenIssuer(secret)
        lifetimes = Lifetimes(settings.access_token_ttl.total_seconds(), settings.refresh_token_ttl.total_seconds())
        self.accounts = Accounts(self.chat, self._passwords, issuer, lifetimes)
        self._verifier = TokenVerifier(policy)
        self._serve_realtime_and_rest()
        if settings.demo:
            await demo.fill(self.chat, self.accounts)

    async def stop(self) -> None:
        """Carries out what is queued and closes the database."""
        self.chat.close()
        await self._writer.close()
        self._reader.close()
        self._passwords.close()
        await self._verifier.aclose()
        self._release_lock()

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def run(self, listening: socket.socket | None = None) -> None:
        """Serves until a signal stops it. Raises OSError when the address cannot be listened on."""
        listening = listening or listen(self.settings.host, self.settings.port)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._run(listening))

    @contextlib.asynccontextmanager
    async def started(self) -> AsyncIterator[Talkwire]:
        """`start`, and `stop` at the end."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def _run(self, listening: socket.socket) -> None:
        async with self.started():
            if self._lock is not None:
                self._lock.announce(reachable_url(listening))
            _tune_interpreter()
            await Server(self.engine, self.app).serve(sockets=[listening])

    def _serve_realtime_and_rest(self) -> None:
        settings = self.settings
        registry = CollectorRegistry()
        metrics = RealtimeMetrics()
        registry.register(metrics)
        callers = Callers(
            self.chat,
            self._verifier,
            create_users=settings.create_users,
            insecure_dev_auth=settings.insecure_dev_auth or settings.demo,
        )
        origins = OriginPolicy(settings.origins)
        self.engine = SocketServer(
            EngineOptions(
                ping_interval_s=settings.ping_interval_s,
                ping_timeout_s=settings.ping_timeout_s,
                max_payload=settings.max_payload,
            ),
            origins=origins,
            trusted_proxies=frozenset(settings.trusted_proxies),
            metrics=metrics,
        )
        self.engine.hub.expects_more = lambda: self._writer.busy
        spoken = DIALECTS[settings.dialect]
        others = [dialect for dialect in DIALECTS.values() if dialect is not spoken]
        namespace = ChatNamespace("/", self.engine, self.chat, callers, [spoken, *others])
        self.engine.add("/", namespace)
        self.chat.subscribe(EventDelivery(self.engine.hub, end_socket).deliver)
        rest = rest_application(
            Services(self.chat, self.accounts, callers, registry),
            version=version("talkwire"),
            origins=origins,
            pages=page_handlers(demo_users=demo.USERS if settings.demo else ()),
        )
        self.app = with_engine(self.engine, rest)
        if self._lock is not None:
            self.app = with_control(ControlEndpoint(self.chat, self._lock.control_token), self.app)


def _tune_interpreter() -> None:
    """Sets the interpreter up for one busy event loop and one writer's thread.

    What is there now stays, so the collector need not walk through it; and it runs less often: at its defaults it would
    walk through all connections several times a second, to find nothing. The threads hand the interpreter's lock over
    ten times as often as by default, since a commit that is done should not wait 5 ms to say so.
    """
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
