"""What nodes have left over when all clients have gone: no connection, no socket, no task, and bounded memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.torture.checks.violation import Findings

READY = "every node answers in the end"
NOTHING_LEFT = "no connection, socket or task is left over"
MEMORY = "memory is bounded"

TASKS_MORE_MAX = 3
"""How many tasks an idle node may have beyond one that has just been started: what is done from time to time may be
under way in the moment that is looked at."""

FRESH_AND_BUSY_MB = 64.0
"""How much a node takes that has begun to serve: connections, statements, prepared frames, what the allocator keeps of
the peak. Measured: 20 MB in three minutes."""

COMMAND_KB = 8.0
"""For each command that the campaign has begun meanwhile: nodes keep the newest events, of which a command makes up to
three with its receipts, so what they take grows with the log until there are 50,000, and no further."""

COMMANDS_KEPT = 25_000


@dataclass(frozen=True)
class Sample:
    """One look at a node's process. `pid` is another one after each start."""

    at: float
    node: str
    pid: int
    resident_mb: float
    commands: int = 0


@dataclass
class Gauges:
    """Of one node, from its `/metrics`; None where there is no such figure."""

    connections: float | None = None
    sockets: float | None = None
    tasks: float | None = None

    @classmethod
    def of(cls, metrics: Mapping[str, float]) -> Gauges:
        return cls(metrics.get("talkwire_connections"), metrics.get("talkwire_sockets"), metrics.get("talkwire_tasks"))


@dataclass
class Resources:
    """`fresh`, `fresh_mb`: before any client came. `full`: with `clients` connected at the end. `left`: after they have
    gone."""

    clients: int = 0
    fresh_mb: float = 0.0
    fresh: dict[str, Gauges] = field(default_factory=dict)
    full: dict[str, Gauges] = field(default_factory=dict)
    left: dict[str, Gauges] = field(default_factory=dict)
    ready: dict[str, bool] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)


def check_resources(resources: Resources, findings: Findings) -> None:
    for node, ready in resources.ready.items():
        findings.count("nodes asked whether they are ready")
        if not ready:
            findings.add(READY, f"{node} does not answer /readyz with 200")
    sockets = [gauges.sockets or 0 for gauges in resources.full.values()]
    if sum(sockets) != resources.clients:
        findings.add(NOTHING_LEFT, f"{resources.clients} clients are there, the nodes count {sockets} sockets")
    for node, gauges in resources.left.items():
        findings.count("nodes looked at after all had gone")
        if gauges.connections or gauges.sockets:
            findings.add(NOTHING_LEFT, f"{node} has {gauges.connections} connections and {gauges.sockets} sockets left")
        fresh = resources.fresh.get(node)
        if gauges.tasks is not None and fresh is not None and fresh.tasks is not None:
            findings.count("task counts")
            if gauges.tasks > fresh.tasks + TASKS_MORE_MAX:
                findings.add(NOTHING_LEFT, f"{node} has {gauges.tasks} tasks left, and had {fresh.tasks} at its start")
    check_memory(resources.samples, resources.fresh_mb, findings)


def check_memory(samples: Sequence[Sample], fresh_mb: float, findings: Findings) -> None:
    """Of each process: how much it has beyond `fresh_mb`, what one has that has just been started."""
    by_process: dict[tuple[str, int], list[Sample]] = {}
    for sample in samples:
        by_process.setdefault((sample.node, sample.pid), []).append(sample)
    for (node, pid), found in by_process.items():
        findings.count("processes whose memory was watched")
        first, largest = found[0], max(found, key=lambda each: each.resident_mb)
        seen = min(COMMANDS_KEPT, largest.commands - first.commands)
        allowed = fresh_mb + FRESH_AND_BUSY_MB + seen * COMMAND_KB / 1024
        if largest.resident_mb > allowed:
            says = f"{node} (process {pid}) had {largest.resident_mb:.0f} MB at {largest.at:.0f} s;"
            says += f" allowed are {allowed:.0f} MB after {seen} commands"
            shows = tuple(
                f"{sample.at:9.1f}  {sample.resident_mb:.0f} MB" for sample in found[:: max(1, len(found) // 40)]
            )
            findings.add(MEMORY, says, shows=shows)
