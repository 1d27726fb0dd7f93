"""What is killed and stopped while many press, and when."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from rigs.torture.cluster.breaking import HOWS, How, break_node, break_postgresql
from rigs.torture.cluster.place import Place


@dataclass(frozen=True)
class Outage:
    """What is killed (SIGKILL) or stopped (SIGSTOP), after how many seconds, and for how many it is gone."""

    at_s: float
    what: str
    how: How
    for_s: float

    def __str__(self) -> str:
        return f"{self.what} {self.how} at {self.at_s:.2f} s for {self.for_s:.1f} s"


def schedule(place: Place, chance: random.Random, number: int, within_s: float, longest_s: float) -> list[Outage]:
    """Returns `number` outages of nodes and of PostgreSQL at random times, the same for a seed and a topology.

    Most of them come early, since few presses decide a card.
    """
    whats = [node.name for node in place.nodes] * 2 + ["postgresql"] * (place.postgresql is not None)
    outages = [
        Outage(within_s * chance.random() ** 2, chance.choice(whats), chance.choice(HOWS), chance.uniform(0, longest_s))
        for _ in range(number)
    ]
    return sorted(outages, key=lambda outage: outage.at_s)


async def cause(place: Place, outages: Sequence[Outage]) -> None:
    """Causes outages, and returns when everything is back. Different ones overlap."""
    started_s = asyncio.get_running_loop().time()
    await asyncio.gather(
        *(
            _break(place, what, [outage for outage in outages if outage.what == what], started_s)
            for what in {outage.what for outage in outages}
        )
    )


async def _break(place: Place, what: str, outages: Sequence[Outage], started_s: float) -> None:
    for outage in outages:
        await asyncio.sleep(started_s + outage.at_s - asyncio.get_running_loop().time())
        if what == "postgresql":
            assert place.postgresql is not None
            await break_postgresql(place.postgresql, outage.how, outage.for_s)
            continue
        (node,) = (node for node in place.nodes if node.name == what)
        back = await break_node(node, outage.how)
        await asyncio.sleep(outage.for_s)
        await back()
