"""The Prometheus metrics of the database writer: durations of transactions, commands per transaction, waiting
commands.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.observability.series import without_created
from talkwire.observability.spans import Tracer

_DURATIONS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)


class WriterMetrics(Collector):
    """The Prometheus collector of the database writer's metrics, to register with a `CollectorRegistry`.

    `queued` returns how many commands are waiting or being written. With a `tracer`, each transaction is recorded as a
    span.
    """

    def __init__(self, queued: Callable[[], int], tracer: Tracer | None = None) -> None:
        self._queued = queued
        self._tracer = tracer
        self._durations = Histogram(
            "talkwire_commit_duration_seconds",
            "Time that a transaction took, from its first command to the end of its commit",
            registry=None,
            buckets=_DURATIONS_S,
        )
        self._sizes = Histogram(
            "talkwire_commit_batch_size", "Commands in a transaction", registry=None, buckets=_SIZES
        )
        self._failed = Counter("talkwire_commits_failed", "Transactions that the database refused", registry=None)

    def committed(self, commands: int, duration_s: float) -> None:
        """Counts a committed transaction of `commands` commands, and its duration. It can be called from any thread."""
        self._durations.observe(duration_s)
        self._sizes.observe(commands)
        if self._tracer is not None:
            end_ns = time.time_ns()
            start_ns = end_ns - round(duration_s * 1e9)
            self._tracer.record("transaction", start_ns, end_ns, None, {"talkwire.commands": commands})

    def failed(self) -> None:
        """Counts a transaction that the database refused. It can be called from any thread."""
        self._failed.inc()

    def collect(self) -> Iterator[Metric]:
        yield from without_created(self._durations, self._sizes, self._failed)
        yield GaugeMetricFamily(
            "talkwire_writer_queue", "Commands that wait for their transaction or are being written", self._queued()
        )
