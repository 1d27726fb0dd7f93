"""The schedule of faults: derived from the seed before the campaign starts."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

Resource = Literal["node", "link", "valkey", "postgresql", "proxy"]


@dataclass(frozen=True)
class Kind:
    """`lasts`: from how many to how many seconds. `brief` is the same in a short campaign."""

    name: str
    resource: Resource
    lasts: tuple[float, float] = (0.0, 0.0)
    brief: tuple[float, float] | None = None


KINDS: Sequence[Kind] = (
    Kind("kill", "node", (0.2, 8), (0.2, 2)),
    Kind("kill", "node", (0.2, 25), (0.2, 2)),
    Kind("pause", "node", (5, 12), (5, 6)),
    Kind("pause", "node", (16, 30), (5, 6)),
    Kind("drain", "node", (0, 2), (0, 0.5)),
    Kind("skew", "node", (20, 60), (6, 9)),
    Kind("valkey-cut", "valkey"),
    Kind("valkey-pause", "valkey", (3, 20), (3, 4)),
    Kind("valkey-flush", "valkey"),
    Kind("valkey-kill", "valkey", (1, 15), (1, 3)),
    Kind("link-cut", "link"),
    Kind("link-stall", "link", (3, 20), (2, 4)),
    Kind("link-refuse", "link", (3, 20), (2, 4)),
    Kind("postgresql-restart", "postgresql", (0, 2), (0, 0.5)),
    Kind("postgresql-crash", "postgresql", (0, 4), (0, 0.5)),
    Kind("postgresql-stall", "postgresql", (30, 30), (4, 5)),
    Kind("postgresql-lock", "postgresql", (5, 30), (3, 4)),
    Kind("proxy-restart", "proxy", (0, 2), (0, 0.3)),
)

NODES_IMPAIRED_MAX = 2
SKEWS_S = (-3600, 3600)


@dataclass(frozen=True)
class Planned:
    """A fault of the schedule. `at` and `until` are seconds since the faults started; `node` counts from 0."""

    kind: str
    at: float
    until: float
    node: int | None = None
    skew_s: int = 0

    @property
    def target(self) -> str:
        return "" if self.node is None else f"node-{self.node + 1}"

    @property
    def thing(self) -> tuple[Resource, int | None]:
        """The target of the fault."""
        return _RESOURCES[self.kind], self.node


def plan(
    seed: int, seconds: float, gap_s: float, *, nodes: int, without: Collection[str] = (), brief: bool = False
) -> list[Planned]:
    """Returns the faults of a campaign, on average `gap_s` apart, and at most one per target at a time. Leaves out the
    kinds in `without`. Uses all kinds once before any is repeated.
    """
    chance = random.Random(f"{seed} faults")
    kinds = [kind for kind in KINDS if kind.name not in without]
    planned: list[Planned] = []
    deck: list[Kind] = []
    at = chance.uniform(0, gap_s)
    while at < seconds:
        if not deck:
            deck = chance.sample(kinds, len(kinds))
        found = _next(deck, planned, at, seconds, chance, nodes=nodes, brief=brief)
        if found is not None:
            planned.append(found)
        at += chance.uniform(0.4 * gap_s, 1.6 * gap_s)
    return planned


def _next(
    deck: list[Kind],
    planned: list[Planned],
    at: float,
    seconds: float,
    chance: random.Random,
    *,
    nodes: int,
    brief: bool,
) -> Planned | None:
    """Takes the first possible fault from the deck."""
    for index, kind in enumerate(deck):
        lasts = chance.uniform(*(kind.brief if brief and kind.brief else kind.lasts))
        until = round(min(at + lasts, seconds), 2)
        node = None
        if kind.resource in {"node", "link"}:
            free = _free(kind, planned, at, nodes)
            if not free:
                continue
            node = chance.choice(free)
        elif _is_busy(kind.resource, planned, at):
            continue
        del deck[index]
        skew_s = chance.choice(SKEWS_S) if kind.name == "skew" else 0
        return Planned(kind.name, round(at, 2), until, node, skew_s)
    return None


_RESOURCES = {kind.name: kind.resource for kind in KINDS}
RECOVERS_S = 3.0
"""How long a thing is left alone after a fault of its own."""


def _is_on(fault: Planned, at: float) -> bool:
    return fault.at <= at < fault.until + RECOVERS_S


def _is_busy(resource: Resource, planned: list[Planned], at: float) -> bool:
    return any(_RESOURCES[each.kind] == resource and _is_on(each, at) for each in planned)


def _free(kind: Kind, planned: list[Planned], at: float, nodes: int) -> list[int]:
    impaired = {each.node for each in planned if _RESOURCES[each.kind] == kind.resource and _is_on(each, at)}
    if kind.resource == "node" and len(impaired) >= NODES_IMPAIRED_MAX:
        return []
    return [number for number in range(nodes) if number not in impaired]
