"""What `/metrics` says about connections (Prometheus).

Counted in plain numbers, which events by the thousand can afford, and turned into metrics when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class RealtimeMetrics(Collector):
    """Register it with a `CollectorRegistry` to have it shown."""

    def __init__(self) -> None:
        self.connections = 0
        self.sockets = 0
        self.events_received = 0
        self.refused_connects = 0
        self.slow_connections = 0
        self.recoveries = 0
        self.refused_recoveries = 0
        self.recovery_log_reads = 0

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("talkwire_connections", "Open Engine.IO sessions", self.connections)
        yield GaugeMetricFamily("talkwire_sockets", "Sockets, one a session and namespace", self.sockets)
        yield CounterMetricFamily("talkwire_events_received", "Events from clients", self.events_received)
        yield CounterMetricFamily("talkwire_refused_connects", "Sockets that were refused", self.refused_connects)
        yield CounterMetricFamily(
            "talkwire_slow_connections", "Connections cut because their client did not read", self.slow_connections
        )
        yield CounterMetricFamily("talkwire_recoveries", "Sockets that went on after a disconnect", self.recoveries)
        yield CounterMetricFamily(
            "talkwire_recoveries_refused",
            "Sockets that wanted to go on and got a fresh session",
            self.refused_recoveries,
        )
        yield CounterMetricFamily(
            "talkwire_recovery_log_reads",
            "Pages of the log that were read for sockets that went on",
            self.recovery_log_reads,
        )
