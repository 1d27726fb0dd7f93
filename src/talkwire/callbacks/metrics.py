"""Metrics of callbacks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Counter, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


class CallbackMetrics(Collector):
    """A collector to register with a `CollectorRegistry`. `command` is the callback's name, `outcome` is `allowed`,
    `changed`, `refused` or `failed`."""

    def __init__(self) -> None:
        self._outcomes = Counter(
            "talkwire_callbacks", "Callbacks that were asked, by outcome", ["command", "outcome"], registry=None
        )
        self._durations = Histogram(
            "talkwire_callback_duration_seconds",
            "Time until a callback responded or failed",
            ["command"],
            registry=None,
            buckets=_BUCKETS_S,
        )

    def count(self, name: str, outcome: str) -> None:
        self._outcomes.labels(name, outcome).inc()

    def observe(self, name: str, duration_s: float) -> None:
        self._durations.labels(name).observe(duration_s)

    def collect(self) -> Iterator[Metric]:
        for metric in (*self._outcomes.collect(), *self._durations.collect()):
            # The library adds when each series began, which nobody asks for.
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
