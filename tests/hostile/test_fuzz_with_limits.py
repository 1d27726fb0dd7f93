"""A short fuzz against a server with rate limits, which refuses most inputs."""

from __future__ import annotations

import pytest

from rigs.hostile.campaign import INPUTS
from rigs.hostile.trial import Holds, Trial, attacked

pytestmark = pytest.mark.timeout(600)

_WITNESS_INTERVAL_S = 0.2
"""Within what a user may send."""

_INPUTS_MIN = 1250
"""Fewer meet no limit."""

_RATES = "reads=2000/2000,changes=2/30,signals=2/30,connects=150/500"
"""Ordinary members are to read everything in the end; the attackers are to meet their limits on a slow machine too."""


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    environment = {"TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": _RATES}
    folder = tmp_path_factory.mktemp("limits")
    inputs = max(_INPUTS_MIN, INPUTS // 20)
    return attacked(folder, inputs, environment, witness_interval_s=_WITNESS_INTERVAL_S)


class TestWithLimits(Holds):
    def test_some_inputs_are_refused_for_being_too_many(self, trial: Trial) -> None:
        refused = [answer for _, answer in trial.outcome.answers if answer in {"429", "rate_limited"}]
        assert refused
