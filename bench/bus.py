"""Measures what the bus between many nodes carries, by what happens in the cluster.

    python -m bench.bus [--nodes 100] [--rate 400] [--slower 25] [--seconds 5]

The nodes are the bus of `talkwire serve` without the rest of a server, in one process, over one Valkey. Each kind of
happening takes place at a fixed rate at random nodes; Valkey counts the bytes. The nodes that need a message are drawn
as in `bench.scale`, and one of them sends it. What nodes send while nothing happens is measured by itself, and left out
of the rest.

One process cannot be a hundred nodes at the rates of millions of users. So announcements are gathered for `--slower`
times as long, and as many are sent together as at a rate that is so many times as high.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

from redis.asyncio import Redis

from bench.backing import running_valkey
from bench.scale import Usage, drawn_sizes, reached_nodes
from talkwire.bus import announcer, carried
from talkwire.bus.carried import TransportBus
from talkwire.bus.redis import RedisTransport
from talkwire.bus.redis_client import redis_client
from talkwire.bus.seal import Realm
from talkwire.core.connected.memberships import CONTACTS_MAX
from talkwire.core.domain.events import (
    MessageSent,
    OpenStreamAt,
    StreamAdvanced,
    StreamsOpen,
    StreamsRead,
    TypingChanged,
    UsersMovedCompactly,
)
from talkwire.core.domain.log.announced import hash_of
from talkwire.core.domain.log.positions import id_at, own_id_at
from talkwire.core.domain.model import Message, PresenceRecord
from talkwire.core.domain.nodes.user_moves import UserMove, compact
from talkwire.core.domain.parts.growing_parts import PartChange
from talkwire.core.ports.bus import Announcement, AnyBusMessage, CommittedBatch, EphemeralBatch
from talkwire.core.signals.contact_places import ADDRESSED_SHARE
from talkwire.core.signals.presence_exchange import GATHER_S

CONTENT = "The train leaves at seven, so let us meet at the main entrance at half past six."
CONVERSATIONS_OF_USER = 30
USERS = 3_000_000
POSITIONS = 10**11
"""The log's positions, at some of which conversations began."""
PRESENCE_PER_S = 3333
"""First connections and ends of the last one in a second, as in `bench.scale` with 100 nodes."""
PRESENCE = "a user's first connection, or the end of the last one"
STREAMS_OF_NODE = 50
OPEN = "a second in which a message can be written"
NEVER_S = 3600.0
_REALM = Realm("bench", b"a secret of the benchmark")
_EPOCH = "0123456789abcdef"


@dataclass(frozen=True)
class Traffic:
    """What Valkey has received and sent since it started, in bytes, and how many messages the nodes have received."""

    received: int
    sent: int
    messages: int

    def __sub__(self, earlier: Traffic) -> Traffic:
        return Traffic(self.received - earlier.received, self.sent - earlier.sent, self.messages - earlier.messages)


class Cluster:
    """Simulated nodes that are connected to one Valkey, and the positions of the log that they write."""

    def __init__(self, url: str, nodes: int, chance: random.Random) -> None:
        self.chance = chance
        self.pos = 0
        self._usage = Usage()
        self._sizes = drawn_sizes(self._usage, 1000, chance)
        self._needed_at: dict[int, Collection[int]] = {}
        """The nodes that need an event, by its position."""
        self._probe = redis_client(url)
        self._clients = [redis_client(url) for _ in range(nodes)]
        self._buses = [TransportBus(_transport_of(client), _REALM) for client in self._clients]

    async def start(self) -> None:
        for which, bus in enumerate(self._buses):
            await bus.start(_EPOCH, _node_id(which), _ignore, partial(self._choose, which), lambda: True)
        assert not any(bus.is_disconnected for bus in self._buses)
        for which, bus in enumerate(self._buses):
            bus.send(EphemeralBatch(_node_id(which), ()))  # so that all know each other

    async def close(self) -> None:
        for bus in self._buses:
            await bus.close()
        for client in (*self._clients, self._probe):
            await client.aclose()

    def send(self, what: Callable[[Cluster, str], AnyBusMessage]) -> None:
        """Lets something happen at a random node of a random conversation."""
        size = self.chance.choice(self._sizes)
        nodes = sorted(reached_nodes(size, len(self._buses), self._usage, self.chance))
        which = self.chance.choice(nodes)
        happening = what(self, _node_id(which))
        if isinstance(happening, CommittedBatch):
            self._needed_at[happening.pos] = nodes
            self._buses[which].announce(happening, [hash_of(event) for event in happening.events or ()])
        else:
            is_addressed = what is written or (what is typing and size <= CONTACTS_MAX)
            self._send(which, happening, [_node_id(each) for each in nodes if each != which] if is_addressed else None)

        if what is listed:
            self._answer(which)

    def _answer(self, home: int) -> None:
        """Lets those nodes that have readers of the listed streams say so."""
        read: defaultdict[int, list[int]] = defaultdict(list)
        for _ in range(STREAMS_OF_NODE):
            size = self.chance.choice(self._sizes)
            for which in reached_nodes(size, len(self._buses), self._usage, self.chance):
                read[which].append(id_at(self.chance.randrange(POSITIONS)))
        for which, ids in read.items():
            if which != home:
                answer = StreamsRead(_node_id(which), tuple(ids))
                self._buses[which].send(EphemeralBatch(_node_id(which), (answer,)), (_node_id(home),))

    def _send(self, which: int, happening: AnyBusMessage, to: Sequence[str] | None) -> None:
        if to is None or len(to) > ADDRESSED_SHARE * (len(self._buses) - 1):
            self._buses[which].send(happening)
        elif to:
            self._buses[which].send(happening, tuple(to))

    def _choose(self, which: int, announced: Sequence[Announcement]) -> Sequence[Announcement]:
        return [each for each in announced if which in self._needed_at[each.pos]]

    async def traffic(self) -> Traffic:
        """Returns the sums so far, once all that was sent has arrived."""
        before = -1
        while before != (received := sum(bus.counts.received for bus in self._buses)):
            before = received
            await asyncio.sleep(0.2)
        found = await self._probe.info("stats")
        return Traffic(found["total_net_input_bytes"], found["total_net_output_bytes"], received)

    def user_id(self) -> str:
        return own_id_at(self.chance.randrange(USERS))

    def conversation_id(self) -> str:
        return own_id_at(self.chance.randrange(POSITIONS))

    @property
    def gathered_changes(self) -> int:
        """How many users connect to a node or leave it while it gathers such changes."""
        return max(1, round(PRESENCE_PER_S / len(self._buses) * GATHER_S))


def _node_id(which: int) -> str:
    return f"{which:016x}"


def _transport_of(client: Redis) -> Callable[[str], RedisTransport]:
    return lambda name: RedisTransport(client, name)


def _ignore(_message: AnyBusMessage) -> None:
    """Receives a message: what a node does with it is not measured here."""


def message(cluster: Cluster, node_id: str) -> AnyBusMessage:
    cluster.pos += 1
    pos, now_ms = cluster.pos, time.time_ns() // 10**6
    sent = Message(
        id_at(pos),
        cluster.conversation_id(),
        cluster.chance.randrange(10_000),
        cluster.user_id(),
        "Alex Example",
        CONTENT,
        now_ms,
        client_message_id=f"{cluster.chance.getrandbits(128):032x}",
    )
    return CommittedBatch(node_id, pos - 1, pos, (MessageSent(pos, now_ms, sent),))


def typing(cluster: Cluster, node_id: str) -> AnyBusMessage:
    return EphemeralBatch(
        node_id, (TypingChanged(cluster.conversation_id(), cluster.user_id(), "Alex Example", is_typing=True),)
    )


def presence(cluster: Cluster, node_id: str) -> AnyBusMessage:
    """Returns what a node sends of the changes that it has gathered: half of them are first connections of users, and
    half are the ends of the last one."""
    count = cluster.gathered_changes
    moves = [compact(_came(cluster) if number % 2 else _left(cluster)) for number in range(count)]
    return EphemeralBatch(node_id, (UsersMovedCompactly(node_id, 10**6, 10**6 + count, tuple(moves)),))


def _came(cluster: Cluster) -> UserMove:
    circle = tuple(cluster.conversation_id() for _ in range(CONVERSATIONS_OF_USER))
    return UserMove(PresenceRecord(cluster.user_id()), away=False, circle_ids=circle)


def _left(cluster: Cluster) -> UserMove:
    return UserMove(PresenceRecord(cluster.user_id(), last_seen_ms=time.time_ns() // 10**6), away=None)


def written(cluster: Cluster, node_id: str) -> AnyBusMessage:
    """Returns one change of a message that is being written: some words of an answer."""
    change = PartChange(0, cluster.chance.randrange(4000), " are delivered within")
    number = cluster.chance.randrange(500)
    conversation_id, message_id = cluster.conversation_id(), id_at(cluster.chance.randrange(POSITIONS))
    seq = cluster.chance.randrange(10_000)
    advanced = StreamAdvanced(
        conversation_id, message_id, seq, (change,), attempt=1, number=number, home_id=node_id, is_whole=False
    )
    return EphemeralBatch(node_id, (advanced,))


def listed(cluster: Cluster, node_id: str) -> AnyBusMessage:
    """Returns the list of the streams of a node, each of which it sends once a second."""
    streams = [
        OpenStreamAt(
            id_at(cluster.chance.randrange(POSITIONS)), cluster.conversation_id(), 1, cluster.chance.randrange(500)
        )
        for _ in range(STREAMS_OF_NODE)
    ]
    return EphemeralBatch(node_id, (StreamsOpen(node_id, tuple(streams)),))


HAPPENINGS = {
    "a message": message,
    "a typing signal": typing,
    PRESENCE: presence,
    "a change of a message that is being written": written,
    OPEN: listed,
}


async def measure(url: str, nodes: int, rate: int, seconds: float, seed: int) -> tuple[Traffic, dict[str, Traffic]]:
    """Returns what idle nodes cause in a second, and what each kind of happening causes, on average of many."""
    chance = random.Random(seed)
    async with running_cluster(url, nodes, chance) as cluster:
        idle = await _during(cluster, seconds, None, 0)
    with patch.object(carried, "BEAT_S", NEVER_S):
        async with running_cluster(url, nodes, chance) as cluster:
            found = {
                name: await _during(cluster, seconds, what, rate / (STREAMS_OF_NODE if name == OPEN else 1))
                for name, what in HAPPENINGS.items()
            }
            found[PRESENCE] = _times(found[PRESENCE], 1 / cluster.gathered_changes)
    return _times(idle, 1 / seconds), {name: _times(each, 1 / (rate * seconds)) for name, each in found.items()}


@asynccontextmanager
async def running_cluster(url: str, nodes: int, chance: random.Random) -> AsyncIterator[Cluster]:
    """Yields nodes that are connected, and closes them afterwards."""
    cluster = Cluster(url, nodes, chance)
    await cluster.start()
    try:
        yield cluster
    finally:
        await cluster.close()


def _times(traffic: Traffic, factor: float) -> Traffic:
    return Traffic(*(round(figure * factor) for figure in (traffic.received, traffic.sent, traffic.messages)))


async def _during(
    cluster: Cluster, seconds: float, what: Callable[[Cluster, str], AnyBusMessage] | None, rate: float
) -> Traffic:
    """Returns the traffic of some seconds in which `rate` of something happen in each."""
    before, began = await cluster.traffic(), time.monotonic()
    for done in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, began + done / rate - time.monotonic()))
        assert what is not None
        cluster.send(what)
    await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
    return await cluster.traffic() - before


def table(idle: Traffic, found: dict[str, Traffic]) -> str:
    """Returns the measured traffic as a Markdown table."""
    lines = ["| | into Valkey | out of Valkey | received by nodes |", "|---|---:|---:|---:|"]
    rows = {"a second in which nothing happens": idle, **found}
    lines += [f"| {name} | {each.received:,} B | {each.sent:,} B | {each.messages:,} |" for name, each in rows.items()]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.bus", description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--rate", type=int, default=400, help="happenings a second")
    parser.add_argument("--slower", type=int, default=25, help="how many times as long announcements are gathered")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="tw-bus-") as folder,
        running_valkey(Path(folder)) as valkey,
        patch.object(announcer, "ANNOUNCEMENTS_GATHER_S", announcer.ANNOUNCEMENTS_GATHER_S * options.slower),
    ):
        idle, found = asyncio.run(measure(valkey.url, options.nodes, options.rate, options.seconds, options.seed))
    print(table(idle, found))


if __name__ == "__main__":
    main()
