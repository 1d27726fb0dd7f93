"""Cards that many press while nodes and PostgreSQL are killed and stopped (docs/torture.md): each has one outcome,
nothing acknowledged is lost, and the counts of a poll are exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigs.torture.cards.counting import run_voting
from rigs.torture.cards.trial import PressPlan, run_press_trials
from rigs.torture.cards.voting import VotingPlan
from rigs.torture.cluster.place import Topology, running_place
from tests.repetition import torture_seed


async def _check(topology: Topology, folder: Path, presses: list[PressPlan], votes: VotingPlan) -> None:
    lines: list[str] = []
    async with running_place(topology, folder) as place:
        pressed = await run_press_trials(place, presses, lines.append)
        voted = await run_voting(place, votes, lines.append)
    violations = [each for one in pressed for each in one.violations] + voted.violations
    assert violations == [], "\n".join(lines)
    for one in pressed:
        assert one.counts["presses"] == 3 * one.plan.users
        assert one.counts["accepted"] >= 3
        assert one.counts["decided"] >= 2
    assert voted.counts["choices in the log"] >= votes.voters


async def test_a_card_is_decided_once_and_a_poll_counts_all_votes_although_the_server_is_killed(
    tmp_path: Path,
) -> None:
    pressing = PressPlan(torture_seed(), users=20, outages=1, longest_s=0.3)
    await _check("sqlite", tmp_path, [pressing], VotingPlan(torture_seed(), voters=100, kills=1))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("topology", ["sqlite", "postgresql", "two-nodes", "three-nodes"])
async def test_fifty_press_at_once_and_a_thousand_vote(topology: Topology, tmp_path: Path) -> None:
    presses = [PressPlan(torture_seed() + number) for number in range(6)]
    await _check(topology, tmp_path, presses, VotingPlan(torture_seed(), voters=1000))


@pytest.mark.timeout(600)
async def test_ten_thousand_votes_are_counted_exactly(tmp_path: Path) -> None:
    lines: list[str] = []
    async with running_place("two-nodes", tmp_path) as place:
        outcome = await run_voting(place, VotingPlan(torture_seed()), lines.append)
    assert outcome.violations == [], "\n".join(lines)
