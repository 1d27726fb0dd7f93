"""Measures how late the event loop is: how long a ready callback waits before it runs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator

from prometheus_client import Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from talkwire.observability.series import without_created

INTERVAL_S = 0.5
"""Seconds between two measurements of the event loop's delay."""

_RECENT = 20
"""Number of measurements that `recent_s` looks back: ten seconds."""

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class LoopLag(Collector):
    """The Prometheus collector of the event loop's lag: how late timers run. Register it with a `CollectorRegistry`."""

    def __init__(self) -> None:
        self._lags = Histogram(
            "talkwire_loop_lag_seconds",
            f"How late a timer of the event loop was, measured every {INTERVAL_S} seconds",
            registry=None,
            buckets=_BUCKETS_S,
        )
        self._recent: deque[float] = deque((0.0,), _RECENT)

    @property
    def recent_s(self) -> float:
        """The largest lag of the event loop that was measured in the last ten seconds, in seconds."""
        return max(self._recent)

    async def run(self) -> None:
        """Measures the event loop's lag every half second, until the task is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            late_s = max(0.0, loop.time() - due)
            self._recent.append(late_s)
            self._lags.observe(late_s)

    def collect(self) -> Iterator[Metric]:
        return without_created(self._lags)
