"""Has PostgreSQL count the rows of a young database: the work of a follower of the log.

A statement's plan is made for the tables as they are counted, and kept. One that was made while they were empty reads
all of them, for ever longer, until autovacuum has counted them, which takes a minute and more. A database grows the
fastest, by proportion, in its first minutes, so its tables are counted as often as its log has doubled.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from talkwire.storage.schema import metadata

FIRST = 64
"""Positions of the log before which any plan will do."""

GROWN_UP = 1 << 17
"""Positions from which on autovacuum keeps up, and counting would take longer than a batch may wait."""

_analyze = text(f"ANALYZE {', '.join(table.name for table in metadata.sorted_tables)}, message_words")


class YoungStatistics:
    """For PostgreSQL alone; SQLite plans by its indexes where nothing was counted."""

    name = "statistics"
    from_start = False
    stretch = GROWN_UP

    def prepare(self, connection: Connection, after: int, until: int) -> tuple[int, Sequence[str]]:
        del connection  # the position says it all
        has_doubled = until.bit_length() > max(after, FIRST - 1).bit_length()
        return until, ["analyze"] if has_doubled and until < GROWN_UP else []

    def store(self, connection: Connection, prepared: Sequence[str]) -> None:
        del prepared
        connection.execute(_analyze)
