"""Nodes that share one log and one bus, in virtual time, for the property test of events between nodes.

The chat, the feed, the directory, the bus and the memory for returning sockets are the real ones. The database is a
list of events, and the network loses, doubles and delays what is sent over it as the test says.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from types import MappingProxyType, SimpleNamespace
from typing import Any, TypeVar, cast

from talkwire.bus.carried import Published, TransportBus
from talkwire.bus.seal import Realm
from talkwire.core.cluster.feed import Commit
from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import Durable, DurableEvent, MemberAdded, MessageSent, News
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import Actor, Member, Message, User
from talkwire.core.domain.nodes.peer import ROUTED, Peer
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.listeners import Stage
from talkwire.core.ports.bus import Receivers
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.recovery.event_ring import EventRing
from talkwire.realtime.recovery.missed_events import MissedEventReader
from tests.contracts.virtual_time import VirtualTime

DELAY_S = 0.001
READING_S = 3.0
"""How long a client waits for a node to read what other nodes have already sent to the client."""

CONVERSATION_IDS = ("c", "d", "e")
MEMBERSHIPS = (("alice", "c"), ("alice", "d"), ("bob", "c"), ("carol", "d"))
"""The first memberships, as (user, conversation)."""
EPOCH = "log"

R = TypeVar("R")
NOTHING: Mapping[str, Any] = MappingProxyType({})


class World(VirtualTime):
    """The nodes, the log in their database, and the network between them. `faults` says what the network may do."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = Random(seed)
        self.faults: frozenset[str] = frozenset()
        self.log: list[Durable] = [_joined(pos, *each) for pos, each in enumerate(MEMBERSHIPS, 1)]
        self.nodes: list[EventNode] = []
        self.stored: dict[str, tuple[float, bytes]] = {}
        """The announced events that can be fetched, each with the time of its end."""
        self.waiting = b""
        self.published_at = -1.0
        self.fetched = 0
        self._started = 0

    def happens(self, fault: str, share: float) -> bool:
        return fault in self.faults and self.random.random() < share

    def start_node(self, revision: int = ROUTED) -> EventNode:
        self._started += 1
        node = EventNode(self, f"n{self._started}", revision)
        self.run(node.chat.start(alone=False))
        self.nodes.append(node)
        node.chat.announce_node()
        self.read_leases()
        return node

    def read_leases(self) -> None:
        """Tells all nodes which others are alive."""
        peers = [Peer(node.node_id, None, revision=node.revision) for node in self.nodes]
        for node in self.nodes:
            node.chat.peers.start_reading()
            node.chat.peers.set_peers(peers)

    def settle(self) -> None:
        """Ends all faults, and lets the nodes find out about everything."""
        self.faults = frozenset()
        for node in self.nodes:
            node.is_cut_off = False
        self.pass_time(15)

    def close(self) -> None:
        for node in tuple(self.nodes):
            node.kill()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.pass_time(1)
        self.loop.close()

    # --- the database -------------------------------------------------------------------------------------------------

    def append(self, make: Callable[[int], Durable]) -> Durable:
        self.log.append(make(len(self.log) + 1))
        return self.log[-1]

    def joined(self, user_id: str, until_pos: int) -> dict[str, int]:
        """Returns the conversations of which a user is a member at a position, each with the position of joining."""
        added = [event for event in self.log[:until_pos] if isinstance(event, MemberAdded)]
        return {event.conversation_id: event.pos for event in added if event.members[0].user_id == user_id}

    def messages_for(self, user_id: str, after: int, until: int) -> list[int]:
        """Returns the positions of the messages, after one position and up to another, that a user receives."""
        joined = self.joined(user_id, until)
        return [
            event.pos
            for event in self.log[after:until]
            if isinstance(event, MessageSent) and joined.get(event.message.conversation_id, event.pos) < event.pos
        ]

    # --- the network --------------------------------------------------------------------------------------------------

    def deliver(self, sender: EventNode, data: bytes, channel: str, to: Receivers = None) -> None:
        for node in self.nodes:
            if (to is not None and node.node_id not in to) or (node is not sender and self.happens("lost", 0.4)):
                continue
            for _ in range(2 if self.happens("doubled", 0.4) else 1):
                delay_s = self.random.uniform(0, 1) if self.happens("late", 0.5) else DELAY_S
                self.loop.call_later(delay_s, node.network.arrive, data, channel)


class Network:
    """One node's connection to the bus, which also stores announced events."""

    includes_events = True
    dispatch_max = 1 << 20
    failures: tuple[type[Exception], ...] = (OSError, TimeoutError)

    def __init__(self, world: World, node: EventNode) -> None:
        self.announcements = self
        self.on_announced: Callable[[bytes], None] = lambda _: None
        self._world = world
        self._node = node
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def publish(self, parcels: Sequence[Published]) -> None:
        await self._reach()
        for parcel, to in parcels:
            self._world.deliver(self._node, parcel, "news", to)

    @asynccontextmanager
    async def listening(self, node_id: str) -> AsyncIterator[AsyncIterator[bytes]]:
        await self._reach()
        self._arrived = asyncio.Queue()
        yield self._parcels()

    async def announce(
        self, head: bytes, entries: bytes, events: Mapping[str, bytes], *, kept_s: float, gather_s: float
    ) -> bool:
        await self._reach()
        world, now = self._world, self._world.loop.time()
        world.stored.update({key: (now + kept_s, event) for key, event in events.items()})
        world.waiting += entries
        if now - world.published_at < gather_s:
            return False
        block, world.waiting = world.waiting, b""
        if block:
            world.published_at = now
            world.deliver(self._node, head + block, "announced")
        return True

    async def fetch(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        await self._reach()
        found = [self._stored(key) for key in keys]
        self._world.fetched += sum(each is not None for each in found)
        return found

    async def close(self) -> None:
        pass

    def arrive(self, data: bytes, channel: str) -> None:
        if self._node.is_cut_off:
            return
        if channel == "news":
            self._arrived.put_nowait(data)
        else:
            self.on_announced(data)

    def _stored(self, key: str) -> bytes | None:
        until, event = self._world.stored.get(key, (0.0, b""))
        return None if until < self._world.loop.time() or self._world.happens("forgotten", 0.4) else event

    async def _parcels(self) -> AsyncIterator[bytes]:
        while True:
            yield await self._arrived.get()

    async def _reach(self) -> None:
        await self._world.pause(DELAY_S)
        if self._node.is_cut_off:
            raise OSError("the network is down")


class Client:
    """A user's client: which messages it has received, and up to which position it knows everything."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.node: EventNode | None = None
        self.rooms: set[str] | None = None
        """The conversations whose messages the client receives live; None while it is not live."""
        self.offset: int | None = None
        self.since = 0
        """The position from which on the client has received messages."""
        self.received: list[int] = []

    def forget(self) -> None:
        """Forgets everything, as a page that is loaded again."""
        self.offset = None
        self.received = []

    def hear(self, events: Sequence[News]) -> None:
        """Receives what of a batch of events is for the client, which is live."""
        assert self.rooms is not None
        for event in events:
            if isinstance(event, MemberAdded) and event.members[0].user_id == self.user_id:
                self.rooms.add(event.conversation_id)
            elif isinstance(event, MessageSent) and event.message.conversation_id in self.rooms:
                self.take(event.pos)

    def take(self, pos: int) -> None:
        self.received.append(pos)
        self.offset = pos


class EventNode:
    """A node, and the clients that are connected to it."""

    def __init__(self, world: World, node_id: str, revision: int) -> None:
        self.revision = revision
        self.is_cut_off = False
        self.is_alive = True
        self.epoch = EPOCH
        self.clients: list[Client] = []
        self._world = world
        self.network = Network(world, self)
        bus = TransportBus(lambda _: self.network, Realm("database", b"secret"))
        self.chat = Chat(cast("Any", self), cast("Any", self), cast("Any", self), bus=bus)
        self.chat.node_id = self.chat.peers.node_id = node_id
        self.chat.directory._idle_max = 1
        self._ring = EventRing(len(world.log), events_max=6)
        self._missed = MissedEventReader(self.chat, self._ring, RealtimeMetrics())
        self.chat.subscribe(self._ring.follow, Stage.REPLAY)
        self.chat.subscribe(self._deliver, Stage.DELIVERY)

    @property
    def node_id(self) -> str:
        return self.chat.node_id

    def kill(self) -> None:
        self.is_cut_off, self.is_alive = True, False
        self._world.nodes.remove(self)
        for client in tuple(self.clients):
            self.disconnect(client)
        self._world.loop.create_task(self.chat.stop_following())

    async def send(self, conversation_id: str, *, dies: bool = False) -> None:
        """Commits a message; with `dies`, is killed before it can tell any other node."""
        await self._commit(lambda pos: _message(pos, conversation_id), dies=dies)

    async def join(self, user_id: str, conversation_id: str) -> None:
        if conversation_id not in self._world.joined(user_id, len(self._world.log)):
            await self._commit(lambda pos: _joined(pos, user_id, conversation_id))

    async def _commit(self, make: Callable[[int], Durable], *, dies: bool = False) -> None:
        await self._world.pause(DELAY_S)
        if self.is_cut_off:
            raise ChatError("unavailable", "The database does not answer. Try again.")
        event = self._world.append(make)
        await self._world.pause(DELAY_S)
        if dies:
            self.kill()
        elif self.is_alive:
            answered = asyncio.Event()
            self._on_commit(Commit(event.pos - 1, event.pos, (event,)), answered.set)
            await answered.wait()

    # --- clients ------------------------------------------------------------------------------------------------------

    async def connect(self, client: Client) -> None:
        """Connects a client, which receives what it has missed, and is live from then on. Gives up if the node does not
        know of what the client has already received."""
        entry = await self.chat.directory.find(client.user_id)
        if client.offset is not None and client.offset > self.chat.pos:
            async with asyncio.timeout(READING_S):
                await self.chat.feed.wait_until(client.offset)
        entry = self.chat.directory.hold(client.user_id, entry)
        client.node = self
        self.clients.append(client)
        if client.offset is None:
            client.offset = client.since = self.chat.pos
            client.rooms = set(entry.conversation_ids)
        else:
            await self._replay(client, entry)

    def disconnect(self, client: Client) -> None:
        self.clients.remove(client)
        self.chat.directory.release(client.user_id)
        client.node = client.rooms = None

    async def _replay(self, client: Client, entry: DirectoryEntry) -> None:
        asks = cast("Any", SimpleNamespace(entry=entry, actor=Actor(client.user_id, client.user_id)))
        while client.node is self:  # Suspends: each round reads the database.
            assert client.offset is not None
            found = self._missed.in_memory(asks, client.offset)
            if found is not None:
                for ring_entry in found:
                    if isinstance(ring_entry.event, MessageSent):
                        client.take(ring_entry.event.pos)
                client.rooms = set(entry.conversation_ids)
                return
            until = self.chat.pos
            await self._world.pause(DELAY_S)
            if self.is_cut_off:
                raise ChatError("unavailable", "The database does not answer. Try again.")
            if client.node is self:
                for pos in self._world.messages_for(client.user_id, client.offset, until):
                    client.take(pos)
                client.offset = until

    def _deliver(self, events: Sequence[News]) -> None:
        for client in self.clients:
            if client.rooms is not None:
                client.hear(events)

    # --- the database, as far as the chat uses it ---------------------------------------------------------------------

    busy = False

    def start(self, on_commit: Callable[[Commit, Callable[[], None]], None], epoch: str) -> None:
        assert epoch == EPOCH
        self._on_commit = on_commit

    async def begin_epoch(self) -> None:
        raise AssertionError("the log never goes back")

    async def read(self, function: Callable[[Any], R]) -> R:
        await self._world.pause(DELAY_S)
        if self.is_cut_off:
            raise ChatError("unavailable", "The database does not answer. Try again.")
        result = function(Snapshot(self._world))
        await self._world.pause(DELAY_S)
        return result

    async def keep(self, actor: Actor, command: object) -> Sequence[Peer]:
        """Answers `ListPeers`."""
        return [Peer(node.node_id, None, revision=node.revision) for node in self._world.nodes]


class Snapshot:
    """What the chat reads from the database."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.sync = SimpleNamespace(floor=lambda: 0)
        self.presence = SimpleNamespace(records=lambda _: NOTHING)
        self.notifications = SimpleNamespace(preferences=lambda _: NOTHING)

    def head(self) -> tuple[str, int]:
        return EPOCH, len(self._world.log)

    def events_after(self, after: int, limit: int) -> Sequence[DurableEvent]:
        return self._world.log[after : after + limit]

    def users(self, user_ids: Collection[str]) -> Mapping[str, User]:
        return {user_id: User(user_id, user_id, 0) for user_id in user_ids}

    def memberships_of(self, user_ids: Collection[str]) -> SimpleNamespace:
        joined = {user_id: set(self._world.joined(user_id, len(self._world.log))) for user_id in user_ids}
        facts = {id_: ConversationFacts("group", 3) for ids in joined.values() for id_ in ids}
        return SimpleNamespace(
            conversation_ids=joined,
            preferences=NOTHING,
            histories=NOTHING,
            staffed=NOTHING,
            unlisted=defaultdict(lambda: None),
            facts=facts,
        )

    def login_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        return NOTHING

    def blocked_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        return NOTHING


def _message(pos: int, conversation_id: str) -> MessageSent:
    return MessageSent(pos, 0, Message(pos, conversation_id, pos, "sender", "Sender", "Hello", 0))


def _joined(pos: int, user_id: str, conversation_id: str) -> MemberAdded:
    return MemberAdded(pos, 0, conversation_id, (Member(conversation_id, user_id, "member", 0),))
