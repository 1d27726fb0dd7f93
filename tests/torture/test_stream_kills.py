"""Streams whose author, nodes and PostgreSQL are killed and stopped (docs/torture.md): what was stored is there, and in
the end everybody has what the author has written."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigs.torture.cluster.place import TOPOLOGIES, Topology, running_place
from rigs.torture.streams.faults import Plan
from rigs.torture.streams.trial import Outcome, run_trials
from tests.repetition import torture_seed

FAULTS = 8


async def _tried(topology: Topology, folder: Path, *plans: Plan) -> list[Outcome]:
    """Returns what trials have found, of which none may have found a violation."""
    lines: list[str] = []
    async with running_place(topology, folder) as place:
        outcomes = await run_trials(place, folder, plans, lines.append)
    assert [violation for outcome in outcomes for violation in outcome.violations] == [], "\n".join(lines)
    return outcomes


async def test_a_stream_survives_its_author_and_its_server(tmp_path: Path) -> None:
    calm = Plan(torture_seed(), appends=150, rate=80)
    broken = Plan(torture_seed() + 1, appends=40, rate=60, faults=2, longest_s=0.2, hows=("killed",))
    undisturbed, survived = await _tried("sqlite", tmp_path, calm, broken)
    assert undisturbed.counts["answers"] >= calm.appends
    assert undisturbed.counts["checkpoints"] >= 1
    assert undisturbed.counts["deltas"] >= 3 * undisturbed.counts["seconds"]
    assert {fault.what for fault in survived.faults} == {"author", "node-1"}
    assert survived.counts["attempts"] >= 2


@pytest.mark.timeout(600)
@pytest.mark.parametrize("topology", TOPOLOGIES)
async def test_a_long_stream_survives_faults_of_everything(topology: Topology, tmp_path: Path) -> None:
    calm, broken = Plan(torture_seed() + 2), Plan(torture_seed() + 3, faults=FAULTS)
    _, survived = await _tried(topology, tmp_path, calm, broken)
    assert survived.counts["looks at what is stored"] == FAULTS + 1
