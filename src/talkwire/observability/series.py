"""Removes the samples `…_created` from Prometheus histograms and counters, which no dashboard uses."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector


def without_created(*collectors: Collector) -> Iterator[Metric]:
    """Yields the collectors' metrics without the samples `…_created`, the start times that the library adds to each
    series.
    """
    for collector in collectors:
        for metric in collector.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
