"""A follower of the log (a background task) that updates PostgreSQL's statistics while a database is young and grows
fast.

PostgreSQL plans a statement by its statistics and keeps the plan. A plan that was made for empty tables reads all rows,
and is kept until autovacuum has counted them, which takes a minute or more. A database grows the fastest, by
proportion, in its first minutes, so its tables are counted whenever its log has doubled. ANALYZE is written as text,
because SQLAlchemy has no construct for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from talkwire.storage.schema import metadata

UNCOUNTED_UNTIL_POS = 64
"""Log position up to which no rows are counted, since any query plan is fast enough."""

AUTOVACUUM_FROM_POS = 1 << 17
"""Log position from which on PostgreSQL's autovacuum keeps up, and ANALYZE would take longer than commands may wait."""

_analyze = text(f"ANALYZE {', '.join(table.name for table in metadata.sorted_tables)}, message_words")


class YoungStatistics:
    """A follower's work, for PostgreSQL only: runs ANALYZE each time the log of a new database has doubled,
    until its head reaches the position AUTOVACUUM_FROM_POS.

    PostgreSQL's own schedule is too slow for a database that has just begun to grow. SQLite chooses indexes well
    without statistics.
    """

    name = "statistics"
    from_start = False
    range_size = AUTOVACUUM_FROM_POS

    def prepare(self, connection: Connection, after: int, until: int) -> tuple[int, Sequence[str]]:
        del connection  # the position is enough
        has_doubled = until.bit_length() > max(after, UNCOUNTED_UNTIL_POS - 1).bit_length()
        return until, ["analyze"] if has_doubled and until < AUTOVACUUM_FROM_POS else []

    def store(self, connection: Connection, prepared: Sequence[str]) -> None:
        del prepared
        connection.execute(_analyze)
