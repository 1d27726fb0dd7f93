"""Builds the metrics of a node (server process), and the Prometheus registry that `/metrics` shows."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.composition.foundation import Foundation
from talkwire.core.engine.limits import Limits
from talkwire.files.uploads import Uploads
from talkwire.observability.key_fetches import key_fetches
from talkwire.observability.sign_ins import sign_ins
from talkwire.observability.stream_metrics import StreamMetrics
from talkwire.storage.followers.follower import Follower


def registry_of(
    foundation: Foundation,
    limits: Limits | None,
    followers: Sequence[Follower[Any]],
    others: Iterable[Collector],
) -> CollectorRegistry:
    """Returns a Prometheus registry with all metrics of a node, and starts measuring the event loop's delay.

    `others` are further collectors to register.
    """
    chat, closing = foundation.chat, foundation.closing
    committed, loop_lag = foundation.counts.committed, foundation.counts.loop_lag
    streams = StreamMetrics(lambda: chat.signals.streams.count)
    chat.subscribe_commits(committed.note)
    chat.subscribe_commits(streams.note)
    closing.callback(asyncio.create_task(loop_lag.run()).cancel)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    for collector in (
        BuildInfo(),
        committed,
        streams,
        foundation.counts.outcomes,
        sign_ins,
        key_fetches,
        foundation.counts.requests,
        foundation.writer.metrics,
        loop_lag,
        DatabaseSize(foundation),
        UploadMetrics(foundation.files.uploads),
        FollowerLags(followers, lambda: chat.pos),
        *([] if limits is None else [ExceededLimits(limits)]),
        *others,
    ):
        registry.register(collector)
    return registry


class BuildInfo(Collector):
    """A metric whose labels are the versions of Talkwire and of Python."""

    def collect(self) -> Iterator[Metric]:
        labels = {"version": version("talkwire"), "python": platform.python_version()}
        info = GaugeMetricFamily("talkwire_build_info", "Always 1; the labels say what runs", labels=list(labels))
        info.add_metric(list(labels.values()), 1)
        yield info


class DatabaseSize(Collector):
    """A metric with the size of SQLite's files in bytes. It is missing on PostgreSQL, whose own metrics include the
    size.
    """

    def __init__(self, foundation: Foundation) -> None:
        self._file = foundation.settings.sqlite_file

    def collect(self) -> Iterator[Metric]:
        if self._file is None:
            return
        files = (self._file, self._file.with_name(f"{self._file.name}-wal"))
        size = sum(file.stat().st_size for file in files if file.exists())
        yield GaugeMetricFamily("talkwire_database_size_bytes", "Size of SQLite's file and its write-ahead log", size)


class FollowerLags(Collector):
    """A metric that says how many events each follower of the log has yet to process.

    A follower is a task that processes the log's events after the commit. `head` returns the newest position in the
    log.
    """

    def __init__(self, followers: Sequence[Follower[Any]], head: Callable[[], int]) -> None:
        self._followers = followers
        self._head = head

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "talkwire_follower_lag_events", "Positions of the log that a follower has not reached", labels=["follower"]
        )
        for follower in self._followers:
            # Before its first range, a follower does not know where it continues.
            behind = max(0, self._head() - follower.pos) if follower.pos >= 0 else 0
            family.add_metric([follower.work.name], behind)
        yield family


class UploadMetrics(Collector):
    """Metrics that count the files uploaded to this node and their bytes."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("talkwire_uploads", "Finished uploads", self._uploads.finished)
        yield CounterMetricFamily("talkwire_upload_bytes", "Bytes of finished uploads", self._uploads.finished_bytes)


class ExceededLimits(Collector):
    """A metric that counts how often each rate limit was exceeded."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "talkwire_rate_limited", "Commands, requests, connects and sign-ins beyond a rate limit", labels=["limit"]
        )
        for kind, count in sorted(self._limits.exceeded.items()):
            family.add_metric([str(kind)], count)
        yield family
