"""Two nodes over one PostgreSQL, with sockets as far as the chat knows them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from talkwire.bus.memory import Exchange
from talkwire.core.domain.events import EphemeralEvent
from talkwire.core.domain.model import Actor
from talkwire.core.features.users.presence_rules import OWN_LEASE_SETTLED_MS
from talkwire.core.signals.signals import SignalOptions
from tests.contracts.node import ALICE, BOB, CAROL, Clock, Node
from tests.databases import Database
from tests.waiting import deadline, until

E = TypeVar("E", bound=EphemeralEvent)


@dataclass(eq=False)
class Place:
    """A node, and the ephemeral events that its listeners received."""

    node: Node
    notified: list[EphemeralEvent] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    running: bool = True

    def listen(self) -> None:
        self.node.chat.subscribe(self._hear)

    def _hear(self, events: object) -> None:
        assert isinstance(events, list | tuple)
        self.notified.extend(event for event in events if isinstance(event, EphemeralEvent))
        self.changed.set()

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.notified if isinstance(event, kind)]

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits for events until the condition holds."""
        async with deadline():
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def next(self, kind: type[E], number: int = 1) -> E:
        """Returns the event of this kind with this index, once it was received."""
        await self.until(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]

    async def connect(self, actor: Actor, socket_id: str) -> None:
        chat = self.node.chat
        chat.directory.hold(actor.user_id, await chat.directory.find(actor.user_id))
        chat.signals.connected(actor.user_id, socket_id)

    def disconnect(self, actor: Actor, socket_id: str) -> None:
        self.node.chat.directory.release(actor.user_id)
        self.node.chat.signals.disconnected(actor.user_id, socket_id)

    async def recorded(self) -> None:
        """Returns once this node's connects and disconnects are recorded."""
        lease = self.node.chat.lease
        await until(lambda: not (lease._renewing or self.node.chat.signals.has_user_changes))

    async def kill(self) -> None:
        """Stops the node without a shutdown: other nodes receive nothing from it any more."""
        self.running = False
        for timer in self.node.chat.lease._timers.values():
            timer.cancel()
        await self.node.chat.bus.close()


@dataclass
class Cluster:
    a: Place
    b: Place
    clock: Clock

    async def renew(self) -> None:
        """Renews the leases of all running nodes."""
        for place in (self.a, self.b):
            if place.running:
                place.node.chat.lease._record()
                await place.recorded()

    async def settle(self) -> None:
        """Makes the nodes know each other and live long enough to clean up after one another. A killed node is dead
        then."""
        for _ in range(2):
            await self.renew()
            self.clock.now_ms += OWN_LEASE_SETTLED_MS
        await self.renew()


@asynccontextmanager
async def running_cluster(database: Database, clock: Clock, grace_s: float = 0.0) -> AsyncIterator[Cluster]:
    """Users alice, bob and carol; alice and bob share the group `c`."""
    exchange = Exchange()
    async with AsyncExitStack() as stack:
        places: list[Place] = []
        for _ in range(2):
            node = Node(database, clock, exchange, options=SignalOptions(grace_s=grace_s))
            await node.start()
            stack.push_async_callback(node.close)
            await node.chat.lease.start(alone=False)
            place = Place(node)
            place.listen()
            places.append(place)
            stack.callback(node.chat.close)
        first = places[0].node
        await first.users(ALICE, BOB, CAROL)
        await first.group("c", ALICE, BOB)
        cluster = Cluster(places[0], places[1], clock)
        await cluster.settle()
        yield cluster
