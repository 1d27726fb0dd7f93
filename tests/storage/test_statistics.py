"""That a young PostgreSQL database does not keep plans that were made for empty tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from talkwire.storage.engine import writing_engine
from talkwire.storage.followers.statistics import AUTOVACUUM_FROM_POS, UNCOUNTED_UNTIL_POS, YoungStatistics
from talkwire.storage.messages.search import WordTable
from tests.databases import PostgresServer, may_pause

_GROW = text(
    "INSERT INTO messages (id, conversation_id, seq, sender_id, content, created_ms) "
    "SELECT n, 'c', n, 'u', 'Hello', 0 FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n"
)


@pytest.fixture
def engine(postgresql: PostgresServer) -> Iterator[Engine]:
    name = postgresql.create_migrated()
    engine = may_pause(writing_engine(postgresql.url_of(name)))
    yield engine
    engine.dispose()
    postgresql.drop(name)


@pytest.mark.parametrize(
    ("after", "until", "counted"),
    [
        (0, UNCOUNTED_UNTIL_POS - 1, False),
        (0, UNCOUNTED_UNTIL_POS, True),
        (UNCOUNTED_UNTIL_POS, 2 * UNCOUNTED_UNTIL_POS - 1, False),
        (UNCOUNTED_UNTIL_POS, 2 * UNCOUNTED_UNTIL_POS, True),
        (2 * UNCOUNTED_UNTIL_POS - 1, 2 * UNCOUNTED_UNTIL_POS, True),
        (10 * UNCOUNTED_UNTIL_POS, 100 * UNCOUNTED_UNTIL_POS, True),
        (AUTOVACUUM_FROM_POS - 1, AUTOVACUUM_FROM_POS, False),
        (2 * AUTOVACUUM_FROM_POS - 1, 2 * AUTOVACUUM_FROM_POS, False),
    ],
)
def test_tables_are_counted_when_the_log_has_doubled(engine: Engine, after: int, until: int, *, counted: bool) -> None:
    with engine.connect() as connection:
        reached, work = YoungStatistics().prepare(connection, after, until)
    assert (reached, bool(work)) == (until, counted)


def test_a_prepared_lookup_does_not_read_all_of_a_table_that_has_grown(engine: Engine) -> None:
    words, grown = WordTable(engine.dialect), 5000
    with engine.begin() as connection:
        # PostgreSQL's own statistics, which may come at any time, would replace the plan as well.
        connection.execute(text("ALTER TABLE messages SET (autovacuum_enabled = off)"))
        connection.execute(_GROW, {"first": 1, "last": 10})
    for _ in range(12):  # by then it has its plan for good
        with engine.begin() as connection:
            words.put(connection, {1: ["hello"]})
    with engine.begin() as connection:
        connection.execute(_GROW, {"first": 11, "last": grown})
    assert _messages_read(engine, words) >= grown, "the old plan has become a good one by itself"
    with engine.begin() as connection:
        YoungStatistics().store(connection, ["analyze"])
    assert _messages_read(engine, words) < 10


def _messages_read(engine: Engine, words: WordTable) -> int:
    """How many rows are read to put one message into the index."""
    read = text("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'messages'")
    with engine.begin() as connection:
        before = connection.execute(read).scalar_one()  # the last read may not be subtracted yet
        words.put(connection, {1: ["hello"]})
        after = connection.execute(read).scalar_one()
    return int(after - before)
