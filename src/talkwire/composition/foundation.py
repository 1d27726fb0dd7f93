"""Opens the database and starts the chat on it, which all other parts of a node build on."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from importlib.metadata import version
from secrets import token_hex
from typing import NamedTuple

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from talkwire.bus.seal import Realm
from talkwire.core.clock import now_ms
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.command_table import NODE_COMMANDS
from talkwire.core.engine.decider import Decider
from talkwire.core.engine.hooks import Hooks
from talkwire.core.ports.bus import Bus
from talkwire.core.signals.signals import SignalOptions
from talkwire.datafolder import FolderLock
from talkwire.files.service import FileService
from talkwire.files.uploads import UploadLimits
from talkwire.observability.command_outcomes import CommandOutcomes
from talkwire.observability.committed import CommittedEvents
from talkwire.observability.loop_lag import LoopLag
from talkwire.observability.request_metrics import RequestMetrics
from talkwire.observability.spans import Tracer
from talkwire.operations.names import name_of_command
from talkwire.settings import Settings
from talkwire.settings.policy import access_policy
from talkwire.storage.engine import database_url, reading_engine, sqlite_url, writing_engine
from talkwire.storage.health import FileWatch
from talkwire.storage.leases import LeaseKeeper, own_transactions
from talkwire.storage.lineage import adopt_log, identify
from talkwire.storage.migrations import migrate
from talkwire.storage.reader import READERS, ReaderPool
from talkwire.storage.writer import GroupWriter


class Database(NamedTuple):
    """An open database whose tables have been migrated to this version."""

    url: URL
    writing: Engine
    realm: Realm
    """Distinguishes its nodes' bus from that of other databases."""


class NodeCounts(NamedTuple):
    """The objects in which a node's other parts count commands, requests, events and the event loop's delays.

    `tracer` is None if tracing is turned off.
    """

    outcomes: CommandOutcomes
    requests: RequestMetrics
    tracer: Tracer | None
    committed: CommittedEvents
    loop_lag: LoopLag


@dataclass(frozen=True, slots=True)
class Foundation:
    """The objects that all other parts of a node use: settings, database, chat, writer, files and counts."""

    settings: Settings
    database: Database
    chat: Chat
    writer: GroupWriter
    files: FileService
    counts: NodeCounts
    closing: contextlib.AsyncExitStack
    """Stops everything that was started, in reverse order."""

    @property
    def alone(self) -> bool:
        """True if no other node can use the database, i.e. if it is SQLite."""
        return not self.settings.on_postgresql


async def lock_data(settings: Settings, closing: contextlib.AsyncExitStack) -> FolderLock | None:
    """Locks the files that only one server may use, until `closing` is closed.

    Returns the lock of SQLite's database file; None if the database is PostgreSQL, which several nodes may use. Raises
    FolderInUse if another process has a lock, and DataFolderError if a lock file cannot be opened.
    """
    lock = None
    if settings.lock_file is not None:
        lock = await asyncio.to_thread(FolderLock.acquire, settings.lock_file)
        closing.callback(lock.release)
    if settings.folder_lock_file is not None:
        folder_lock = await asyncio.to_thread(FolderLock.acquire, settings.folder_lock_file)
        closing.callback(folder_lock.release)
    return lock


async def open_database(settings: Settings, closing: contextlib.AsyncExitStack) -> Database:
    """Opens the database of the settings until `closing` is closed, and migrates its tables to this version. Raises
    SQLAlchemyError if that fails.
    """
    file = settings.sqlite_file
    url = database_url(settings.database or "") if file is None else sqlite_url(file)
    writing = writing_engine(url)
    closing.callback(writing.dispose)
    await asyncio.to_thread(migrate, writing)
    await asyncio.to_thread(adopt_log, writing)
    return Database(url, writing, Realm(*await asyncio.to_thread(identify, writing)))


async def start_chat(
    settings: Settings,
    database: Database,
    bus: Bus,
    hooks: Hooks,
    closing: contextlib.AsyncExitStack,
) -> Foundation:
    """Starts the chat on the database and returns the foundation for the other parts. `hooks` run before commands.
    Closing `closing` stops the chat.

    It does not yet take a lease (the record in the database that a node is alive), so other nodes do not know this node
    yet.
    """
    tracer = tracer_of(settings, closing)
    alone = not settings.on_postgresql
    # If other nodes write too, the database's clock decides.
    clock_ms = now_ms if alone else None
    policy = access_policy(settings)
    writer = GroupWriter(database.writing, Decider().decide, clock_ms, policy, tracer)
    reader = ReaderPool(reading_engine(database.url, READERS), clock_ms=clock_ms)
    leasing = None if alone else writing_engine(database.url)
    transact = writer.transact if leasing is None else own_transactions(leasing)
    keeper = LeaseKeeper(database.writing.dialect, NODE_COMMANDS, transact, clock_ms)
    if settings.sqlite_file is not None:
        watch = FileWatch(settings.sqlite_file, writer)
        watch.start()
        closing.callback(watch.close)
    if leasing is not None:
        closing.callback(leasing.dispose)
    closing.callback(reader.close)
    options = SignalOptions(settings.contacts_max, settings.presence_grace_s, settings.call_ring_s)
    chat = Chat(writer, reader, keeper, bus=bus, options=options, hooks=hooks, policy=policy)
    limits = UploadLimits(settings.max_file_size, settings.upload_ttl.total_seconds(), settings.user_storage)
    files = FileService(chat, settings.data, settings.files, limits)
    closing.push_async_callback(chat.stop_following)
    closing.push_async_callback(writer.close)
    closing.push_async_callback(keeper.close)
    await chat.start(alone=alone)
    committed = CommittedEvents(logs_messages=settings.log_level == "debug")
    counts = NodeCounts(CommandOutcomes(name_of_command, tracer), RequestMetrics(), tracer, committed, LoopLag())
    return Foundation(settings, database, chat, writer, files, counts, closing)


def tracer_of(settings: Settings, closing: contextlib.AsyncExitStack) -> Tracer | None:
    """Returns the tracer that sends OpenTelemetry traces to the setting `otlp_endpoint`, until `closing` is closed.
    Returns None if that setting is not set."""
    if settings.otlp_endpoint is None:
        return None
    from talkwire.observability.tracing import OtlpTracer  # noqa: PLC0415 (needs the packages of an extra)

    tracer = OtlpTracer(settings.otlp_endpoint, version=version("talkwire"), instance_id=token_hex(8))
    closing.push_async_callback(asyncio.to_thread, tracer.close)
    return tracer
