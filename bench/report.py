"""Medians and ratios: the table for the terminal and for docs/benchmarks.md."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.servers import NODE, NODE_FULL, NODE_NORMAL, PYTHON, TALKWIRE, Entrant

BEGIN = "<!-- bench:begin -->"
END = "<!-- bench:end -->"
NOT_MEASURED = "-"

# A load generator as busy as this may be what limits the server.
SATURATED = 0.9
# Other processes that take more of a core than this spoil a figure.
DISTURBED = 0.15


@dataclass
class Results:
    """Samples, one a round, by metric and entrant."""

    samples: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, entrant: Entrant, samples: dict[str, float]) -> None:
        for metric, value in samples.items():
            self.samples[metric, entrant.name].append(value)

    def median(self, metric: str, entrant: Entrant | None) -> float | None:
        values = self.samples.get((metric, entrant.name)) if entrant else None
        return statistics.median(values) if values else None


@dataclass(frozen=True)
class Row:
    """One line of the table: a metric and whose samples stand in the columns of the peers."""

    title: str
    metric: str
    node: Entrant = NODE
    python: Entrant | None = PYTHON
    less_is_better: bool = False

    def ratio(self, ours: float | None, theirs: float | None) -> str:
        """How many times better Talkwire is; below 1 it is worse."""
        if not ours or not theirs:
            return NOT_MEASURED
        times = theirs / ours if self.less_is_better else ours / theirs
        return f"{times:.1f}" if times < 10 else f"{times:.0f}"

    def cells(self, results: Results) -> list[str]:
        ours = results.median(self.metric, TALKWIRE)
        peers = [results.median(self.metric, self.node), results.median(self.metric, self.python)]
        return [self.title, *map(_number, [ours, *peers]), *(self.ratio(ours, peer) for peer in peers)]


ROWS = (
    Row("fan-out to 1,000, 1 outstanding: deliveries/s", "fanout-1.rate"),
    Row("… per CPU-second", "fanout-1.per_cpu"),
    Row("fan-out to 1,000, 16 outstanding: deliveries/s", "fanout-16.rate"),
    Row("… per CPU-second", "fanout-16.per_cpu"),
    Row("durable pairs: acknowledged messages/s", "pairs.rate", NODE_FULL, None),
    Row("… per CPU-second", "pairs.per_cpu", NODE_FULL, None),
    Row("… ack latency, p50 ms", "pairs.p50", NODE_FULL, None, less_is_better=True),
    Row("… ack latency, p99 ms", "pairs.p99", NODE_FULL, None, less_is_better=True),
    Row("durable pairs, Node with NORMAL: messages/s", "pairs.rate", NODE_NORMAL, None),
    Row("… per CPU-second", "pairs.per_cpu", NODE_NORMAL, None),
    Row("… ack latency, p50 ms", "pairs.p50", NODE_NORMAL, None, less_is_better=True),
    Row("… ack latency, p99 ms", "pairs.p99", NODE_NORMAL, None, less_is_better=True),
    Row("memory per idle connection at 10,000: KiB", "idle.kib", less_is_better=True),
    Row("handshakes with a token/s", "handshake.rate"),
    Row("… per CPU-second", "handshake.per_cpu"),
    Row("… latency, p50 ms", "handshake.p50", less_is_better=True),
    Row("… latency, p99 ms", "handshake.p99", less_is_better=True),
    Row("fan-out in one dialect, 1 outstanding: deliveries/s", "dialects-1-1.rate", NODE, None),
    Row("… members spread over five dialects", "dialects-5-1.rate", NODE, None),
    Row("… times the processor time of one dialect", "dialects-1.cost", NODE, None),
    Row("fan-out in one dialect, 16 outstanding: deliveries/s", "dialects-1-16.rate", NODE, None),
    Row("… members spread over five dialects", "dialects-5-16.rate", NODE, None),
    Row("… times the processor time of one dialect", "dialects-16.cost", NODE, None),
    Row("5,000 cut at once: seconds until all are back", "storm.back_s", NODE, None),
    Row("… messages sent meanwhile", "storm.meanwhile", NODE, None),
    Row("… sessions recovered, whole, without reading history", "storm.recovered", NODE, None),
)
HEADER = ["", "Talkwire", "Socket.IO on Node", "python-socketio", "times Node", "times Python"]


def table(results: Results) -> list[list[str]]:
    """The header and the rows of which anything was measured."""
    rows = [row.cells(results) for row in ROWS]
    return [HEADER, *(cells for cells in rows if any(cell != NOT_MEASURED for cell in cells[1:]))]


def notes(results: Results) -> Iterator[str]:
    """What a reader must know about single figures."""
    for (metric, entrant), values in sorted(results.samples.items()):
        name, _, kind = metric.partition(".")
        busy = statistics.median(values)
        if kind == "load" and busy > SATURATED:
            yield f"{name}, {entrant}: the load generator used {busy:.0%} of its core, so the server may do more."
        if kind == "others" and busy > DISTURBED:
            yield f"{name}, {entrant}: disturbed, other processes used {busy:.0%} of a core."


def as_text(results: Results) -> str:
    """The table in aligned columns."""
    rows = table(results)
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = ["  ".join(_aligned(row, widths)) for row in rows]
    return "\n".join([*lines, *notes(results)])


def as_markdown(results: Results, conditions: list[str]) -> str:
    """The conditions, the table and the notes."""
    header, *rows = table(results)
    rule = ["---", *["---:"] * (len(HEADER) - 1)]
    lines = [f"| {' | '.join(row)} |" for row in (header, rule, *rows)]
    remarks = [f"- {note}" for note in notes(results)]
    return "\n".join([*conditions, "", *lines, *([""] if remarks else []), *remarks])


def write_between_markers(page: Path, text: str) -> None:
    """Replace what stands between the two markers of `page`."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} lacks {BEGIN} or {END}")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def _aligned(row: list[str], widths: list[int]) -> list[str]:
    return [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]


def _number(value: float | None) -> str:
    if value is None:
        return NOT_MEASURED
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"
