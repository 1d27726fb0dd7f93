"""Readiness of this node for load balancers (`/readyz`), and the same state as metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.core.domain.errors import ChatError

DATABASE_TIMEOUT_S = 3.0
"""Seconds that the database may take to respond; shorter than the timeout of common load balancers."""


class Standing(msgspec.Struct, frozen=True):
    """The body of `/readyz`. The node is ready when `status` is `ok`. `bus` does not affect the status: without a bus,
    nodes read events from the log, a little later."""

    status: Literal["ok", "unavailable", "draining"]
    database: Literal["ok", "away"]
    bus: Literal["ok", "away"]
    lease: Literal["ok", "lost"]
    draining: bool


def _never() -> bool:
    return False


async def _accept_writes() -> None:
    """The default check of writes, which always succeeds."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Checks this node's state.

    `check_reads` raises ChatError while the database does not respond, `check_writes` while writes fail. `lease_lost`
    is true while other nodes may believe that this node is dead. `draining` is true when the node is about to stop.
    """

    check_reads: Callable[[], Awaitable[None]]
    check_writes: Callable[[], Awaitable[None]] = _accept_writes
    bus_disconnected: Callable[[], bool] = _never
    lease_lost: Callable[[], bool] = _never
    draining: Callable[[], bool] = _never

    async def check(self) -> Standing:
        database_works = await self._database_works()
        lease_lost, draining = self.lease_lost(), self.draining()
        status: Literal["ok", "unavailable", "draining"] = "ok"
        if lease_lost or not database_works:
            status = "unavailable"
        elif draining:
            status = "draining"
        return Standing(
            status,
            database="ok" if database_works else "away",
            bus="away" if self.bus_disconnected() else "ok",
            lease="lost" if lease_lost else "ok",
            draining=draining,
        )

    async def _database_works(self) -> bool:
        try:
            async with asyncio.timeout(DATABASE_TIMEOUT_S):
                await self.check_reads()
                await self.check_writes()
        except (ChatError, TimeoutError):
            return False
        return True


class ReadinessMetrics(Collector):
    """Metrics with the state of the bus, the lease and the drain, which are known without a database query."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def collect(self) -> Iterator[Metric]:
        for name, says, asks in (
            ("talkwire_bus_away", "1 while the bus between the nodes is unavailable", self._readiness.bus_disconnected),
            ("talkwire_lease_lost", "1 while this node's lease is lost", self._readiness.lease_lost),
            ("talkwire_draining", "1 once this node was asked to stop", self._readiness.draining),
        ):
            yield GaugeMetricFamily(name, says, int(asks()))
