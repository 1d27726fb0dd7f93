"""Nodes that share one database and one bus, in virtual time, for the property test of presence between nodes.

The presence, the lease, the directory and the tables are the real ones. The bus loses, doubles and delays messages as
the test says, and a node can be cut off from the database and the bus.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import Engine, create_engine, insert
from sqlalchemy.pool import StaticPool

from talkwire.core.cluster.lease import Lease
from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.command import Command
from talkwire.core.commands.presence import FindVisiblePresence, SetPresence
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.connected.directory import Directory, DirectoryEntry, LoadedUsers
from talkwire.core.connected.memberships import CONTACTS_MAX
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import PresenceChanged, UnstoredEvent
from talkwire.core.domain.model import Actor, ChosenStatus, PresenceRecord, ShownStatus
from talkwire.core.engine.command_table import CHANGES, NODE_COMMANDS, QUERIES
from talkwire.core.ports.bus import AnyBusMessage, EphemeralBatch, PeerAnswer, PeerQuestion, Receivers
from talkwire.core.signals.signals import SignalOptions, Signals
from talkwire.storage.leases import LeaseRows
from talkwire.storage.schema import metadata, users
from talkwire.storage.snapshot import TableSnapshot
from talkwire.storage.tables.presence import WritablePresenceRows
from tests.contracts.virtual_time import VirtualTime

USER_IDS = ("alice", "bob", "carol")
DELAY_S = 0.001
START_MS = 1_700_000_000_000


def _database() -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    metadata.create_all(engine)
    with engine.begin() as connection:
        rows = [{"id": user_id, "name": user_id, "banned": False, "created_ms": 0} for user_id in USER_IDS]
        connection.execute(insert(users), rows)
    return engine


class World(VirtualTime):
    """The nodes, their database and their bus. `faults` says what the bus may do to a message."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.engine = _database()
        self.nodes: list[PresenceNode] = []
        self.faults: frozenset[str] = frozenset()
        self.lose_all = False
        self._random = Random(seed)
        self._started = 0

    @property
    def now_ms(self) -> int:
        return START_MS + int(self.loop.time() * 1000)

    def start_node(self) -> None:
        self._started += 1
        node = self._new_node(f"n{self._started}")
        self.run(node.lease.start(alone=False))
        self.nodes.append(node)

    def _new_node(self, node_id: str) -> PresenceNode:
        return PresenceNode(self, node_id)

    def close(self) -> None:
        for node in tuple(self.nodes):
            node.kill()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.pass_time(1)
        self.loop.close()
        self.engine.dispose()

    def settle(self) -> None:
        """Ends all faults, and lets the nodes find out about everything."""
        self.faults = frozenset()
        for node in self.nodes:
            node.is_cut_off = False
            node.is_uncertain = False
        self.pass_time(50)

    def send(self, sender: PresenceNode, message: AnyBusMessage, to: Receivers = None) -> None:
        for node in self.nodes:
            if node is sender or sender.is_cut_off or (to is not None and node.node_id not in to):
                continue
            if self.lose_all or ("lost" in self.faults and self._random.random() < 0.4):
                continue
            for _ in range(2 if "doubled" in self.faults and self._random.random() < 0.4 else 1):
                late = "late" in self.faults and self._random.random() < 0.5
                delay_s = self._random.uniform(0, 3) if late else DELAY_S
                self.loop.call_later(delay_s, node.receive, message)

    def execute(self, actor: Actor, command: Command[Any]) -> Any:  # noqa: ANN401 (a result)
        """Executes a command of presence in a transaction, as the storage does."""
        with self.engine.begin() as connection:
            snapshot = TableSnapshot(connection, lambda: self.now_ms)
            if type(command) in NODE_COMMANDS:
                return NODE_COMMANDS[type(command)](LeaseRows(connection, self.now_ms), actor, command)
            if type(command) in QUERIES:
                return QUERIES[type(command)](snapshot, actor, command)
            transaction = SimpleNamespace(user=snapshot.user, presence=WritablePresenceRows(connection))
            return CHANGES[type(command)].decide(cast("Any", transaction), actor, command)

    def record(self, user_id: str) -> PresenceRecord:
        (found,) = self.execute(NODE, FindVisiblePresence((user_id,)))
        assert isinstance(found, PresenceRecord)
        return found


class PresenceNode:
    """A node with the sockets of its users, and what a client connected to it has received about everybody."""

    def __init__(self, world: World, node_id: str, contacts_max: int = CONTACTS_MAX) -> None:
        self._world = world
        self.sockets: dict[str, set[str]] = {}
        self.notified: dict[str, ShownStatus] = {}
        self.received: list[AnyBusMessage] = []
        self.is_cut_off = False
        self.is_alive = True
        self.is_uncertain = False
        self.directory = Directory(self._load, idle_max=1, contacts_max=contacts_max)
        self.peers = Peers(node_id, partial(world.send, self), lambda: False)
        chat = cast("ChatAccess", self)
        self.signals = Signals(chat, self, self.peers, SignalOptions(contacts_max))
        self.signals.enable_peers()
        self.lease = Lease(chat, node_id, self.signals, self.peers, world.loop.time)
        self.lease.on_lost = self._disconnect_all
        self.signals.presence.on_user_changes = self.lease.record_soon

    @property
    def node_id(self) -> str:
        return self.peers.node_id

    # --- clients ------------------------------------------------------------------------------------------------------

    async def connect(self, user_id: str, socket_id: str) -> None:
        entry = await self.directory.find(user_id)
        if socket_id in self.sockets.get(user_id, ()):
            return
        self.directory.hold(user_id, entry)
        was_empty = not self.signals.presence._state.ids()
        self.signals.connected(user_id, socket_id)
        self.sockets.setdefault(user_id, set()).add(socket_id)
        if was_empty:
            # A client gets the presence of its contacts when it connects, and changes from then on.
            self.notified = {id_: self.shown(id_) for id_ in USER_IDS}

    async def close_socket(self, user_id: str, socket_id: str) -> None:
        self.disconnect(user_id, socket_id)

    def disconnect(self, user_id: str, socket_id: str) -> None:
        if socket_id in self.sockets.get(user_id, ()):
            self.sockets[user_id].discard(socket_id)
            self.directory.release(user_id)
            self.signals.disconnected(user_id, socket_id)

    async def choose(self, user_id: str, socket_id: str | None, status: ChosenStatus) -> None:
        handler = self.signals.handlers[SetPresence]
        await self.directory.find(user_id)
        if socket_id is None or socket_id in self.sockets.get(user_id, ()):
            await handler(Actor(user_id, user_id), SetPresence(status, source=socket_id))

    def shown(self, user_id: str) -> ShownStatus:
        """Returns the status of a user that this node would answer to somebody else."""
        asker = Actor("somebody", "Somebody", role="admin")
        return self.signals.presence._seen_by(asker, self._world.record(user_id)).status

    def kill(self) -> None:
        self.is_alive = False
        self.is_cut_off = True
        for timer in self.lease._timers.values():
            timer.cancel()
        self.signals.close()
        self._world.nodes.remove(self)

    def _disconnect_all(self) -> None:
        for user_id, socket_ids in self.sockets.items():
            for socket_id in tuple(socket_ids):
                self.disconnect(user_id, socket_id)

    # --- the chat, as far as presence uses it -------------------------------------------------------------------------

    async def execute(self, actor: Actor, command: Command[Any]) -> Any:  # noqa: ANN401 (a result)
        await self._world.pause(DELAY_S)
        if self.is_cut_off:
            raise ChatError("unavailable", "The database does not answer. Try again.")
        result = self._world.execute(actor, command)
        await self._world.pause(DELAY_S)
        if self.is_uncertain:
            raise ChatError("unavailable", "The connection was lost after the commit.")
        return result

    def submit(self, actor: Actor, command: Command[Any], done: Callable[[Any, Exception | None], None]) -> None:
        def finish(task: asyncio.Task[Any]) -> None:
            if not task.cancelled():
                error = cast("Exception | None", task.exception())
                if self.is_alive:
                    done(None if error else task.result(), error)

        self._world.loop.create_task(self.execute(actor, command)).add_done_callback(finish)

    async def _load(self, user_ids: Collection[str]) -> LoadedUsers:
        entries = {}
        for user_id in user_ids:
            found = await self.execute(NODE, FindVisiblePresence((user_id,)))
            with self._world.engine.begin() as connection:
                user = TableSnapshot(connection).user(user_id)
            entries[user_id] = DirectoryEntry(user, set(), presence=found[0])
        return LoadedUsers(0, entries)

    def receive(self, message: AnyBusMessage) -> None:
        if self.is_cut_off:
            return
        self.received.append(message)
        if isinstance(message, PeerQuestion | PeerAnswer):
            self.peers.receive(message)
        elif isinstance(message, EphemeralBatch):
            received = self.signals.receive(message.events)
            if received:
                self.publish_here(received)

    async def receive_again(self, message: AnyBusMessage) -> None:
        self.receive(message)

    def publish(self, events: Sequence[UnstoredEvent]) -> None:
        self.publish_to_peers(events)
        self.publish_here(events)

    def publish_here(self, events: Sequence[UnstoredEvent]) -> None:
        for event in events:
            if isinstance(event, PresenceChanged) and not event.own:
                self.notified[event.presence.user_id] = event.presence.status

    def publish_to_peers(self, events: Sequence[UnstoredEvent]) -> None:
        if self.peers.has_peers:
            for to, some in self.signals.by_receivers(events).items():
                self.publish_to(some, to)

    def publish_to(self, events: Sequence[UnstoredEvent], to: Receivers) -> None:
        self._world.send(self, EphemeralBatch(self.node_id, tuple(events)), to)
