"""Merges the metrics of several workers (server processes on one port) into one response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector


class _Merged(Collector):
    """A Prometheus collector that merges the metrics of several workers, grouped by metric as Prometheus' format
    requires.
    """

    def __init__(self, metrics: Mapping[int, str]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for number, text in sorted(self._metrics.items()):
            for family in text_string_to_metric_families(text):
                merged = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                merged.samples += [
                    sample._replace(labels={**sample.labels, "worker": str(number)}) for sample in family.samples
                ]
        yield from families.values()


def merged_metrics(metrics: Mapping[int, str]) -> bytes:
    """Returns the metrics of all workers in Prometheus' text format, each sample with the worker's number as a label.

    `metrics` has the text of each worker by its number.
    """
    registry = CollectorRegistry()
    registry.register(_Merged(metrics))
    return generate_latest(registry)
