"""The Prometheus metrics of REST requests: their number and duration by route, method and status."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from talkwire.observability.series import without_created

_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds of the histogram's buckets, in seconds. Long polls last up to 30 seconds."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_OTHER = "other"
"""Stand-in for a method that HTTP does not have, so that clients cannot make series."""


class RequestMetrics(Collector):
    """The Prometheus collector of REST requests' number and duration. Register it with a `CollectorRegistry`."""

    def __init__(self) -> None:
        self._durations = Histogram(
            "talkwire_request_duration_seconds",
            "Requests to the REST API by route, method and status, and how long they took",
            ["route", "method", "status"],
            registry=None,
            buckets=_BUCKETS_S,
        )
        self._series: dict[tuple[str | None, str, int], Histogram] = {}

    def note(self, route: str | None, method: str, status: int, duration_s: float) -> None:
        """Counts a REST request and its duration. `route` is the path's template; None for an unknown path."""
        method = method if method in _METHODS else _OTHER
        series = self._series.get((route, method, status))
        if series is None:
            series = self._durations.labels(route or "", method, str(status))
            self._series[route, method, status] = series
        series.observe(duration_s)

    def collect(self) -> Iterator[Metric]:
        return without_created(self._durations)
