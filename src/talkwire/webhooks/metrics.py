"""The Prometheus metrics of webhooks, counted as plain numbers and turned into metrics on each scrape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.core.domain.integration.webhooks import DisabledReason

OUTCOMES = ("accepted", "refused", "timeout", "unreachable")
"""Outcomes of an attempt: a status 2xx, another status, no response in time, or no connection."""

DISABLED_REASONS: tuple[DisabledReason, ...] = ("gone", "failing")


class WebhookMetrics(Collector):
    """The Prometheus metrics of one node's webhooks: attempts, disabled webhooks, lag. Register it with a
    `CollectorRegistry`.
    """

    def __init__(self) -> None:
        self.attempts: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        self.given_up: Counter[DisabledReason] = Counter(dict.fromkeys(DISABLED_REASONS, 0))
        self.missed = 0
        """Number of events that were removed from the log as too old before their webhook accepted them."""
        self.restarts = 0
        """Number of deliveries that were started again after an error."""
        self.disabled = 0
        """Number of the server's webhooks that are disabled."""
        self.lag_s: Callable[[], float] = lambda: 0.0
        self.blocked_keys: Callable[[], int] = lambda: 0
        self.delivering: Callable[[], int] = lambda: 0

    def collect(self) -> Iterator[Metric]:
        attempts = CounterMetricFamily("talkwire_webhook_attempts", "Requests to webhooks", labels=["outcome"])
        for outcome, count in sorted(self.attempts.items()):
            attempts.add_metric([outcome], count)
        yield attempts
        given_up = CounterMetricFamily(
            "talkwire_webhook_given_up", "Webhooks that the server has disabled", labels=["reason"]
        )
        for reason, count in sorted(self.given_up.items()):
            given_up.add_metric([reason], count)
        yield given_up
        yield CounterMetricFamily(
            "talkwire_webhook_events_missed",
            "Times that the retention has removed events before their webhook accepted them",
            self.missed,
        )
        yield CounterMetricFamily(
            "talkwire_webhook_restarts", "Times that an error has ended all deliveries of this node", self.restarts
        )
        yield GaugeMetricFamily("talkwire_webhooks_disabled", "Webhooks that are disabled now", self.disabled)
        yield GaugeMetricFamily("talkwire_webhooks_delivering", "Webhooks that this node serves", self.delivering())
        yield GaugeMetricFamily(
            "talkwire_webhook_failing_keys",
            "Conversations and users whose events wait for a retry",
            self.blocked_keys(),
        )
        yield GaugeMetricFamily(
            "talkwire_webhook_lag_seconds",
            "Age of the oldest event that a webhook of this node has not accepted",
            self.lag_s(),
        )
