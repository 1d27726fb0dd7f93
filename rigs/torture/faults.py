"""How each fault of the schedule is done to the cluster, and undone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from rigs.torture.cluster.cluster import Cluster
from rigs.torture.cluster.node import EndedError, can_skew
from rigs.torture.cluster.postgresql import HeadLock
from rigs.torture.history import Fault, History
from rigs.torture.schedule import Planned


class StatusError(Exception):
    """A node did not end in good order when it was asked to."""


Doing = Callable[[Cluster, Planned], AbstractAsyncContextManager[None]]


def missing_tools() -> dict[str, str]:
    """Kinds of faults that cannot be done here -> why."""
    return {} if can_skew() else {"skew": "faketime is not installed (apt-get install faketime)"}


@dataclass(frozen=True)
class Faults:
    """Performs a schedule of so many `seconds`. Calls `failed` for a fault that could not be undone, such as a node
    that does not start.
    """

    cluster: Cluster
    planned: Sequence[Planned]
    seconds: float
    history: History
    failed: Callable[[Fault, Exception], None]

    async def carry_out(self) -> None:
        """Performs each fault at its time, or as soon as its target has recovered from the last one; starts none after
        the end. Returns when all have ended.
        """
        began = asyncio.get_running_loop().time()
        # What one fault leaves behind may take longer than was planned, such as a start without a database.
        locks = {planned.thing: asyncio.Lock() for planned in self.planned}
        async with asyncio.TaskGroup() as group:
            for planned in self.planned:
                group.create_task(self._carry_out(planned, began, locks[planned.thing]))

    async def _carry_out(self, planned: Planned, began: float, lock: asyncio.Lock) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(began + planned.at - loop.time())
        async with lock:
            if loop.time() > began + self.seconds:
                return
            says = f"clock wrong by {planned.skew_s:+d} s" if planned.skew_s else ""
            fault = self.history.fault(planned.kind, planned.target, says)
            try:
                async with _DOING[planned.kind](self.cluster, planned):
                    await asyncio.sleep(planned.until - planned.at)
            except (EndedError, StatusError, TimeoutError) as error:
                self.failed(fault, error)
            fault.until = self.history.now()


@asynccontextmanager
async def _kill(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    node = cluster.nodes[planned.node or 0]
    await node.kill()
    yield
    await node.start()


@asynccontextmanager
async def _pause(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    node = cluster.nodes[planned.node or 0]
    node.pause()
    try:
        yield
    finally:
        node.resume()


@asynccontextmanager
async def _drain(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    node = cluster.nodes[planned.node or 0]
    status = await node.drain()
    if status != 0:
        raise StatusError(f"{node.name} ended with status {status} after SIGTERM")
    yield
    await node.start()


@asynccontextmanager
async def _skew(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    node = cluster.nodes[planned.node or 0]
    await node.drain()
    await node.start(skew_s=planned.skew_s)
    yield
    await node.drain()
    await node.start()


@asynccontextmanager
async def _cut_valkey(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    for kind in ("normal", "pubsub"):
        await asyncio.to_thread(cluster.valkey.cut_clients, kind)
    yield


@asynccontextmanager
async def _pause_valkey(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    cluster.valkey.pause()
    try:
        yield
    finally:
        cluster.valkey.resume()


@asynccontextmanager
async def _flush_valkey(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    await asyncio.to_thread(cluster.valkey.command, "FLUSHALL")
    yield


@asynccontextmanager
async def _kill_valkey(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    await asyncio.to_thread(cluster.valkey.kill)
    yield
    await asyncio.to_thread(cluster.valkey.start)


@asynccontextmanager
async def _cut_link(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    cluster.links[planned.node or 0].cut()
    yield


@asynccontextmanager
async def _stall_link(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    link = cluster.links[planned.node or 0]
    link.stall()
    try:
        yield
    finally:
        link.flow()


@asynccontextmanager
async def _refuse_link(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    link = cluster.links[planned.node or 0]
    link.refuse()
    try:
        yield
    finally:
        link.accept()


@asynccontextmanager
async def _restart_postgresql(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    await cluster.postgresql.stop()
    yield
    await cluster.postgresql.start()


@asynccontextmanager
async def _crash_postgresql(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    await cluster.postgresql.stop(immediately=True)
    yield
    await cluster.postgresql.start()


@asynccontextmanager
async def _stall_postgresql(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    cluster.postgresql.pause()
    try:
        yield
    finally:
        cluster.postgresql.resume()


@asynccontextmanager
async def _lock_head(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    lock = HeadLock(cluster.postgresql)
    await lock.take()
    try:
        yield
    finally:
        await lock.release()


@asynccontextmanager
async def _restart_proxy(cluster: Cluster, planned: Planned) -> AsyncIterator[None]:
    await cluster.balancer.kill()
    yield
    await cluster.balancer.start()


_DOING: dict[str, Doing] = {
    "kill": _kill,
    "pause": _pause,
    "drain": _drain,
    "skew": _skew,
    "valkey-cut": _cut_valkey,
    "valkey-pause": _pause_valkey,
    "valkey-flush": _flush_valkey,
    "valkey-kill": _kill_valkey,
    "link-cut": _cut_link,
    "link-stall": _stall_link,
    "link-refuse": _refuse_link,
    "postgresql-restart": _restart_postgresql,
    "postgresql-crash": _crash_postgresql,
    "postgresql-stall": _stall_postgresql,
    "postgresql-lock": _lock_head,
    "proxy-restart": _restart_proxy,
}
