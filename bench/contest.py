"""Compares servers in turns: all run at the same time on the same core, and only one of them is under load.

A machine that others share changes its speed by a third within seconds, so measurements one after the other show no
difference below that. Here each server has a load generator whose clients stay connected, and a turn takes half a
second. The figures of neighbouring turns belong together, and the median of their ratios is what counts.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from bench.dataset import DatasetFiles
from bench.load import Clients, LoadFailedError, LoadGenerator, Traffic
from bench.machine import await_rest
from bench.servers import Running

Side = TypeVar("Side")

_NO_OPTIONS: Mapping[str, int | str] = MappingProxyType({})


@dataclass(frozen=True)
class Load:
    """A kind of traffic, which a mode of the load generator makes.

    `metric` names its samples. `counted` returns the units of a turn, such as deliveries. With `across`, the first
    client uses the first of several nodes, and the others use the last one.
    """

    metric: str
    mode: str
    connections: int
    counted: Callable[[Traffic], int]
    options: Mapping[str, int | str] = field(default_factory=lambda: _NO_OPTIONS)
    across: bool = False

    def clients(
        self, generator: LoadGenerator, server: Running, files: DatasetFiles
    ) -> AbstractContextManager[Clients]:
        """Connects the clients of a load generator until the block ends."""
        ports = f"{server.ports[0]},{server.ports[-1]}" if self.across else ",".join(map(str, server.ports))
        return generator.clients(self.mode, server, files, connections=self.connections, port=ports, **self.options)

    def samples(self, server: Running, traffic: Traffic) -> dict[str, float]:
        """Returns the samples of a turn by metric: units per second and per second of the servers' processor time,
        latencies, the load of the generator and of other processes, and microseconds of each process for a message or
        handshake.
        """
        count = self.counted(traffic)
        if not count:
            raise LoadFailedError(f"{self.metric}: nothing was completed within a turn")
        figures = {
            "rate": count / traffic.seconds,
            "per_cpu": count / max(traffic.server_cpu_s, _TICK_S),
            "load": traffic.load_cpu_s / traffic.seconds,
            "others": traffic.other_cpu_s / traffic.seconds,
            "p50": traffic.p50_ms,
            "p99": traffic.p99_ms,
        }
        for process, cpu_s in zip(server.processes, traffic.process_cpu_s, strict=True):
            figures[f"us.{process.name}"] = cpu_s / (traffic.messages or count) * 1e6
        return {f"{self.metric}.{name}": value for name, value in figures.items()}


_TICK_S = 0.01
"""The resolution of the processor time that Linux reports."""


class Contender(NamedTuple):
    """A running server, the files of its scenario, and how many times as long as usual its turns last."""

    server: Running
    files: DatasetFiles
    turn_length: int = 1


def contest(
    contenders: Mapping[Side, Contender], load: Load, generator: LoadGenerator, turns: int, rest_s: float = 0
) -> Iterator[Mapping[Side, Mapping[str, float]]]:
    """Yields, for each turn, every contender's samples. In every second turn they run in the opposite order.

    Each turn begins when all servers have been at rest for a moment, after `rest_s` seconds at the latest.
    """
    with ExitStack() as stack:
        clients = {
            side: stack.enter_context(
                load.clients(generator.lasting(contender.turn_length), contender.server, contender.files)
            )
            for side, contender in contenders.items()
        }
        order = list(clients)
        for _ in range(turns):
            samples = {}
            for side in order:
                await_rest(rest_s)
                samples[side] = load.samples(contenders[side].server, clients[side].take_turn())
            yield samples
            order.reverse()


class Spread(NamedTuple):
    """A median with its quartiles."""

    low: float
    median: float
    high: float


QUARTILES_FROM = 8
"""The least number of turns from which on quartiles say something."""


def spread_of_ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Returns the spread of the ratios of neighbouring turns, ours to theirs. Both must have equally many items, and
    `theirs` no zero."""
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    if len(ratios) < QUARTILES_FROM:
        return Spread(min(ratios), statistics.median(ratios), max(ratios))
    return Spread(*statistics.quantiles(ratios, n=4))
