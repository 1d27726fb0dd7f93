"""A campaign against a fresh server, and everything that is to hold during and after it."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import uvloop

from rigs.hostile import campaign
from rigs.hostile.processes import descriptors
from rigs.hostile.reading import read_all
from rigs.hostile.run import Outcome
from rigs.hostile.scene import COMMON, WITNESS, set_up
from rigs.hostile.target import Measured, Target, running_target
from rigs.hostile.witness import Seen, watching

_WARM_UP_INPUTS = 2_000
"""After so many, all pools have been filled, and the database's files opened."""

_POOLED = 10
"""Descriptors that the database's pools may still open after that, as they are needed."""

_BEAT_S = 0.02
"""The longest turn is only shown if a test fails, so it need not be exact."""

_SETTLES_WITHIN_S = 60.0
_STEP_S = 0.2

LATENCY_S = 0.25
"""The longest time for which a server may keep another client waiting."""

_ATTEMPTS = 3
"""Other programs on the machine may delay a server in one campaign; a server that is slow is slow in each."""


@dataclass(frozen=True)
class Level:
    descriptors: Counter[str]
    """By what they refer to, without numbers."""
    resident_mib: float


@dataclass(frozen=True)
class Trial:
    """The result of a campaign. `unreadable` lists requests with which ordinary members failed to read."""

    outcome: Outcome
    seen: Seen
    measured: Measured
    before: Level
    after: Level
    items_read: int
    unreadable: list[str]
    log: str
    errors: list[str]
    seconds: float


def attacked(
    folder: Path,
    inputs: int,
    environment: Mapping[str, str] | None = None,
    *,
    seed: str = campaign.SEED,
    witness_interval_s: float = 0.05,
) -> Trial:
    """Starts a server, sends it `inputs`, and looks what has become of it."""
    with running_target(folder, environment, _BEAT_S) as target:
        scene = set_up(target.server)
        token = scene.tokens[WITNESS]
        with watching(target.server.url, target.pid, COMMON[0], token, witness_interval_s) as witness:
            uvloop.run(campaign.attack(scene, _WARM_UP_INPUTS, f"{seed}, warming up"))
            time.sleep(_STEP_S)
            before = _level(target)
            witness.seen()
            target.reset()
            begun_s = time.monotonic()
            outcome = uvloop.run(campaign.attack(scene, inputs, seed))
            seconds = time.monotonic() - begun_s
            seen, measured = witness.seen(), target.measured()
            for number in range(_ATTEMPTS - 1):
                if seen.worst_s < LATENCY_S:
                    break
                again = uvloop.run(campaign.attack(scene, inputs, f"{seed}, attempt {number + 2}"))
                outcome.add(again)
                seen = witness.seen().after(seen)
            after = _settled(target, before)
        items_read, unreadable = read_all(scene)
        log = (folder / "server.log").read_text(errors="replace")
        errors = _different(target.server.logged_errors())
    return Trial(outcome, seen, measured, before, after, items_read, unreadable, log, errors, seconds)


def _level(target: Target) -> Level:
    names = (re.sub(r"\d+", "", name) for name in descriptors(target.pid))
    return Level(Counter(names), target.resident_mib())


def _settled(target: Target, before: Level) -> Level:
    """Returns the level once all descriptors are closed again, or when it is clear that they stay open."""
    deadline = time.monotonic() + _SETTLES_WITHIN_S
    most = before.descriptors.total() + _POOLED
    while (level := _level(target)).descriptors.total() > most and time.monotonic() < deadline:
        time.sleep(_STEP_S)
    return level


def _different(lines: list[dict[str, object]]) -> list[str]:
    """What was logged as an error, each kind once: without addresses and numbers, by how its traceback ends."""
    found: dict[str, str] = {}
    for line in lines:
        text = str(line.get("exception") or line)
        found.setdefault(re.sub(r"0x[0-9a-f]+|\d+", "", text[-300:]), f"{line.get('event')}: …{text[-1200:]}")
    return list(found.values())


class Holds:
    """Tests that must hold for the fixture `trial` of a subclass."""

    MEMORY_MIB = 64.0

    def test_no_input_is_answered_with_a_failure_of_the_server(self, trial: Trial) -> None:
        assert trial.outcome.failed == 0, trial.outcome.report()

    def test_nothing_is_logged_as_an_error(self, trial: Trial) -> None:
        assert trial.errors == [], "\n\n".join(trial.errors)
        assert "Traceback (most recent call last)" not in trial.log

    def test_another_client_is_answered_in_time_throughout(self, trial: Trial) -> None:
        assert trial.seen.failures == []
        assert trial.seen.worst_s < LATENCY_S, f"{trial.seen}, the longest turn {trial.measured}"

    def test_descriptors_are_closed_again(self, trial: Trial) -> None:
        more = trial.after.descriptors - trial.before.descriptors
        most = trial.before.descriptors.total() + _POOLED
        assert trial.after.descriptors.total() <= most, f"still open: {more}"

    def test_memory_does_not_grow(self, trial: Trial) -> None:
        assert trial.after.resident_mib < trial.before.resident_mib + self.MEMORY_MIB, f"{trial.before} {trial.after}"

    def test_everybody_can_read_everything(self, trial: Trial) -> None:
        assert trial.unreadable == [], "\n".join(trial.unreadable)


class HoldsWithoutLimits(Holds):
    """Further tests that must hold if rate limits refuse nothing."""

    def test_inputs_of_every_entry_point_get_past_the_first_check(self, trial: Trial) -> None:
        """A campaign whose inputs are all refused at the first check would find nothing."""
        answers = trial.outcome.answers
        taken = {
            name: sum(answers[name, answer] for answer in ("200", "201", "204", "101", "success", "open"))
            for name in trial.outcome.sent
        }
        few = {name: count for name, count in taken.items() if count * 100 < trial.outcome.sent[name]}
        assert not few, f"{few} of {trial.outcome.sent}"
