"""The Prometheus metrics of push notifications: requests by outcome, their delay, and requests in flight."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from typing import get_args

from prometheus_client import Counter as CountedMetric
from prometheus_client import Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.observability.series import without_created
from talkwire.push.delivery import Outcome

ERRORS_KEPT = 200
"""Most subscriptions of which the error of the newest request is kept."""

_ERROR_MAX = 200
"""Longest error text that is kept, in characters."""

LAGS_S = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0, 3600.0, 21600.0)
"""Bounds of the histogram's buckets, in seconds."""


class PushMetrics(Collector):
    """The Prometheus collector of push metrics, to register with a `CollectorRegistry`.

    `in_flight` returns how many devices are being sent to.
    """

    def __init__(self) -> None:
        self.in_flight: Callable[[], int] = lambda: 0
        self._attempts = CountedMetric(
            "talkwire_push_attempts", "Requests to push services, by outcome", ["outcome"], registry=None
        )
        self._lag = Histogram(
            "talkwire_push_lag_seconds",
            "Time from a notification, or from reading it elsewhere, to the push service's acceptance",
            buckets=LAGS_S,
            registry=None,
        )
        self.counts: Counter[Outcome] = Counter(dict.fromkeys(get_args(Outcome), 0))
        """Requests to push services, by outcome."""
        self.errors: OrderedDict[str, str] = OrderedDict()
        """Errors of the newest requests, by subscription: those that have not succeeded since."""
        for outcome in get_args(Outcome):
            self._attempts.labels(outcome)

    def count(self, outcome: Outcome, lag_s: float) -> None:
        """Counts a push request by outcome. `lag_s` is the time in seconds since the notification was made or, for a
        dismissal, read; it is measured only for the outcome `sent`.
        """
        self._attempts.labels(outcome).inc()
        self.counts[outcome] += 1
        if outcome == "sent":
            self._lag.observe(max(0.0, lag_s))

    def note(self, subscription_id: str, error: str | None) -> None:
        """Records the result of a subscription's newest push request for the operators' console: `error` says why it
        failed. With None, removes the subscription's earlier error.
        """
        self.errors.pop(subscription_id, None)
        if error is not None:
            self.errors[subscription_id] = error[:_ERROR_MAX]
            if len(self.errors) > ERRORS_KEPT:
                self.errors.popitem(last=False)

    def collect(self) -> Iterator[Metric]:
        yield from without_created(self._attempts, self._lag)
        yield GaugeMetricFamily("talkwire_push_in_flight", "Devices that are being sent to", self.in_flight())
