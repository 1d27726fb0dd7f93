"""Prometheus metrics of how a node receives the events of other nodes: over the bus (the messaging between nodes), or
by reading the log in the database.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.core.cluster.feed import LogFeed
from talkwire.core.cluster.peers import Peers
from talkwire.core.ports.bus import Bus


class EventSourceMetrics(Collector):
    """A Prometheus collector, to register with a `CollectorRegistry`: counts messages over the bus between nodes and
    reads of the event log.
    """

    def __init__(self, bus: Bus, feed: LogFeed, peers: Peers) -> None:
        self._bus = bus
        self._feed = feed
        self._peers = peers

    def collect(self) -> Iterator[Metric]:
        counts = self._bus.counts
        yield CounterMetricFamily("talkwire_bus_sent", "Dispatches that were given to the bus", counts.sent)
        yield CounterMetricFamily("talkwire_bus_received", "Dispatches of other nodes", counts.received)
        yield CounterMetricFamily(
            "talkwire_bus_dropped",
            "Dispatches that the bus did not take, or that were not understood",
            counts.dropped + self._peers.malformed,
        )
        yield CounterMetricFamily(
            "talkwire_bus_refused",
            "Parcels and dispatches that came from no living node of this database, or a second time",
            counts.refused,
        )
        yield CounterMetricFamily(
            "talkwire_log_reads", "Times that the log was read for what the bus had not brought", self._feed.reads
        )
        yield GaugeMetricFamily("talkwire_log_pos", "Position up to which events were handed out", self._feed.pos)
        yield GaugeMetricFamily(
            "talkwire_log_behind",
            "Positions that are known to be in the log and were not handed out",
            self._feed.lag,
        )
