"""The source database of a copy or backup, read from one consistent snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

from sqlalchemy import (
    URL,
    BigInteger,
    Connection,
    Engine,
    Result,
    Text,
    case,
    column,
    event,
    exists,
    func,
    literal_column,
    select,
    table,
    text,
)

from talkwire.storage.clock import DatabaseMs
from talkwire.storage.engine import reading_engine
from talkwire.storage.migrations import newest_revision, revision_of
from talkwire.storage.schema import log_head, metadata, nodes
from talkwire.storage.transfer.errors import SourceError
from talkwire.storage.transfer.tables import MovedTable, Row, as_moved, count_rows, encoded, select_rows

BATCH_ROWS = 500
"""Number of rows of a batch. A message may have 64 KiB, so a batch has at most about 30 MB."""


class Head(NamedTuple):
    """The state of the log: its epoch, its newest position `pos`, and its `floor`, the position up to which events were
    deleted."""

    epoch: str
    pos: int
    floor: int


class Batch(NamedTuple):
    """Up to BATCH_ROWS rows of a table, and the same rows encoded as lines of JSON."""

    rows: list[Row]
    lines: list[bytes]


class Source:
    """A consistent snapshot of a database that is copied or backed up. It lasts as long as the transaction that is open
    on `connection`. `revision` is the version of the database's tables, `head` the state of its log."""

    def __init__(self, connection: Connection, revision: str) -> None:
        self.revision = revision
        self.head = head_of(connection)
        self._connection = connection

    @property
    def kind(self) -> str:
        """The kind of database: `sqlite` or `postgresql`."""
        return self._connection.dialect.name

    def count(self, moved: MovedTable) -> int:
        return int(self._connection.execute(count_rows(moved)).scalar_one())

    def batches(self, moved: MovedTable) -> AbstractContextManager[Iterator[Batch]]:
        """Returns a context manager that provides an iterator over all rows of a table in the order of its key, in
        batches. Iterating may raise RowError."""
        return reading(self._connection, moved)

    def last_ids(self) -> dict[str, int]:
        """Returns table -> the last id that the database assigned, for the tables whose ids it generates."""
        return {name: _last_id(self._connection, name, column) for name, column in tables_with_generated_ids()}


@contextmanager
def opened_source(url: URL) -> Iterator[Source]:
    """A context manager that opens a database and provides a snapshot of it. Raises SQLAlchemyError, NewerTablesError,
    SourceError if the database holds no chat or the tables of an older version, and UnfinishedError if it holds an
    unfinished copy or restore."""
    engine = with_long_timeouts(reading_engine(url, 1))
    try:
        revision = revision_of(engine)
        if revision is None:
            raise SourceError("there is no chat in the database")
        if revision != newest_revision():
            raise SourceError(f"the database has tables of version {revision}; run `talkwire migrate` first")
        with engine.connect() as connection, connection.begin():
            yield Source(connection, revision)
    finally:
        engine.dispose()


def with_long_timeouts(engine: Engine) -> Engine:
    """Removes PostgreSQL's time limits for statements and transactions from the engine's connections, and returns the
    engine. SQLite connections decode invalid UTF-8 to surrogate characters instead of failing, so that a later error
    can name the row."""

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:  # noqa: ANN401 (a driver's connection)
        if engine.dialect.name == "sqlite":
            connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            return
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        connection.commit()

    return engine


@contextmanager
def reading(connection: Connection, moved: MovedTable) -> Iterator[Iterator[Batch]]:
    """A context manager that provides an iterator over all rows of a table in the order of its key, in batches.
    Iterating may raise RowError."""
    statement = select_rows(moved, connection.dialect)
    with connection.execute(statement, execution_options={"yield_per": BATCH_ROWS}) as found:
        yield _batches(moved, found)


def _batches(moved: MovedTable, found: Result[Any]) -> Iterator[Batch]:
    for part in found.partitions(BATCH_ROWS):
        rows = [as_moved(moved, row) for row in part]
        yield Batch(rows, [encoded(moved, row) for row in rows])


def head_of(connection: Connection) -> Head:
    found = connection.execute(select(log_head.c.epoch, log_head.c.pos, log_head.c.floor)).one_or_none()
    if found is None:
        raise SourceError("the database has no log")
    return Head(*found)


def has_living_node(connection: Connection) -> bool:
    """Returns whether a server runs on a PostgreSQL database: whether a node has a lease that is valid by the
    database's clock."""
    living = exists().where(nodes.c.lease_until_ms > DatabaseMs())
    return bool(connection.execute(select(living)).scalar_one())


def tables_with_generated_ids() -> Sequence[tuple[str, str]]:
    """Returns (table, column) of each id column whose values the database generates."""
    found = ((each.name, each.autoincrement_column) for each in metadata.sorted_tables)
    return [(name, column.name) for name, column in found if column is not None]


sqlite_sequence = table("sqlite_sequence", column("name", Text()), column("seq", BigInteger()))
"""Table of SQLite itself with the last ids that it has assigned."""


def _last_id(connection: Connection, name: str, column_name: str) -> int:
    if connection.dialect.name == "sqlite":
        found = select(sqlite_sequence.c.seq).where(sqlite_sequence.c.name == name)
        return connection.execute(found).scalar() or 0
    sequence: str = connection.execute(select(func.pg_get_serial_sequence(name, column_name))).scalar_one()
    # The name is quoted already.
    last_value = case((literal_column("is_called"), literal_column("last_value")), else_=0)
    last: int = connection.execute(select(last_value).select_from(text(sequence))).scalar_one()
    return last
