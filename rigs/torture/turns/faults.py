"""What is killed and stopped while agents work, and when."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rigs.torture.cluster.breaking import HOWS, How, break_node, break_postgresql
from rigs.torture.cluster.place import Place
from rigs.torture.turns.replica_process import ReplicaProcess
from rigs.torture.turns.work import LEASE_S

REPLICA, NODE, POSTGRESQL = "replica", "node", "postgresql"
_SERVER_GONE_S = 4.0
_BETWEEN_S = 3.0
"""For how many seconds at least something works until it is broken again, on a slow machine too."""

_REPLICA_KILLED_S = 2.0
_REPLICA_STOPPED_S = (1.0, 2.0 * LEASE_S)


@dataclass(frozen=True)
class Fault:
    """What is killed (SIGKILL) or stopped (SIGSTOP), after how many seconds, and for how many it is gone."""

    at_s: float
    what: str
    how: How
    for_s: float

    def __str__(self) -> str:
        return f"{self.what} {self.how} at {self.at_s:.1f} s for {self.for_s:.1f} s"


def schedule(place: Place, replicas: int, chance: random.Random, number: int, within_s: float) -> list[Fault]:
    """Returns faults at random times, the same for a seed and a topology: half of them are of replicas."""
    names = [f"{REPLICA}-{each + 1}" for each in range(replicas)]
    servers = [node.name for node in place.nodes] + [POSTGRESQL] * (place.postgresql is not None)
    faults = []
    for each in range(number):
        what = chance.choice(servers if each % 2 else names)
        faults.append(_fault(what, chance.uniform(0, within_s), chance))
    return sorted(faults, key=lambda fault: fault.at_s)


def _fault(what: str, at_s: float, chance: random.Random) -> Fault:
    how = chance.choice(HOWS)
    if not what.startswith(REPLICA):
        return Fault(at_s, what, how, chance.uniform(0, _SERVER_GONE_S))
    for_s = chance.uniform(0, _REPLICA_KILLED_S) if how == "killed" else chance.uniform(*_REPLICA_STOPPED_S)
    return Fault(at_s, what, how, for_s)


def counted(faults: Sequence[Fault]) -> str:
    """Returns how many faults of each kind there are, as a phrase."""
    kinds = Counter(f"{fault.what.partition('-')[0]} {fault.how}" for fault in faults)
    return ", ".join(f"{kind}: {number}" for kind, number in sorted(kinds.items())) or "no faults"


async def cause(place: Place, replicas: Sequence[ReplicaProcess], faults: Sequence[Fault]) -> None:
    """Causes faults, and returns when everything is back. Those of different things overlap."""
    started_s = asyncio.get_running_loop().time()
    await asyncio.gather(
        *(
            _break(place, replicas, [fault for fault in faults if fault.what == what], started_s)
            for what in sorted({fault.what for fault in faults})
        )
    )


async def _break(place: Place, replicas: Sequence[ReplicaProcess], faults: Sequence[Fault], started_s: float) -> None:
    loop, back_s = asyncio.get_running_loop(), 0.0
    for fault in faults:
        await asyncio.sleep(max(back_s + _BETWEEN_S, started_s + fault.at_s) - loop.time())
        if fault.what == POSTGRESQL:
            assert place.postgresql is not None
            await break_postgresql(place.postgresql, fault.how, fault.for_s)
        elif fault.what.startswith(REPLICA):
            (replica,) = (each for each in replicas if each.name == fault.what)
            await _break_replica(replica, fault)
        else:
            (node,) = (each for each in place.nodes if each.name == fault.what)
            back = await break_node(node, fault.how)
            await asyncio.sleep(fault.for_s)
            await back()
        back_s = loop.time()


async def _break_replica(replica: ReplicaProcess, fault: Fault) -> None:
    if fault.how == "stopped":
        replica.pause()
        await asyncio.sleep(fault.for_s)
        replica.resume()
    else:
        await replica.kill()
        await asyncio.sleep(fault.for_s)
        replica.start()
