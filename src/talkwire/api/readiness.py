"""Whether this node should be sent requests, for load balancers, and what `/metrics` says of it."""

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
"""How long the database may take to answer: load balancers wait a few seconds, and then know less."""


class Standing(msgspec.Struct, frozen=True):
    """The body of `/readyz`. A node is ready when `status` is `ok`. What it says of the bus does not count: without one
    the log brings everything, a little later."""

    status: Literal["ok", "unavailable", "draining"]
    database: Literal["ok", "away"]
    bus: Literal["ok", "away"]
    lease: Literal["ok", "lost"]
    draining: bool


def _never() -> bool:
    return False


async def _takes_writes() -> None:
    """Nothing says otherwise."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Asks those who know. `check_reads` raises ChatError while the database does not answer, `check_writes` while no
    write succeeds; `lease_lost`: others may believe that this node is gone; `draining`: it is about to go."""

    check_reads: Callable[[], Awaitable[None]]
    check_writes: Callable[[], Awaitable[None]] = _takes_writes
    bus_away: Callable[[], bool] = _never
    lease_lost: Callable[[], bool] = _never
    draining: Callable[[], bool] = _never

    async def standing(self) -> Standing:
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
            bus="away" if self.bus_away() else "ok",
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
    """The same as gauges, as far as it is known without asking the database."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def collect(self) -> Iterator[Metric]:
        for name, says, asks in (
            ("talkwire_bus_away", "1 while the bus between the nodes is away", self._readiness.bus_away),
            ("talkwire_lease_lost", "1 while this node's lease is lost", self._readiness.lease_lost),
            ("talkwire_draining", "1 once this node has been told to stop", self._readiness.draining),
        ):
            yield GaugeMetricFamily(name, says, int(asks()))
