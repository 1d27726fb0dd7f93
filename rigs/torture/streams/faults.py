"""What is killed and stopped while a stream is written, and when."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import product

from rigs.torture.cluster.breaking import HOWS, How, break_node, break_postgresql
from rigs.torture.cluster.place import Place
from rigs.torture.streams.author_process import AuthorProcess


@dataclass(frozen=True)
class Fault:
    """What is killed (SIGKILL) or stopped (SIGSTOP) at which answer to the author, and for how many seconds it is
    gone."""

    at: int
    what: str
    how: How
    for_s: float

    def __str__(self) -> str:
        return f"{self.what} {self.how} at {self.at} for {self.for_s:.1f} s"


@dataclass(frozen=True)
class Plan:
    """A trial. `rate` is as in `Job`; `longest_s` is how long what is killed or stopped is gone at most."""

    seed: int
    appends: int = 400
    rate: float = 20.0
    faults: int = 0
    longest_s: float = 8.0
    hows: tuple[How, ...] = HOWS

    def schedule(self, place: Place) -> list[Fault]:
        """Returns the faults, the same for a seed and a topology."""
        chance = random.Random(self.seed)
        whats = ["author", *(node.name for node in place.nodes), *(["postgresql"] if place.postgresql else [])]
        kinds = list(product(whats, self.hows))
        # Each kind once where there are as many faults, so that short trials have them too.
        chosen = [*chance.sample(kinds, len(kinds)), *chance.choices(kinds, k=self.faults)][: self.faults]
        places = sorted(chance.sample(range(1, self.appends - 1), self.faults))
        return [
            Fault(at, what, how, chance.uniform(0, self.longest_s))
            for at, (what, how) in zip(places, chosen, strict=True)
        ]


class Breaker:
    """Causes faults. What is gone comes back by itself."""

    def __init__(self, place: Place, author: AuthorProcess) -> None:
        self._place = place
        self._author = author
        self._returning: list[asyncio.Task[None]] = []

    async def cause(self, fault: Fault) -> None:
        """Returns while a node is gone, since the author may use another; what else is gone is back."""
        await self.settle()
        if fault.what == "author":
            await self._break_author(fault)
        elif fault.what == "postgresql":
            assert self._place.postgresql is not None
            await break_postgresql(self._place.postgresql, fault.how, fault.for_s)
        else:
            (node,) = (node for node in self._place.nodes if node.name == fault.what)
            self._return(await break_node(node, fault.how), fault.for_s)

    async def settle(self) -> None:
        """Waits until all nodes are back."""
        await asyncio.gather(*self._returning)
        self._returning.clear()

    def _return(self, back: Callable[[], Awaitable[None]], after_s: float) -> None:
        async def come_back() -> None:
            await asyncio.sleep(after_s)
            await back()

        self._returning.append(asyncio.create_task(come_back()))

    async def _break_author(self, fault: Fault) -> None:
        if fault.how == "stopped":
            self._author.pause()
            await asyncio.sleep(fault.for_s)
            self._author.resume()
            return
        await self._author.kill()
        await asyncio.sleep(fault.for_s)
        if self._author.finished is None:
            self._author.start()


def described(faults: Sequence[Fault]) -> str:
    return ", ".join(map(str, faults)) or "nothing"
