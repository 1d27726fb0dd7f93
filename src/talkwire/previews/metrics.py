"""The Prometheus metrics of link previews: links by outcome, their duration, and messages that wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, get_args

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Outcome = Literal["fetched", "unsuitable", "failed", "dropped"]
"""Outcome of a link: its page says what a preview needs, says too little or is no page, cannot be fetched, or was left
out because too many messages waited."""

_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


class PreviewMetrics(Collector):
    """The Prometheus collector of link previews' metrics, to register with a `CollectorRegistry`.

    `waiting` returns how many messages wait for previews.
    """

    def __init__(self) -> None:
        self.waiting: Callable[[], int] = lambda: 0
        self._outcomes = Counter(
            "talkwire_link_previews", "Links whose previews were fetched, by outcome", ["outcome"], registry=None
        )
        self._durations = Histogram(
            "talkwire_link_preview_duration_seconds",
            "Time until a link's page and its picture were fetched, or failed",
            registry=None,
            buckets=_BUCKETS_S,
        )
        for outcome in get_args(Outcome):
            self._outcomes.labels(outcome)

    def count(self, outcome: Outcome, links: int = 1) -> None:
        """Counts `links` links that were not fetched, or whose fetch was cancelled, by outcome. For fetched links, call
        `observe`, which also records the duration.
        """
        self._outcomes.labels(outcome).inc(links)

    def observe(self, outcome: Outcome, duration_s: float) -> None:
        """Counts a fetched link by outcome, with the seconds that fetching took."""
        self.count(outcome)
        self._durations.observe(duration_s)

    def collect(self) -> Iterator[Metric]:
        for metric in (*self._outcomes.collect(), *self._durations.collect()):
            # The library adds when each series began, which nobody asks for.
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
        yield GaugeMetricFamily("talkwire_link_previews_waiting", "Messages that wait for previews", self.waiting())
