"""Metrics of pushes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import get_args

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.push.delivery import Outcome

LAGS_S = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0, 3600.0, 21600.0)


class PushMetrics(Collector):
    """A collector to register with a `CollectorRegistry`. `in_flight` returns how many requests wait for an answer."""

    def __init__(self) -> None:
        self.in_flight: Callable[[], int] = lambda: 0
        self._attempts = Counter(
            "talkwire_push_attempts", "Requests to push services, by outcome", ["outcome"], registry=None
        )
        self._lag = Histogram(
            "talkwire_push_lag_seconds",
            "Time from a notification, or from reading it elsewhere, to the push service's acceptance",
            buckets=LAGS_S,
            registry=None,
        )
        for outcome in get_args(Outcome):
            self._attempts.labels(outcome)

    def count(self, outcome: Outcome, lag_s: float) -> None:
        """Counts an attempt for something that happened `lag_s` ago."""
        self._attempts.labels(outcome).inc()
        if outcome == "sent":
            self._lag.observe(max(0.0, lag_s))

    def collect(self) -> Iterator[Metric]:
        yield from self._attempts.collect()
        yield from self._lag.collect()
        yield GaugeMetricFamily("talkwire_push_in_flight", "Devices that are being sent to", self.in_flight())
