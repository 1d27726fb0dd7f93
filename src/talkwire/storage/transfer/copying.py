"""From one database into another: every row, the epoch, and what sessions need to go on.

Whatever is in the target by then is compared with the source, table by table from its front, and what is equal stays.
So a copy that was killed goes on where it was, and one of a source that has changed since mends what is different.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from sqlalchemy import URL

from talkwire.storage.engine import reading_engine
from talkwire.storage.transfer.errors import MismatchError, SourceError
from talkwire.storage.transfer.source import Source, has_living_node, head_of, opened_source, patient
from talkwire.storage.transfer.tables import Checksum, MovedTable, Row, Summed, moved_tables
from talkwire.storage.transfer.target import Target, opened_target
from talkwire.storage.unfinished import UnfinishedMark

WRITTEN_ROWS = 5_000
WRITTEN_BYTES = 4 * 1024 * 1024
"""What one transaction of the target takes, about."""


class Progress(Protocol):
    """Whoever shows how far it is."""

    def begin(self, subject: str, total: int, unit: str = "rows") -> None:
        """The next part, of `total` steps."""
        ...

    def advance(self, count: int) -> None: ...
    def note(self, sentence: str) -> None:
        """Something that is good to know."""
        ...


class Copied(dict[str, Summed]):
    """What was copied: table -> rows and checksum, the same on both sides. `was_there`: nothing had to be copied."""

    was_there = False


def copy_database(source_url: URL, target_url: URL, source_name: str, progress: Progress) -> Copied:
    """Copies everything, and compares. `source_name` is what people call the source. Nobody may write to it meanwhile.

    Raises SourceError, TargetError, RowError, MismatchError, UnfinishedError, NewerTablesError, SQLAlchemyError. But
    for the first two, what was written stays, to be gone on with; until the copy is whole nothing serves the target.
    """
    with opened_source(source_url) as source:
        _must_be_still(source_url, source)
        with opened_target(target_url) as target:
            whole = _whole_copy(source, target, progress) if source_url != target_url else None
            if whole is not None:
                return whole
            earlier = target.begin_copy(UnfinishedMark("copy", source_name, source.head.epoch, source.head.pos))
            if earlier is not None:
                moved_on = "" if earlier.pos == source.head.pos else ", though the source has gone on since"
                progress.note(f"Going on with an unfinished copy{moved_on}.")
            copied = Copied({moved.name: _copy_table(source, target, moved, progress) for moved in moved_tables()})
            compare(target, moved_tables(), copied, progress)
            _must_be_still(source_url, source)
            target.finish(source.head, source.last_ids())
    return copied


def compare(target: Target, tables: Iterable[MovedTable], sent: Mapping[str, Summed], progress: Progress) -> None:
    """Reads everything that has arrived. Raises MismatchError."""
    tables = list(tables)
    progress.begin("comparing", sum(summed.rows for summed in sent.values()))
    for moved in tables:
        arrived = target.summed(moved, progress.advance)
        if arrived != sent[moved.name]:
            rows = f"{sent[moved.name].rows} rows were sent, {arrived.rows} are there"
            raise MismatchError(f"{moved.name} is not what it should be ({rows}); the database is not to be used")


def _must_be_still(url: URL, snapshot: Source) -> None:
    """No server may be running on the source, and nobody may have written since. A SQLite file's lock sees to that."""
    if snapshot.kind == "sqlite":
        return
    engine = patient(reading_engine(url, 1))
    try:
        with engine.connect() as connection:
            if has_living_node(connection):
                raise SourceError("a server is running on the source, or was killed seconds ago: stop it, then copy")
            if head_of(connection) != snapshot.head:
                raise SourceError("the source was written to while it was copied: run the same talkwire copy again")
    finally:
        engine.dispose()


def _whole_copy(source: Source, target: Target, progress: Progress) -> Copied | None:
    """Returns what the target has, if that is everything that the source has and nothing else."""
    if not target.has_come_to(source.head):
        return None
    found = Copied()
    found.was_there = True
    progress.begin("comparing", sum(source.count(moved) for moved in moved_tables()))
    for moved in moved_tables():
        checksum = Checksum()
        with source.batches(moved) as batches:
            for batch in batches:
                checksum.add(batch.lines)
        if target.summed(moved, progress.advance) != checksum.value:
            return None
        found[moved.name] = checksum.value
    return found


class _Different(Exception):
    """What is in the target by now is no front of the source's table."""


def _copy_table(source: Source, target: Target, moved: MovedTable, progress: Progress) -> Summed:
    progress.begin(moved.name, source.count(moved))
    try:
        return _go_on(source, target, moved, progress)
    except _Different:
        target.clear(moved)
        progress.begin(moved.name, source.count(moved))
        return _go_on(source, target, moved, progress)


def _go_on(source: Source, target: Target, moved: MovedTable, progress: Progress) -> Summed:
    """Writes what is not there yet. Answers the checksum of the source's table. Raises _Different before it writes."""
    present = target.summed(moved)
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
    """Rows for one table, gathered to what is good for one transaction."""

    def __init__(self, target: Target, moved: MovedTable) -> None:
        self._target = target
        self._moved = moved
        self._rows: list[Row] = []
        self._size = 0

    def add(self, rows: Sequence[Row], size: int) -> None:
        """`size`: how many bytes they are, about."""
        self._rows += rows
        self._size += size
        if len(self._rows) >= WRITTEN_ROWS or self._size >= WRITTEN_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._target.write(self._moved, self._rows)
            self._rows = []
            self._size = 0
