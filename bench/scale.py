"""Simulates the load of a cluster with many nodes from measured unit costs (docs/scale.md).

    python -m bench.scale [--seed 1] [--samples 20000]

Draws conversations by size and assigns their members to nodes at random; each node's work per second follows from the
unit costs, most of which come from docs/benchmarks.md. No cluster of that size was measured. `make bench` with
`--write` puts the results into docs/scale.md.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.report import published_figure, write_between_markers
from talkwire.core.connected.memberships import CONTACTS_MAX
from talkwire.core.signals.contact_places import ADDRESSED_SHARE

DOCS = Path(__file__).parents[1] / "docs"


@dataclass(frozen=True)
class UnitCosts:
    """The cost of each elementary operation, in microseconds of one core unless a comment names another unit.

    docs/scale.md says how each cost was measured.
    """

    message: float
    """authorizing, storing and acknowledging a message on the node that received it"""
    delivery: float
    """one frame to one socket, for a message to few recipients"""
    crowd_delivery: float
    """one frame to one socket of a large room, sixteen messages in flight"""
    sign_in: float
    """a handshake with a token, until the answer of CONNECT"""
    connection_kib: float
    """memory of one idle connection, KiB, without the kernel's"""
    bus_event: float = 12.0
    """an event, signal or change of presence of another node: reading it from the bus and passing it to all listeners
    """
    bus_range: float = 0.05
    """skipping one event of a range of the log that does not concern the node"""
    heartbeat: float = 12.0
    """a ping and its pong"""
    event_bytes: float = 502.0
    """size of a message on the way from the bus to a node (`python -m bench.bus`)"""
    announcement_bytes: float = 14.0
    """size of a message's announcement, to every node"""
    block_bytes: float = 75.0
    """what comes with each block of announcements"""
    gather_s: float = 0.005
    """for how many seconds announcements are gathered"""
    fetched_bytes: float = 240.0
    """size of a message on the way to a node that has fetched it, compressed"""
    announced_from: int = 9
    """from how many nodes on messages are announced, and nodes keep only those users of others who concern them"""
    signal_bytes: float = 267.0
    """size of a typing signal on the way to a node, among few nodes"""
    addressed_bytes: float = 176.0
    """the same among many nodes, where it is compressed"""
    presence_bytes: float = 875.0
    """size of a user's first connection or the end of the last one, among few nodes"""
    compact_bytes: float = 82.0
    """the same among many nodes"""
    copy_bytes: float = 150.0
    """memory of a copy of a user who is connected to another node (decision 80)"""
    kept_bytes: float = 310.0
    """memory of such a copy with the conversations that the user shares with users of the node (decision 149)"""
    log_messages_s: float = 47_000.0
    """messages that one PostgreSQL stores per second"""

    @classmethod
    def measured(cls, benchmarks: str) -> UnitCosts:
        """Returns the costs with the figures in the text of docs/benchmarks.md."""

        def microseconds(subject: str) -> float:
            return 1e6 / published_figure(benchmarks, f"{subject} … per CPU-second")

        return cls(
            message=microseconds("durable pairs: acknowledged messages/s"),
            delivery=microseconds("fan-out to 1,000, 1 in flight: deliveries/s"),
            crowd_delivery=microseconds("fan-out to 1,000, 16 in flight: deliveries/s"),
            sign_in=microseconds("handshakes with a token/s"),
            connection_kib=published_figure(benchmarks, "memory per idle connection at 10,000: KiB"),
        )

    def rows(self) -> str:
        """Returns the measured costs as the rows of a Markdown table: what, how much, and which benchmark."""
        rows = (
            ("memory of an idle connection, without the kernel's part", f"{self.connection_kib:.1f} KiB", "idle"),
            ("one frame to one socket, one message in flight", f"{self.delivery:.1f} µs", "fanout"),
            ("the same in a large room, sixteen messages in flight", f"{self.crowd_delivery:.2f} µs", "fanout"),
            ("a message authorized, stored, acknowledged, delivered to two", f"{self.message:.0f} µs", "pairs"),
            ("a sign-in with a token, until the answer of CONNECT", f"{self.sign_in:.0f} µs", "handshake"),
        )
        return "\n".join(f"| {what} | {cost} | `{scenario}` |" for what, cost, scenario in rows)


@dataclass(frozen=True)
class Usage:
    """The behaviour of people in the simulation: messages per hour, kinds and sizes of conversations, share of online
    members.
    """

    messages_per_user_hour: float = 12.0
    share_direct: float = 0.55
    share_group: float = 0.42
    group_median: float = 8.0
    group_sigma: float = 0.9
    channel_median: float = 400.0
    channel_sigma: float = 1.4
    online: float = 0.3
    """the share of a conversation's members that are connected"""
    signals_per_message: float = 2.0
    """typing signals: begin and end"""
    session_s: float = 1800.0
    contacts: float = 120.0
    """people with whom a user shares a conversation that is small enough for presence"""
    heartbeat_s: float = 25.0


@dataclass(frozen=True)
class Load:
    """The simulated work per second of one node of a cluster, and of its bus."""

    nodes: int
    messages_s: float
    deliveries_per_message: float
    nodes_per_message: float
    core_everything: float
    """share of one core if every node receives every event"""
    core: float
    """share of one core if a node among many receives the events and signals of its own conversations, and only the
    positions of all others"""
    all_mb_s: float
    """if every node receives everything"""
    bus_mb_s: float
    """among many nodes, with announced messages, compact changes of presence to every node, and signals that go to the
    nodes of their conversation"""
    copies_mb: float
    """memory of a node for the users of all other nodes"""
    logs: int


def drawn_sizes(usage: Usage, samples: int, randomness: random.Random) -> list[int]:
    """Returns random numbers of members for `samples` messages' conversations, distributed as `usage` says."""
    sizes = []
    for _ in range(samples):
        kind = randomness.random()
        if kind < usage.share_direct:
            size = 2.0
        elif kind < usage.share_direct + usage.share_group:
            size = randomness.lognormvariate(math.log(usage.group_median), usage.group_sigma)
        else:
            size = randomness.lognormvariate(math.log(usage.channel_median), usage.channel_sigma)
        sizes.append(max(2, round(size)))
    return sizes


def reached(size: int, nodes: int, usage: Usage, randomness: random.Random) -> tuple[int, int]:
    """Returns (sockets, nodes): how many sockets, on how many nodes, receive a message in a conversation of `size`
    members.
    """
    online = _online(size, usage, randomness)
    if online > 20 * nodes:
        return online, nodes
    return online, len(_places(online, nodes, randomness))


def reached_nodes(size: int, nodes: int, usage: Usage, randomness: random.Random) -> Collection[int]:
    """Returns the numbers of the nodes that receive a message in a conversation of `size` members."""
    return _places(_online(size, usage, randomness), nodes, randomness)


def _online(size: int, usage: Usage, randomness: random.Random) -> int:
    return 1 + sum(randomness.random() < usage.online for _ in range(size - 1))


def _places(online: int, nodes: int, randomness: random.Random) -> set[int]:
    return {randomness.randrange(nodes) for _ in range(online)}


@dataclass(frozen=True)
class World:
    """The parameters of all simulated clusters: unit costs, people's behaviour, sizes of conversations, connections per
    node.
    """

    costs: UnitCosts
    usage: Usage
    sizes: Sequence[int]
    per_node: int
    """connections per node"""


def load_of(connections: int, world: World, randomness: random.Random) -> Load:
    """Returns the average work per second of one node, in a cluster with this number of connections in all."""
    costs, usage, sizes = world.costs, world.usage, world.sizes
    nodes = max(1, math.ceil(connections / world.per_node))
    found = [reached(size, nodes, usage, randomness) for size in sizes]
    deliveries = sum(sockets for sockets, _ in found) / len(found)
    nodes_per_message = sum(count for _, count in found) / len(found)
    nodes_per_signal = sum(_signalled(size, count, nodes) for size, (_, count) in zip(sizes, found, strict=True))
    messages_s = connections * usage.messages_per_user_hour / 3600
    signals_s, moves_s = messages_s * usage.signals_per_message, 2 * connections / usage.session_s
    own = messages_s / nodes * costs.message
    out = messages_s * deliveries / nodes * costs.delivery
    beats = connections / nodes / usage.heartbeat_s * costs.heartbeat
    # To all other nodes, in a second.
    to_all = (messages_s + signals_s + moves_s) * (nodes - 1)
    all_mb_s = messages_s * costs.event_bytes + signals_s * costs.signal_bytes + moves_s * costs.presence_bytes
    all_mb_s *= (nodes - 1) / 1e6
    copies_mb = connections * (nodes - 1) / nodes * costs.copy_bytes / 1e6
    sent, bus_mb_s, skipped = to_all, all_mb_s, 0.0
    if nodes >= costs.announced_from:
        blocks_s = min(messages_s, 1 / costs.gather_s)
        fetched = messages_s * (nodes_per_message - 1)
        signalled = signals_s * (nodes_per_signal / len(found) - 1)
        announced = messages_s * costs.announcement_bytes + blocks_s * costs.block_bytes
        sent = fetched + signalled + moves_s * (nodes - 1)
        skipped = messages_s * (nodes - 1) - fetched
        bus_mb_s = (announced + moves_s * costs.compact_bytes) * (nodes - 1)
        bus_mb_s = (bus_mb_s + fetched * costs.fetched_bytes + signalled * costs.addressed_bytes) / 1e6
        contact_nodes = (nodes - 1) * (1 - (1 - 1 / nodes) ** (usage.contacts * usage.online))
        copies_mb = connections * contact_nodes / nodes * costs.kept_bytes / 1e6
    return Load(
        nodes=nodes,
        messages_s=messages_s,
        deliveries_per_message=deliveries,
        nodes_per_message=nodes_per_message,
        core_everything=(own + out + beats + to_all / nodes * costs.bus_event) / 1e6,
        core=(own + out + beats + (sent * costs.bus_event + skipped * costs.bus_range) / nodes) / 1e6,
        all_mb_s=all_mb_s,
        bus_mb_s=bus_mb_s,
        copies_mb=copies_mb,
        logs=math.ceil(messages_s / (costs.log_messages_s / 2)),
    )


def _signalled(size: int, reached: int, nodes: int) -> int:
    """Returns to how many of many nodes a signal goes, its own included, in a conversation of `size` members on
    `reached` nodes."""
    return reached if size <= CONTACTS_MAX and reached - 1 <= ADDRESSED_SHARE * (nodes - 1) else nodes


def table(loads: Sequence[tuple[int, Load]]) -> str:
    """Returns the simulated loads as a Markdown table. `loads` has pairs (connections in all, load of one node)."""
    heads = ["connections", "nodes", "messages/s", "sockets a message", "nodes a message"]
    heads += ["core, all to all", "core", "bus, all to all", "bus", "copies of presence", "logs"]
    lines = [f"| {' | '.join(heads)} |", "|---:" * len(heads) + "|"]
    lines += [
        f"| {connections:,} | {load.nodes:,} | {load.messages_s:,.0f} | {load.deliveries_per_message:.1f} "
        f"| {load.nodes_per_message:.1f} | {load.core_everything:.0%} | {load.core:.0%} "
        f"| {load.all_mb_s:,.0f} MB/s | {load.bus_mb_s:,.0f} MB/s | {load.copies_mb:,.0f} MB | {load.logs} |"
        for connections, load in loads
    ]
    return "\n".join(lines)


def simulated(costs: UnitCosts, *, seed: int = 1, samples: int = 20_000, per_node: int = 30_000) -> str:
    """Returns the table of clusters from 30,000 to ten million connections."""
    randomness = random.Random(seed)
    usage = Usage()
    world = World(costs, usage, drawn_sizes(usage, samples, randomness), per_node)
    sizes = (30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
    return table([(connections, load_of(connections, world, randomness)) for connections in sizes])


def write_tables(page: Path = DOCS / "scale.md") -> None:
    """Puts the measured costs and the simulation of clusters into docs/scale.md, or into a copy of it."""
    costs = UnitCosts.measured((DOCS / "benchmarks.md").read_text())
    write_between_markers(page, "scale:costs", f"| | | measured by |\n|---|---:|---|\n{costs.rows()}")
    write_between_markers(page, "scale:simulated", simulated(costs))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--per-node", type=int, default=30_000, help="connections of one node")
    options = parser.parse_args()
    costs = UnitCosts.measured((DOCS / "benchmarks.md").read_text())
    print(simulated(costs, seed=options.seed, samples=options.samples, per_node=options.per_node))


if __name__ == "__main__":
    main()
