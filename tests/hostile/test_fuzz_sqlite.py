"""Seven tenths of the fuzz: all entry points of a server on SQLite, its rate limits off so that every input counts."""

from __future__ import annotations

import pytest

from rigs.hostile.campaign import INPUTS
from rigs.hostile.trial import HoldsWithoutLimits, Trial, attacked

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return attacked(tmp_path_factory.mktemp("sqlite"), INPUTS * 7 // 10)


class TestOnSqlite(HoldsWithoutLimits):
    def test_as_many_inputs_were_sent_as_were_asked_for(self, trial: Trial) -> None:
        assert trial.outcome.sent.total() >= INPUTS * 7 // 10
