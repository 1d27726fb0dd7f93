"""The Prometheus metrics of callbacks: how many were called, with which outcome, and how long they took."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Counter, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from talkwire.observability.series import without_created

_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


class CallbackMetrics(Collector):
    """The Prometheus collector of callbacks' number and duration, to register with a `CollectorRegistry`.

    The label `command` is the callback's name, `outcome` is `allowed`, `changed`, `refused` or `failed`.
    """

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
        return without_created(self._outcomes, self._durations)
