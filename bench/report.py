"""Formats the benchmark's results, medians and ratios, as a table for the terminal and for docs/benchmarks.md."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench.beside import APPENDS_A_SECOND
from bench.contest import Spread, spread_of_ratios
from bench.entrants import (
    BUN,
    BUN_FULL,
    BUN_NORMAL,
    EJABBERD,
    NODE,
    NODE_FULL,
    NODE_NODES,
    NODE_NORMAL,
    NODE_PIPELINED,
    NODE_POSTGRESQL,
    PYTHON,
    PYTHON_NODES,
    SYNAPSE,
    TALKWIRE,
    TALKWIRE_NODES,
    TALKWIRE_POSTGRESQL,
    TALKWIRE_STREAMS,
    TALKWIRE_WEBHOOKS,
)
from bench.servers import Entrant

NOT_MEASURED = "-"

# The load generator's share of a core from which on it may be what limits the server.
SATURATED = 0.9
# A ratio below this part of the last one is worse.
WORSE = 0.95
# The share of a core that other processes may use before a result counts as disturbed.
DISTURBED = 0.15


@dataclass
class Results:
    """All measured samples, one from each turn or round, by (metric, name of the server configuration)."""

    samples: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, entrant: Entrant, samples: Mapping[str, float]) -> None:
        for metric, value in samples.items():
            self.samples[metric, entrant.name].append(value)

    def median(self, metric: str, entrant: Entrant | None) -> float | None:
        values = self.samples.get((metric, entrant.name)) if entrant else None
        return statistics.median(values) if values else None

    def medians(self, entrant: Entrant, prefix: str) -> dict[str, float]:
        """Returns the medians of a server's metrics that begin with `prefix` and a dot."""
        return {
            metric: statistics.median(values)
            for (metric, name), values in self.samples.items()
            if name == entrant.name and metric.startswith(f"{prefix}.")
        }

    def times(self, metric: str, ours: Entrant, peer: Entrant | None, *, less_is_better: bool) -> Spread | None:
        """Returns how many times better our samples are than those of a peer in the same turns or rounds; None if
        they were not measured together."""
        own, theirs = self.samples.get((metric, ours.name)), self.samples.get((metric, peer.name)) if peer else None
        if not own or not theirs or len(own) != len(theirs) or not all((*own, *theirs)):
            return None
        return spread_of_ratios(theirs, own) if less_is_better else spread_of_ratios(own, theirs)


SOCKET_IO_SERVERS = (NODE, BUN, PYTHON)


@dataclass(frozen=True)
class Row:
    """A row of a table: a metric, and the server configurations that its columns compare, None for an empty cell.

    With `over`, Talkwire's result is divided by that of its other configuration `over`.
    """

    title: str
    metric: str
    peers: tuple[Entrant | None, ...] = SOCKET_IO_SERVERS
    less_is_better: bool = False
    ours: Entrant = TALKWIRE
    over: Entrant | None = None

    def times(self, results: Results) -> list[Spread | None]:
        """Returns how many times better Talkwire is than each peer; below 1 it is worse."""
        return [results.times(self.metric, self.ours, peer, less_is_better=self.less_is_better) for peer in self.peers]

    def cells(self, results: Results) -> list[str]:
        ours = results.median(self.metric, self.ours)
        if self.over is not None:
            whole = results.median(self.metric, self.over)
            ours = ours / whole if ours and whole else None
        peers = [results.median(self.metric, peer) for peer in self.peers]
        return [self.title, *map(_number, [ours, *peers]), *map(_times, self.times(results))]


CHAT_SERVERS = (EJABBERD, SYNAPSE)


def _beside_chat_servers(title: str, metric: str, *, less_is_better: bool = False) -> Row:
    """Returns a row that compares Talkwire on PostgreSQL with other chat servers."""
    return Row(title, metric, CHAT_SERVERS, less_is_better, TALKWIRE_POSTGRESQL)


def _exchange(in_flight: str, metric: str) -> tuple[Row, ...]:
    """Returns the rows of messages in conversations of two, so many of which are in flight at a time."""
    return (
        _beside_chat_servers(f"conversations of two, {in_flight} in flight: messages/s", f"{metric}.rate"),
        _beside_chat_servers("… per CPU-second of server and database", f"{metric}.per_cpu"),
        _beside_chat_servers("… until the other one has it, p50 ms", f"{metric}.p50", less_is_better=True),
        _beside_chat_servers("… p99 ms", f"{metric}.p99", less_is_better=True),
    )


_CHAT = (
    *_exchange("100", "exchange-100"),
    *_exchange("1,000", "exchange-1000"),
    _beside_chat_servers("a group of 1,000, 1 in flight: deliveries/s", "group.rate"),
    _beside_chat_servers("… per CPU-second of server and database", "group.per_cpu"),
    _beside_chat_servers("… until the slowest member has it, p50 ms", "group.p50", less_is_better=True),
    _beside_chat_servers("… p99 ms", "group.p99", less_is_better=True),
    _beside_chat_servers("sign-ins with a token/s", "signin.rate"),
    _beside_chat_servers("… per CPU-second of server and database", "signin.per_cpu"),
    _beside_chat_servers("… p50 ms", "signin.p50", less_is_better=True),
    _beside_chat_servers("… p99 ms", "signin.p99", less_is_better=True),
    _beside_chat_servers("memory of an idle signed-in connection: KiB", "resident.kib", less_is_better=True),
    _beside_chat_servers("… of the server without connections: MiB", "resident.empty_mib", less_is_better=True),
)


def _ours(title: str, metric: str, ours: Entrant, over: Entrant | None = None) -> Row:
    """Returns a row that shows a metric of Talkwire only, without a competitor."""
    return Row(title, metric, (None, None, None), ours=ours, over=over)


_ONE_NODE = (
    Row("fan-out to 1,000, 1 in flight: deliveries/s", "fanout-1.rate"),
    Row("… per CPU-second", "fanout-1.per_cpu"),
    Row("fan-out to 1,000, 16 in flight: deliveries/s", "fanout-16.rate"),
    Row("… per CPU-second", "fanout-16.per_cpu"),
    Row("durable pairs: acknowledged messages/s", "pairs.rate", (NODE_FULL, BUN_FULL, None)),
    Row("… per CPU-second", "pairs.per_cpu", (NODE_FULL, BUN_FULL, None)),
    Row("… ack latency, p50 ms", "pairs.p50", (NODE_FULL, BUN_FULL, None), less_is_better=True),
    Row("… ack latency, p99 ms", "pairs.p99", (NODE_FULL, BUN_FULL, None), less_is_better=True),
    Row("durable pairs, the peers with NORMAL: messages/s", "pairs.rate", (NODE_NORMAL, BUN_NORMAL, None)),
    Row("… per CPU-second", "pairs.per_cpu", (NODE_NORMAL, BUN_NORMAL, None)),
    Row("… ack latency, p50 ms", "pairs.p50", (NODE_NORMAL, BUN_NORMAL, None), less_is_better=True),
    Row("… ack latency, p99 ms", "pairs.p99", (NODE_NORMAL, BUN_NORMAL, None), less_is_better=True),
    Row(
        "400 streams, 4,000 appends a second: per CPU-second",
        "streams.per_cpu",
        (NODE, BUN, None),
        ours=TALKWIRE_STREAMS,
    ),
    Row("… ack latency, p50 ms", "streams.p50", (NODE, BUN, None), less_is_better=True, ours=TALKWIRE_STREAMS),
    Row("… ack latency, p99 ms", "streams.p99", (NODE, BUN, None), less_is_better=True, ours=TALKWIRE_STREAMS),
    Row("memory per idle connection at 10,000: KiB", "idle.kib", less_is_better=True),
    Row("… processor time of the server, % of a core", "idle.cpu", less_is_better=True),
    Row("… without connections", "idle.empty_cpu", less_is_better=True),
    Row("handshakes with a token/s", "handshake.rate"),
    Row("… per CPU-second", "handshake.per_cpu"),
    Row("… latency, p50 ms", "handshake.p50", less_is_better=True),
    Row("… latency, p99 ms", "handshake.p99", less_is_better=True),
    Row("first connects of people never seen before/s", "first.rate"),
    Row("… per CPU-second", "first.per_cpu"),
    Row("… latency, p99 ms", "first.p99", less_is_better=True),
    _ours("fan-out in one dialect, 1 in flight: deliveries/s", "dialects-1-1.rate", TALKWIRE),
    _ours("… members spread over five dialects", "dialects-5-1.rate", TALKWIRE),
    _ours("… times the processor time of one dialect", "dialects-1.cost", TALKWIRE),
    _ours("fan-out in one dialect, 16 in flight: deliveries/s", "dialects-1-16.rate", TALKWIRE),
    _ours("… members spread over five dialects", "dialects-5-16.rate", TALKWIRE),
    _ours("… times the processor time of one dialect", "dialects-16.cost", TALKWIRE),
    _ours("connections cut at once", "storm.connections", TALKWIRE),
    _ours("… seconds until all are back", "storm.back_s", TALKWIRE),
    _ours("… processor time of the server until then, s", "storm.back_cpu_s", TALKWIRE),
    _ours("… messages sent meanwhile", "storm.meanwhile", TALKWIRE),
    _ours("… sessions recovered, whole, without reading history", "storm.recovered", TALKWIRE),
)


def _across(title: str, metric: str, *, less_is_better: bool = False) -> Row:
    """Returns a row that compares clusters of two nodes: Talkwire, Socket.IO on Node and python-socketio."""
    return Row(title, metric, (NODE_NODES, None, PYTHON_NODES), less_is_better, TALKWIRE_NODES)


def _on_postgresql(title: str, metric: str) -> tuple[Row, ...]:
    """Returns the rows of durable pairs: against `pg` with a pool, then against `pg` with pipelines."""
    return tuple(
        Row(row_title, f"{metric}.{figure}", (node, None, None), figure in {"p50", "p99"}, TALKWIRE_POSTGRESQL)
        for node, first in (
            (NODE_POSTGRESQL, f"{title}: acknowledged messages/s"),
            (NODE_PIPELINED, f"{title}, Node with pipelines: messages/s"),
        )
        for row_title, figure in (
            (first, "rate"),
            ("… per CPU-second", "per_cpu"),
            ("… ack latency, p50 ms", "p50"),
            ("… ack latency, p99 ms", "p99"),
        )
    )


_MANY_NODES = (
    _across("two nodes, 1 in flight: deliveries across/s", "cluster-1.rate"),
    _across("… per CPU-second", "cluster-1.per_cpu"),
    _across("… latency to the slowest member, p50 ms", "cluster-1.p50", less_is_better=True),
    _across("… p99 ms", "cluster-1.p99", less_is_better=True),
    _ours("… one node of ours, the same load: deliveries/s", "cluster-1.rate", TALKWIRE_POSTGRESQL),
    _ours("… one node of ours: p50 ms", "cluster-1.p50", TALKWIRE_POSTGRESQL),
    _ours("… p50 of two nodes, times that of one", "cluster-1.p50", TALKWIRE_NODES, TALKWIRE_POSTGRESQL),
    _across("two nodes, 16 in flight: deliveries across/s", "cluster-16.rate"),
    _across("… per CPU-second", "cluster-16.per_cpu"),
    _across("… latency to the slowest member, p50 ms", "cluster-16.p50", less_is_better=True),
    _across("… p99 ms", "cluster-16.p99", less_is_better=True),
    _ours("… one node of ours, the same load: deliveries/s", "cluster-16.rate", TALKWIRE_POSTGRESQL),
    _ours("… one node of ours: p50 ms", "cluster-16.p50", TALKWIRE_POSTGRESQL),
    _ours("… p50 of two nodes, times that of one", "cluster-16.p50", TALKWIRE_NODES, TALKWIRE_POSTGRESQL),
    *_on_postgresql("durable pairs on PostgreSQL", "postgres"),
    *_on_postgresql("500 clients with four in flight, on PostgreSQL", "backlog"),
    _ours("Valkey killed for 5 s: messages sent", "busloss.sent", TALKWIRE_NODES),
    _ours("… lost, twice, out of order, refused or unanswered", "busloss.wrong", TALKWIRE_NODES),
    _ours("… latency to the slowest member before, p50 ms", "busloss.before", TALKWIRE_NODES),
    _ours("… while it is away", "busloss.away", TALKWIRE_NODES),
    *(
        _ours(f"… in second {second} after its return", f"busloss.after-{second}", TALKWIRE_NODES)
        for second in (1, 2, 3, 4, 5, 10)
    ),
    _ours("… the slowest message of all, ms", "busloss.slowest", TALKWIRE_NODES),
    _ours("… seconds until the median is back (within 1.5 times)", "busloss.back_s", TALKWIRE_NODES),
    _ours("… seconds until both nodes say that it is away", "busloss.said_away_s", TALKWIRE_NODES),
    _ours("… and that it is back", "busloss.said_back_s", TALKWIRE_NODES),
    _ours("a message to one member, p99 ms", "beside.nothing", TALKWIRE_STREAMS),
    _ours("… beside 2,000 messages a second", "beside.messages", TALKWIRE_STREAMS),
    *(
        _ours(f"… beside 1,000 streams with {rate:,} appends a second", f"beside.streams-{rate}", TALKWIRE_STREAMS)
        for rate in APPENDS_A_SECOND
    ),
    _ours("webhook: events/s to one endpoint, 200 conversations", "webhooks.rate", TALKWIRE_WEBHOOKS),
    _ours("… per CPU-second", "webhooks.per_cpu", TALKWIRE_WEBHOOKS),
    _ours("… chat beside an endpoint that never answers, times that without", "webhooks.silent", TALKWIRE_WEBHOOKS),
)


class Peer(NamedTuple):
    """A compared server's name, and the shorter one for the column of ratios."""

    name: str
    short: str


@dataclass(frozen=True)
class Table:
    """A table of the report, and the marker of its place in docs/benchmarks.md."""

    marker: str
    peers: tuple[Peer, ...]
    rows: tuple[Row, ...]

    @property
    def header(self) -> list[str]:
        """The titles of the columns."""
        return ["", "Talkwire", *(peer.name for peer in self.peers), *(f"times {peer.short}" for peer in self.peers)]

    def lines(self, results: Results) -> list[list[str]]:
        """Returns the cells of all rows that have results, as texts."""
        rows = [row.cells(results) for row in self.rows]
        return [cells for cells in rows if any(cell != NOT_MEASURED for cell in cells[1:])]

    def titled(self) -> Iterator[tuple[str, Row]]:
        """Yields the rows with their full titles: a row whose title begins with "…" belongs to the one above."""
        subject = ""
        for row in self.rows:
            subject = subject if row.title.startswith("…") else row.title
            yield _full(subject, row.title), row

    @property
    def names(self) -> set[str]:
        """The names of the scenarios whose metrics the table shows."""
        return {row.metric.partition(".")[0] for row in self.rows}


_SOCKET_IO = (Peer("Socket.IO on Node", "Node"), Peer("Socket.IO on Bun", "Bun"), Peer("python-socketio", "Python"))
TABLES = (
    Table("bench:chat", (Peer("ejabberd", "ejabberd"), Peer("Synapse", "Synapse")), _CHAT),
    Table("bench", _SOCKET_IO, _ONE_NODE),
    Table("bench:nodes", _SOCKET_IO, _MANY_NODES),
)


def notes(results: Results, table: Table) -> Iterator[str]:
    """Yields warnings about a table's results: the load generator was at its limit, or other processes were busy."""
    for (metric, entrant), values in sorted(results.samples.items()):
        name, _, kind = metric.partition(".")
        if name not in table.names:
            continue
        busy = statistics.median(values)
        if kind == "load" and busy > SATURATED:
            yield f"{name}, {entrant}: the load generator used {busy:.0%} of its core, so the server may do more."
        if kind == "others" and busy > DISTURBED:
            yield f"{name}, {entrant}: disturbed, other processes used {busy:.0%} of a core."


def ahead(results: Results, table: Table) -> Iterator[str]:
    """Yields a sentence for each row in which another server is better than Talkwire."""
    for title, row in table.titled():
        for peer, times in zip(table.peers, row.times(results), strict=True):
            if times is not None and times.median < 1:
                yield f"{peer.name} is ahead: {title}, {_times(times)} times."


def worse(results: Results, table: Table, page: str) -> Iterator[str]:
    """Yields a sentence for each ratio that is more than 5 % below the one in the last results, which `page` has."""
    before = _published(page, table)
    for title, row in table.titled():
        for place, (peer, times) in enumerate(zip(table.peers, row.times(results), strict=True)):
            last = before.get(title, [None] * len(table.peers))[place]
            if times is not None and last is not None and times.median < last * WORSE:
                yield f"Worse than before: {title}, {_times(times)} times {peer.name}, which was {last:g}."


def _published(page: str, table: Table) -> dict[str, list[float | None]]:
    """Returns the ratios of a table's rows in a Markdown page, by the rows' titles."""
    return {title: cells[-len(table.peers) :] for title, cells in _cells(page, table)}


def published_figure(page: str, title: str) -> float:
    """Returns Talkwire's figure in the row of docs/benchmarks.md with this full title. Raises `KeyError` if there is no
    such row, or no figure in it.
    """
    for table in TABLES:
        for found, cells in _cells(page, table):
            if found == title and cells[0] is not None:
                return cells[0]
    raise KeyError(title)


def _cells(page: str, table: Table) -> Iterator[tuple[str, list[float | None]]]:
    """Yields the rows of a table in a Markdown page: the full title, and the first number of each further cell."""
    subject = ""
    for line in _between_markers(page, table.marker)[1].splitlines():
        title, *cells = (cell.strip() for cell in line.strip("| ").split("|"))
        if len(cells) == len(table.header) - 1:
            subject = subject if title.startswith("…") else title
            yield _full(subject, title), [_first_number(cell) for cell in cells]


def _first_number(cell: str) -> float | None:
    try:
        return float(cell.partition(" ")[0].replace(",", ""))
    except ValueError:
        return None


def _full(subject: str, title: str) -> str:
    return title if title == subject else f"{subject} {title}"


def as_text(results: Results, page: str) -> str:
    """Returns what has become worse since the results in `page`, all tables in aligned columns, and the notes."""
    lines = [line for table in TABLES if (rows := table.lines(results)) for line in _aligned([table.header, *rows])]
    remarks = (note for table in TABLES for note in (*ahead(results, table), *notes(results, table)))
    return "\n".join([*(note for table in TABLES for note in worse(results, table, page)), *lines, *remarks])


def as_markdown(results: Results, table: Table, conditions: list[str]) -> str:
    """Returns a table in Markdown, after the lines about how it was measured and before the notes."""
    rule = ["---", *["---:"] * (len(table.header) - 1)]
    lines = [f"| {' | '.join(row)} |" for row in (table.header, rule, *table.lines(results))]
    remarks = [f"- {note}" for note in (*ahead(results, table), *notes(results, table))]
    return "\n".join([*conditions, "", *lines, *([""] if remarks else []), *remarks])


def write_tables(page: Path, results: Results, conditions: list[str]) -> None:
    """Replaces the tables in a Markdown page that have new results. A table is between two markers in comments."""
    for table in TABLES:
        if table.lines(results):
            write_between_markers(page, table.marker, as_markdown(results, table, conditions))


def write_between_markers(page: Path, marker: str, text: str) -> None:
    before, _, after = _between_markers(page.read_text(), marker)
    page.write_text(f"{before}<!-- {marker}:begin -->\n{text}\n<!-- {marker}:end -->{after}")


def _between_markers(page: str, marker: str) -> tuple[str, str, str]:
    """Returns the text before a pair of markers, between them, and after them."""
    before, begin, rest = page.partition(f"<!-- {marker}:begin -->")
    inside, end, after = rest.partition(f"<!-- {marker}:end -->")
    if not begin or not end:
        raise ValueError(f"the page lacks the markers of {marker}")
    return before, inside, after


def _aligned(rows: Sequence[list[str]]) -> Iterator[str]:
    """Yields the rows of a table as lines, with columns of the same width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for title, *cells in rows:
        aligned = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join([title.ljust(widths[0]), *aligned])


def _times(spread: Spread | None) -> str:
    """Returns the median, and the quartiles where there are enough samples for them to differ."""
    if spread is None:
        return NOT_MEASURED
    low, median, high = map(_ratio, spread)
    return median if low == high else f"{median} ({low} to {high})"


def _ratio(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _number(value: float | None) -> str:
    if value is None:
        return NOT_MEASURED
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"
