"""Copies one database into another: every row, the log's epoch, and the state that clients' sessions need to continue.

Rows that are in the target already are compared with the source, table by table from the first row, and equal ones are
kept. So a copy that was killed resumes, and a copy of a source that has changed since replaces the rows that differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from sqlalchemy import URL

from talkwire.storage.engine import reading_engine
from talkwire.storage.transfer.errors import MismatchError, SourceError
from talkwire.storage.transfer.source import Source, has_living_node, head_of, opened_source, with_long_timeouts
from talkwire.storage.transfer.tables import Checksum, MovedTable, Row, Summed, moved_tables
from talkwire.storage.transfer.target import Target, opened_target
from talkwire.storage.unfinished import UnfinishedMark

WRITTEN_ROWS = 5_000
"""Approximate number of rows that one transaction of the target writes."""

WRITTEN_BYTES = 4 * 1024 * 1024
"""Approximate number of bytes that one transaction of the target writes."""


class Progress(Protocol):
    """Shows the operator the progress of a copy, backup or restore."""

    def begin(self, subject: str, total: int, unit: str = "rows") -> None:
        """Shows that the work on `subject`, such as a table's name, begins. `advance` counts its steps up to `total`,
        in `unit`."""
        ...

    def advance(self, count: int) -> None: ...
    def note(self, sentence: str) -> None:
        """Shows a sentence to the operator."""
        ...


class Copied(dict[str, Summed]):
    """The result of a copy: table -> number of rows and checksum, which are the same in both databases.
    `was_copied_before` is True if the target already had all rows, so that nothing was written."""

    was_copied_before = False


def copy_database(source_url: URL, target_url: URL, source_name: str, progress: Progress) -> Copied:
    """Copies all data from one database to another and compares them afterwards. `source_name` describes the source in
    messages, without a password. No server may run on the source, and nobody may write to it meanwhile.

    Raises SourceError, TargetError, RowError, MismatchError, UnfinishedError, NewerTablesError, SQLAlchemyError. Rows
    that were written before an error are kept, and the next copy resumes after them. No server starts on the target
    until the copy is complete.
    """
    with opened_source(source_url) as source:
        _must_be_still(source_url, source)
        with opened_target(target_url) as target:
            whole = _whole_copy(source, target, progress) if source_url != target_url else None
            if whole is not None:
                return whole
            earlier = target.begin_copy(UnfinishedMark("copy", source_name, source.head.epoch, source.head.pos))
            if earlier is not None:
                moved_on = "" if earlier.pos == source.head.pos else ", although the source has changed since"
                progress.note(f"Continuing an unfinished copy{moved_on}.")
            copied = Copied({moved.name: _copy_table(source, target, moved, progress) for moved in moved_tables()})
            compare(target, moved_tables(), copied, progress)
            _must_be_still(source_url, source)
            target.finish(source.head, source.last_ids())
    return copied


def compare(target: Target, tables: Iterable[MovedTable], sent: Mapping[str, Summed], progress: Progress) -> None:
    """Reads all rows of these tables in the target and compares each table's number of rows and checksum with those of
    the rows that were sent, `sent`. Raises MismatchError."""
    tables = list(tables)
    progress.begin("comparing", sum(summed.rows for summed in sent.values()))
    for moved in tables:
        arrived = target.checksum_of(moved, progress.advance)
        if arrived != sent[moved.name]:
            rows = f"{sent[moved.name].rows} rows were sent, {arrived.rows} have arrived"
            raise MismatchError(f"{moved.name} differs from what was sent ({rows}); do not use the database")


def _must_be_still(url: URL, snapshot: Source) -> None:
    """Raises SourceError if a server runs on the source database, or its log has changed since the snapshot. SQLite is
    not checked, since a lock on its file prevents both."""
    if snapshot.kind == "sqlite":
        return
    engine = with_long_timeouts(reading_engine(url, 1))
    try:
        with engine.connect() as connection:
            if has_living_node(connection):
                raise SourceError("a server is running on the source, or was killed seconds ago: stop it, then copy")
            if head_of(connection) != snapshot.head:
                raise SourceError("the source was written to while it was copied: run the same talkwire copy again")
    finally:
        engine.dispose()


def _whole_copy(source: Source, target: Target, progress: Progress) -> Copied | None:
    """Returns rows and checksum of each table if the target already has exactly the source's rows, else None."""
    if not target.has_reached(source.head):
        return None
    found = Copied()
    found.was_copied_before = True
    progress.begin("comparing", sum(source.count(moved) for moved in moved_tables()))
    for moved in moved_tables():
        checksum = Checksum()
        with source.batches(moved) as batches:
            for batch in batches:
                checksum.add(batch.lines)
        if target.checksum_of(moved, progress.advance) != checksum.value:
            return None
        found[moved.name] = checksum.value
    return found


class _Different(Exception):
    """The target's rows of a table differ from the first rows of the source's table, so the copy cannot resume after
    them."""


def _copy_table(source: Source, target: Target, moved: MovedTable, progress: Progress) -> Summed:
    progress.begin(moved.name, source.count(moved))
    try:
        return _resume(source, target, moved, progress)
    except _Different:
        target.clear(moved)
        progress.begin(moved.name, source.count(moved))
        return _resume(source, target, moved, progress)


def _resume(source: Source, target: Target, moved: MovedTable, progress: Progress) -> Summed:
    """Copies the rows of a table that the target does not have yet. Returns the number of rows and checksum of the
    source's table. Raises _Different, and writes nothing, if the target's rows are not the first rows of the source."""
    present = target.checksum_of(moved)
    writing = Writing(target, moved)
    checksum = Checksum()
    with source.batches(moved) as batches:
        for batch in batches:
            there = max(0, present.rows - checksum.rows)
            checksum.add(batch.lines[:there])
            if checksum.rows == present.rows and checksum.value != present:
                raise _Different
            checksum.add(batch.lines[there:])
            writing.add(batch.rows[there:], sum(map(len, batch.lines[there:])))
            progress.advance(len(batch.rows))
    if checksum.rows < present.rows:
        raise _Different
    writing.flush()
    return checksum.value


class Writing:
    """A buffer of rows for one table of the target. It writes them in transactions of about WRITTEN_ROWS rows or
    WRITTEN_BYTES bytes; `flush` writes the rest."""

    def __init__(self, target: Target, moved: MovedTable) -> None:
        self._target = target
        self._moved = moved
        self._rows: list[Row] = []
        self._size = 0

    def add(self, rows: Sequence[Row], size: int) -> None:
        """Adds rows to the buffer, and writes them if it is full. `size` is their approximate size in bytes."""
        self._rows += rows
        self._size += size
        if len(self._rows) >= WRITTEN_ROWS or self._size >= WRITTEN_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._target.write(self._moved, self._rows)
            self._rows = []
            self._size = 0
