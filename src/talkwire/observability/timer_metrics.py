"""The Prometheus metrics of timers: how late they fire."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.observability.series import without_created

_LATENESS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class TimerMetrics(Collector):
    """The Prometheus collector of the timers that this node fires. `overdue_s` returns how late the first timer of all
    nodes was when this node looked last."""

    def __init__(self, overdue_s: Callable[[], float]) -> None:
        self._overdue_s = overdue_s
        self._lateness = Histogram(
            "talkwire_timer_lateness_seconds", "How late timers have fired", registry=None, buckets=_LATENESS_S
        )
        self._failed = Counter("talkwire_timers_failed", "Timers that were postponed after an error", registry=None)

    def fired(self, late_ms: Sequence[int]) -> None:
        """Counts timers that have fired, each with how late it was."""
        for each_ms in late_ms:
            self._lateness.observe(each_ms / 1000)

    def failed(self) -> None:
        """Counts a timer that was postponed after an error."""
        self._failed.inc()

    def collect(self) -> Iterator[Metric]:
        yield from without_created(self._lateness, self._failed)
        yield GaugeMetricFamily(
            "talkwire_timers_overdue_seconds", "How late the first timer was at the last look", self._overdue_s()
        )
