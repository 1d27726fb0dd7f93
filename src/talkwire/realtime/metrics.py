"""Prometheus metrics of this node's connections, sessions and sockets.

Counted as plain numbers, which is cheap enough for every event, and turned into metrics on each scrape.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.wire.errors import RefusalCode

CLOSE_REASONS = (
    "address_limit",
    "body_timeout",
    "body_unwanted",
    "descriptors",
    "first_byte_timeout",
    "head_timeout",
    "head_too_large",
    "idle_limit",
    "malformed",
    "read_timeout",
    "session_limit",
    "uri_too_long",
)
"""Reasons why HTTP connections are closed or refused. docs/limits.md explains each."""


class RealtimeMetrics(Collector):
    """The counters of one node's connections, sessions and sockets, which the code increments directly: a Prometheus
    collector, to register with a `CollectorRegistry`.
    """

    def __init__(self) -> None:
        self.connections = 0
        self.sockets = 0
        self.events_received = 0
        self.refused_connects: Counter[str] = Counter()
        """Numbers of refused connections and sockets, by reason."""
        self.crowded = 0
        """Number of sockets that were refused because their users had too many."""
        self.closed: Counter[str] = Counter()
        """Numbers of ended sessions, by reason."""
        self.refused_handshakes: Counter[int] = Counter()
        """Numbers of refused handshakes, by Engine.IO's error code."""
        self.slow_connections = 0
        self.recoveries = 0
        self.refused_recoveries = 0
        self.recovery_log_reads = 0
        self.forwarded_polls = 0
        self.forwarded_websockets = 0
        self.forwarded_uploads = 0
        self.forwarded_files = 0
        self.open_tunnels: Callable[[], int] = lambda: 0
        self.broken_links = 0
        self.http_connections = 0
        self.http_closed: Counter[str] = Counter(dict.fromkeys(CLOSE_REASONS, 0))
        self.http_aborted_bodies = 0

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("talkwire_sessions", "Open Engine.IO sessions", self.connections)
        yield GaugeMetricFamily("talkwire_sockets", "Sockets, one a session and namespace", self.sockets)
        yield GaugeMetricFamily("talkwire_tasks", "Tasks on the event loop", _tasks())
        yield _by_label("talkwire_closed", "Engine.IO sessions that have ended", "reason", self.closed)
        yield _by_label(
            "talkwire_refused_handshakes",
            "Requests to open or reach a session that were refused, by the name of Engine.IO's error",
            "reason",
            {RefusalCode(code).name.lower(): n for code, n in self.refused_handshakes.items()},
        )
        yield CounterMetricFamily("talkwire_events_received", "Events from clients", self.events_received)
        yield _by_label(
            "talkwire_refused_connects", "Connections and sockets that were refused", "reason", self.refused_connects
        )
        yield CounterMetricFamily(
            "talkwire_slow_connections", "Connections closed because their client did not read", self.slow_connections
        )
        yield CounterMetricFamily("talkwire_recoveries", "Sockets recovered after a disconnect", self.recoveries)
        yield CounterMetricFamily(
            "talkwire_recoveries_refused",
            "Sockets that asked for recovery and got a new session",
            self.refused_recoveries,
        )
        yield CounterMetricFamily(
            "talkwire_recovery_log_reads",
            "Pages of the log that were read to recover sockets",
            self.recovery_log_reads,
        )
        yield CounterMetricFamily(
            "talkwire_passed_polls", "Polls that were forwarded to the session's node", self.forwarded_polls
        )
        yield CounterMetricFamily(
            "talkwire_passed_websockets",
            "WebSockets that were forwarded to the session's node",
            self.forwarded_websockets,
        )
        yield GaugeMetricFamily("talkwire_spliced_websockets", "Open forwarded WebSockets", self.open_tunnels())
        yield CounterMetricFamily(
            "talkwire_forwarded_uploads",
            "Upload requests that were forwarded to the upload's node",
            self.forwarded_uploads,
        )
        yield CounterMetricFamily(
            "talkwire_forwarded_files", "Reads of files in folders of other nodes", self.forwarded_files
        )
        yield CounterMetricFamily(
            "talkwire_broken_links",
            "Forwarded requests that failed: the node was unreachable or did not know the session, upload or file",
            self.broken_links,
        )
        yield GaugeMetricFamily(
            "talkwire_http_connections", "Open HTTP connections, without WebSockets", self.http_connections
        )
        yield _by_label(
            "talkwire_http_closed",
            "HTTP connections that the server closed or refused, by reason",
            "reason",
            self.http_closed,
        )
        yield CounterMetricFamily(
            "talkwire_http_aborted_bodies",
            "Requests whose client disconnected before the end of the body",
            self.http_aborted_bodies,
        )


def _by_label(name: str, documentation: str, label: str, counts: Mapping[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, documentation, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def _tasks() -> int:
    """Returns how many asyncio tasks the running event loop has; 0 in a thread without a loop."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0
