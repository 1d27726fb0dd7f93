"""Determines whether this node is ready for requests, for load balancers (`/readyz`) and as metrics."""

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
    """The body of `/readyz`, the state of this node. The node is ready when `status` is `ok`.

    `bus` and `webhooks` do not affect `status`: while the bus between the nodes is unavailable, nodes read events from
    the log in the database, a little later; webhooks that an error has stopped start again within seconds.
    """

    status: Literal["ok", "unavailable", "draining"]
    database: Literal["ok", "away"]
    bus: Literal["ok", "away"]
    lease: Literal["ok", "lost"]
    webhooks: Literal["ok", "stopped"]
    draining: bool


def _never() -> bool:
    return False


async def _accept_writes() -> None:
    """The default for `Readiness.check_writes`, which always succeeds."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Checks whether this node (server process) is ready: whether its database works, it has its lease (the record in
    the database that it is alive), and it is not about to stop.

    `check_reads` raises ChatError while the database does not respond, `check_writes` while writes fail. The other
    functions return true while the bus between the nodes is unavailable (`bus_disconnected`), while the lease is lost,
    so that other nodes may consider this node dead (`lease_lost`), once the node is about to stop (`draining`), and
    while an error has stopped all webhooks (`webhooks_stopped`).
    """

    check_reads: Callable[[], Awaitable[None]]
    check_writes: Callable[[], Awaitable[None]] = _accept_writes
    bus_disconnected: Callable[[], bool] = _never
    lease_lost: Callable[[], bool] = _never
    draining: Callable[[], bool] = _never
    webhooks_stopped: Callable[[], bool] = _never

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
            webhooks="stopped" if self.webhooks_stopped() else "ok",
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
    """Prometheus metrics of this node's state: each is 1 while the bus between the nodes is unavailable, the node's
    lease is lost, the node is about to stop, or its webhooks have stopped. Collecting them needs no database query."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def collect(self) -> Iterator[Metric]:
        for name, says, asks in (
            ("talkwire_bus_away", "1 while the bus between the nodes is unavailable", self._readiness.bus_disconnected),
            ("talkwire_lease_lost", "1 while this node's lease is lost", self._readiness.lease_lost),
            ("talkwire_draining", "1 once this node was asked to stop", self._readiness.draining),
            (
                "talkwire_webhooks_stopped",
                "1 while an error has stopped all webhooks",
                self._readiness.webhooks_stopped,
            ),
        ):
            yield GaugeMetricFamily(name, says, int(asks()))
