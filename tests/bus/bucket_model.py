"""What the script in `bus/shared_limits.py` does, in Python, with a clock that a test sets; and nodes that use it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count

from talkwire.bus.shared_limits import REPORT_EVERY_S, Report, adopt_reply, reports
from talkwire.core.engine.limits import Kind, Limits, Rate

KIND = Kind.SENDS


@dataclass
class SharedBuckets:
    """Times are microseconds."""

    buckets: dict[str, tuple[int, int]] = field(default_factory=dict)

    def take(self, keys: Sequence[str], age: int, slack: int, costs: Sequence[int], now: int) -> list[int]:
        answers = []
        for key, cost in zip(keys, costs, strict=True):
            full_at, as_of = self.buckets.get(key, (0, 0))
            full_at -= max(0, as_of - now)
            if 0 <= slack < full_at - now:
                answers.append(now - full_at)
                continue
            full_at = max(full_at, now - age) + cost
            answers.append(max(0, full_at - now))
            if full_at > now:
                self.buckets[key] = (full_at, now)
        return answers


@dataclass
class Course:
    """The result of a simulation: when requests were allowed, on any node."""

    let_through: list[float]

    def most_beyond(self, rate: Rate) -> float:
        """By how much the busiest stretch of time, however long, had more than the rate gives in it."""
        most = surplus = 0.0
        before = -math.inf
        for at in self.let_through:
            surplus = max(0.0, surplus - (at - before) * rate.per_s) + 1
            before = at
            most = max(most, surplus)
        return most


def simulate(
    rate: Rate,
    nodes: int,
    takes: Iterable[tuple[float, int]],
    delay: Callable[[], float],
    clock_skews: Sequence[float] = (),
) -> Course:
    """Simulates one user's requests at these times on these nodes.

    A report takes `delay()` seconds to reach Redis, and its reply as long again. The nodes' clocks are wrong by
    `clock_skews`.
    """
    simulation = _Simulation(delay)
    planned = sorted(takes)
    for number in range(nodes):
        skew_s = clock_skews[number] if clock_skews else 0.0
        simulation.nodes.append(_Node(Limits(dict.fromkeys(Kind, rate), shared=True), skew_s, skew_s))
        simulation.at(REPORT_EVERY_S * (number + 1) / nodes, partial(simulation.report, number, planned[-1][0]))
    for time, number in planned:
        simulation.at(time, partial(simulation.take, number))
    simulation.run()
    return simulation.course


@dataclass
class _Node:
    limits: Limits
    skew_s: float
    reported_at: float


class _Simulation:
    def __init__(self, delay: Callable[[], float]) -> None:
        self.nodes: list[_Node] = []
        self.course = Course([])
        self._shared = SharedBuckets()
        self._delay = delay
        self._order = count()
        self._planned: list[tuple[float, int, Callable[[float], None]]] = []

    def at(self, time: float, what: Callable[[float], None]) -> None:
        heappush(self._planned, (time, next(self._order), what))

    def run(self) -> None:
        while self._planned:
            now, _, what = heappop(self._planned)
            what(now)

    def take(self, number: int, now: float) -> None:
        node = self.nodes[number]
        if not node.limits.take(KIND, "alice", now + node.skew_s):
            self.course.let_through.append(now)

    def report(self, number: int, ends_at: float, now: float) -> None:
        node = self.nodes[number]
        since, node.reported_at = node.reported_at, now + node.skew_s
        for report in reports(node.limits, since, node.reported_at):
            self.at(now + self._delay(), partial(self._arrive, node.limits, report))
        if now < ends_at:
            self.at(now + REPORT_EVERY_S, partial(self.report, number, ends_at))

    def _arrive(self, limits: Limits, report: Report, now: float) -> None:
        at_redis = round((now + 1e6) * 1e6)
        answers = self._shared.take(report.keys, report.age_us, -1, report.costs_us, at_redis)
        self.at(now + self._delay(), lambda _: adopt_reply(limits, report, answers))
