"""Checks that nodes release everything when all clients have disconnected: connections, sockets, tasks; and that memory
is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rigs.torture.checks.violation import Findings

READY = "every node answers in the end"
NOTHING_LEFT = "no connection, socket or task is left over"
MEMORY = "memory is bounded"

TASKS_MORE_MAX = 3
"""How many more tasks an idle node may have than a freshly started one: periodic work may be running when it is
measured.
"""

FRESH_AND_BUSY_MB = 64.0
"""MB that a node needs once it serves: connections, statements, prepared frames, and what the allocator keeps after a
peak. Measured: 20 MB in three minutes.
"""

COMMAND_KB = 8.0
"""KB for each command of the campaign: nodes keep the newest events in memory, up to three for a command and its
receipts. So memory grows with the log until 50,000 events, and no further.
"""

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
        return cls(metrics.get("talkwire_sessions"), metrics.get("talkwire_sockets"), metrics.get("talkwire_tasks"))


@dataclass
class Resources:
    """Measurements. `fresh`, `fresh_mb`: before any client connected. `full`: with `clients` connected at the end.
    `left`: after all have disconnected.
    """

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
