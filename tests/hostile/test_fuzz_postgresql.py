"""Three tenths of the fuzz: all entry points of a server on PostgreSQL, its rate limits off so that every input
counts."""

from __future__ import annotations

import pytest

from rigs.hostile.campaign import INPUTS
from rigs.hostile.trial import HoldsWithoutLimits, Trial, attacked
from tests.databases import PostgresServer

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory, postgresql: PostgresServer) -> Trial:
    url = postgresql.url_of(postgresql.create_migrated())
    environment = {"DATABASE_URL": url.render_as_string(hide_password=False)}
    return attacked(tmp_path_factory.mktemp("postgresql"), INPUTS * 3 // 10, environment)


class TestOnPostgresql(HoldsWithoutLimits):
    def test_as_many_inputs_were_sent_as_were_asked_for(self, trial: Trial) -> None:
        assert trial.outcome.sent.total() >= INPUTS * 3 // 10
