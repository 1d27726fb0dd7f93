"""Agents whose replicas, nodes and PostgreSQL are killed and stopped (docs/torture.md): each message is answered once,
and of the turns of a conversation one is worked on at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigs.torture.cluster.place import Topology, running_place
from rigs.torture.turns.trial import ENVIRONMENT, TurnOutcome, TurnPlan, run_turn_trial
from rigs.torture.turns.work import DEPTH
from tests.repetition import torture_seed


async def _tried(topology: Topology, folder: Path, plan: TurnPlan) -> TurnOutcome:
    """Returns what a trial has found, which may be no violation."""
    lines: list[str] = []
    async with running_place(topology, folder, ENVIRONMENT) as place:
        outcome = await run_turn_trial(place, folder, plan, lines.append)
    assert outcome.violations == [], "\n".join(lines)
    counts = outcome.counts
    assert counts["mentions"] == plan.mentions
    assert counts["attempts"] >= counts["sent"] + counts["done"] + counts["asked"]
    assert counts["messages of chains"] >= DEPTH * plan.chains
    return outcome


async def test_each_message_is_answered_once_although_replicas_and_the_server_are_killed(tmp_path: Path) -> None:
    plan = TurnPlan(torture_seed(), mentions=40, rate=12, conversations=10, faults=3, chains=2)
    outcome = await _tried("sqlite", tmp_path, plan)
    assert {fault.what.partition("-")[0] for fault in outcome.faults} == {"replica", "node"}


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("topology", ["sqlite", "postgresql", "two-nodes", "three-nodes"])
async def test_three_replicas_answer_each_of_a_thousand_messages_once(topology: Topology, tmp_path: Path) -> None:
    outcome = await _tried(topology, tmp_path, TurnPlan(torture_seed()))
    assert outcome.counts["failed attempts"] > 0
