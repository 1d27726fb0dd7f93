"""Measures the load: counts, latencies, and the processor time and memory of the server from /proc (Linux)."""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.machine import all_processors_time_s

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Counts:
    """What has happened since the start: complete messages, messages received, sends answered, and handshakes."""

    messages: int = 0
    deliveries: int = 0
    acks: int = 0
    handshakes: int = 0


@dataclass
class Meter:
    """Counts what the clients do. `pids` are the processes whose time is measured, the server first."""

    pids: list[int]
    counts: Counts = field(default_factory=Counts)
    refused: int = 0
    missing: int = 0
    _latencies_ms: list[float] = field(default_factory=list)
    _measuring: bool = False

    def record(self, since: float) -> None:
        """Stores the time from `since` (time.monotonic) to now as a latency, if the measured window is open."""
        if self._measuring:
            self._latencies_ms.append((time.monotonic() - since) * 1000)

    async def measure(self, warmup_s: float, seconds: float) -> dict[str, object]:
        """Waits for the warm-up and the window, and returns the counts and times of the window alone."""
        await asyncio.sleep(warmup_s)
        before, counts = _Clocks.read(self.pids), asdict(self.counts)
        self._measuring = True
        await asyncio.sleep(seconds)
        self._measuring = False
        after = _Clocks.read(self.pids)
        done = {name: count - counts[name] for name, count in asdict(self.counts).items()}
        return done | after.since(before)

    def print_result(self, mode: str, connections: int, window: dict[str, object]) -> None:
        """Prints the result of a turn as one line of JSON."""
        ordered = sorted(self._latencies_ms) or [0.0]
        quantiles = {"p50_ms": 0.5, "p99_ms": 0.99, "max_ms": 1}
        latencies = {name: ordered[int(share * (len(ordered) - 1))] for name, share in quantiles.items()}
        failures = {"refused": self.refused, "missing": self.missing}
        print(json.dumps({"mode": mode, "connections": connections} | window | latencies | failures), flush=True)
        self._latencies_ms.clear()


@dataclass(frozen=True)
class _Clocks:
    now_s: float
    processes_s: list[float]
    load_s: float
    machine_s: float

    @classmethod
    def read(cls, pids: list[int]) -> _Clocks:
        return cls(time.monotonic(), [tree_time_s(pid) for pid in pids], time.process_time(), all_processors_time_s())

    def since(self, before: _Clocks) -> dict[str, object]:
        processes_s = [now - then for now, then in zip(self.processes_s, before.processes_s, strict=True)]
        server_s, load_s = sum(processes_s), self.load_s - before.load_s
        return {
            "seconds": self.now_s - before.now_s,
            "server_cpu_s": server_s,
            "load_cpu_s": load_s,
            "other_cpu_s": self.machine_s - before.machine_s - server_s - load_s,
            "process_cpu_s": processes_s,
        }


def tree_time_s(pid: int) -> float:
    """Returns the processor time of a process, its ended children and its living ones (PostgreSQL has one for each
    connection), in seconds.
    """
    process = Path("/proc") / str(pid)
    try:
        # proc(5): fields 14 to 17, counted from the closing bracket of the name, which may contain spaces.
        ticks = map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:15])
        children = [int(child) for task in process.glob("task/*/children") for child in task.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # a child that has just ended counts as its parent's
    return sum(ticks) / _TICKS_A_SECOND + sum(map(tree_time_s, children))


def memory_kib(pid: int) -> int:
    """Returns a process's proportional set size in KiB: pages that processes share count by their share."""
    for line in (Path("/proc") / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise LookupError(f"/proc/{pid}/smaps_rollup has no Pss")
