"""The target database that a copy or restore fills.

The database is marked as unfinished (`storage/unfinished.py`) before anything else. Its rows show the progress of the
work: tables are written in the order of their keys, and written rows are committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
from sqlalchemy import (
    URL,
    BigInteger,
    Connection,
    MetaData,
    Table,
    column,
    delete,
    exists,
    func,
    insert,
    inspect,
    literal,
    select,
    table,
    text,
    update,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from talkwire.storage.engine import writing_engine
from talkwire.storage.migrations import create, lock_schema, newest_revision, upgrade
from talkwire.storage.schema import LOG_HEAD_ID, files, followers, log_head, metadata, uploads, webhooks
from talkwire.storage.session import UnsuitableDatabaseError, refuse_unsuitable
from talkwire.storage.transfer.errors import ArchiveError, RowError, TargetError
from talkwire.storage.transfer.source import (
    Head,
    reading,
    sqlite_sequence,
    tables_with_generated_ids,
    with_long_timeouts,
)
from talkwire.storage.transfer.tables import WORDS_TABLE, Checksum, MovedTable, Row, Summed
from talkwire.storage.unfinished import UnfinishedMark, drop_mark, mark_of, put_mark

_TAKEN_KEY = 0x7461_6C6C
"""Key of an advisory lock of PostgreSQL, by which only one process at a time fills a database."""

_FILLED_WHEN_EMPTY = frozenset({log_head.name, followers.name, "alembic_version"})
"""The tables in which migrations insert rows, so that they do not show that a database is in use."""

_alembic_version = table("alembic_version", column("version_num"))

_json = msgspec.json.Encoder()


class Target:
    """A database that a copy or restore fills over `connection`. No other process fills it at the same time. Call
    `begin_copy` or `begin_restore` first, and `finish` last."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._on_postgresql = connection.dialect.name == "postgresql"

    def has_reached(self, head: Head) -> bool:
        """Returns whether the database is a complete chat of this version whose log has the epoch, newest position and
        floor of `head`."""
        with self._connection.begin():
            names = set(inspect(self._connection).get_table_names())
            if mark_of(self._connection) is not None or not names.issuperset(metadata.tables):
                return False
            revision = self._connection.execute(select(_alembic_version.c.version_num)).scalar()
            own = select(log_head.c.epoch, log_head.c.pos, log_head.c.floor)
            row = self._connection.execute(own).one_or_none()
            return revision == newest_revision() and row is not None and Head(*row) == head

    # --- the tables -------------------------------------------------------------------------------------------------

    def begin_copy(self, mark: UnfinishedMark) -> UnfinishedMark | None:
        """Marks the database as unfinished and creates its tables, if it is empty. If an earlier copy of the same log
        was interrupted, keeps the rows and returns that copy's mark, else None. Raises TargetError, and changes
        nothing, if the database holds anything else."""
        with self._connection.begin():
            lock_schema(self._connection)
            earlier = mark_of(self._connection)
            if earlier is None:
                _must_be_empty(self._connection, mark)
            elif (earlier.what, earlier.epoch) != (mark.what, mark.epoch):
                raise TargetError(f"the database holds an unfinished {earlier.what} of {earlier.source}")
            self._begin(mark, newest_revision())
        return earlier

    def begin_restore(self, mark: UnfinishedMark, revision: str, tables: Iterable[MovedTable]) -> None:
        """Marks the database, which must be empty or hold an interrupted restore, as unfinished, removes the rows of
        that restore, and creates empty tables of version `revision`. Raises TargetError for any other database, and
        ArchiveError if that version does not have all of `tables`; nothing is changed then."""
        with self._connection.begin():
            lock_schema(self._connection)
            earlier = mark_of(self._connection)
            if earlier is None:
                _must_be_empty(self._connection, mark)
            elif earlier.what != mark.what:
                raise TargetError(f"the database holds an unfinished {earlier.what} of {earlier.source}")
            _drop_tables(self._connection)
            self._begin(mark, revision)
            _must_have(self._connection, tables)

    def _begin(self, mark: UnfinishedMark, revision: str) -> None:
        put_mark(self._connection, mark)
        has_tables = inspect(self._connection).has_table(_alembic_version.name)
        (upgrade if has_tables else create)(self._connection, revision)
        # Removes the rows of a new chat: without a log no server starts, even an old version that knows no marks.
        for filled in (log_head, followers):
            self._connection.execute(filled.delete())

    def clear(self, moved: MovedTable) -> None:
        """Deletes all rows of a table and commits."""
        with self._connection.begin():
            if self._on_postgresql:
                self._connection.execute(text(f"TRUNCATE {moved.name}"))
            else:
                self._connection.execute(delete(table(moved.name)))

    # --- the rows ---------------------------------------------------------------------------------------------------

    def write(self, moved: MovedTable, rows: Sequence[Row]) -> None:
        """Inserts rows into a table and commits. Raises RowError for a row that this database cannot store: then none
        of the rows is stored."""
        try:
            with self._connection.begin():
                self._insert(moved, rows)
        except StatementError as error:
            if isinstance(error, DBAPIError) and not isinstance(error, DataError | IntegrityError):
                raise
            raise self._culprit(moved, rows, error) from error

    def checksum_of(self, moved: MovedTable, advance: Callable[[int], None] = lambda _: None) -> Summed:
        """Returns the number and checksum of a table's rows. `advance` is called with the number of rows in each batch
        that was read."""
        checksum = Checksum()
        with self._connection.begin(), reading(self._connection, moved) as batches:
            for batch in batches:
                checksum.add(batch.lines)
                advance(len(batch.rows))
        return checksum.value

    def _insert(self, moved: MovedTable, rows: Sequence[Row]) -> None:
        if not self._on_postgresql:
            # Compiled without values, an insertion names all columns of the clause in their order, as rows have them.
            into = table(WORDS_TABLE, column("rowid"), column("words")) if moved.name == WORDS_TABLE else moved.clause()
            self._connection.exec_driver_sql(str(insert(into).compile(self._connection)), list(rows))
        elif moved.name == WORDS_TABLE:
            given = [(str(id_), words) for id_, words in rows]
            self._connection.execute(_PUT_WORDS, {"rows": _json.encode(given).decode()})
        else:
            self._copy_in(moved, rows)

    def _copy_in(self, moved: MovedTable, rows: Sequence[Row]) -> None:
        from psycopg import Error  # noqa: PLC0415 (an extra)

        statement = f"COPY {moved.name} ({_listed(moved.columns)}) FROM STDIN"
        driver = self._connection.connection.driver_connection
        assert driver is not None, "the connection is open"
        try:
            with driver.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
        except Error as error:
            raise DBAPIError.instance(statement, None, error, Error) from error

    def _culprit(self, moved: MovedTable, rows: Sequence[Row], error: StatementError) -> RowError:
        """Returns the RowError for the first of `rows` that makes an insertion fail; `error` is the failure. Finds it
        by trying parts of the rows in transactions that are rolled back."""
        good, bad = 0, len(rows)
        while bad - good > 1:
            middle = (good + bad) // 2
            if self._can_be_written(moved, rows[:middle]):
                good = middle
            else:
                bad = middle
        reason = str(error.orig or error).partition("\n")[0]
        return RowError(moved.name, moved.key_of(rows[bad - 1]), reason)

    def _can_be_written(self, moved: MovedTable, rows: Sequence[Row]) -> bool:
        with self._connection.begin() as transaction:
            try:
                self._insert(moved, rows)
            except StatementError:
                return False
            finally:
                transaction.rollback()
        return True

    # --- the end ----------------------------------------------------------------------------------------------------

    def finish(
        self,
        head: Head,
        last_ids: Mapping[str, int],
        *,
        in_new_folders: bool = False,
        webhooks_disabled_ms: int | None = None,
    ) -> None:
        """Completes the database, so that a server may start on it: stores `head` as the state of its log, upgrades its
        tables to this version, and continues generated ids after `last_ids` (table -> id).

        With `in_new_folders`, the bytes of files are in other folders than the rows say: the rows' folders are removed,
        and the nodes that have the files store the new ones. `webhooks_disabled_ms` disables all webhooks as of that
        time (milliseconds since 1970); None keeps them as they are.
        """
        with self._connection.begin():
            if self._on_postgresql:
                # When this commit is on disk, so are the earlier ones, which did not wait for the disk.
                self._connection.execute(text("SET LOCAL synchronous_commit = on"))
            self._connection.execute(insert(log_head), {"id": LOG_HEAD_ID, **head._asdict()})
            upgrade(self._connection)
            if in_new_folders:
                for table_ in (files, uploads):
                    self._connection.execute(update(table_).values(folder_id=None))
            if webhooks_disabled_ms is not None:
                disabled = {"enabled": False, "disabled_ms": webhooks_disabled_ms, "disabled_reason": "restored"}
                self._connection.execute(update(webhooks).where(webhooks.c.enabled).values(disabled))
            for name, column_name in tables_with_generated_ids():
                if last_ids.get(name):
                    self._set_last_id(name, column_name, last_ids[name])
            drop_mark(self._connection)
        with self._connection.begin():
            # Without statistics the first queries are planned for empty tables.
            self._connection.execute(text("ANALYZE"))

    def _set_last_id(self, name: str, column_name: str, last: int) -> None:
        if self._on_postgresql:
            sequence = func.pg_get_serial_sequence(name, column_name)
            self._connection.execute(select(func.setval(sequence, literal(last, BigInteger))))
            return
        self._connection.execute(delete(sqlite_sequence).where(sqlite_sequence.c.name == name))
        self._connection.execute(insert(sqlite_sequence), {"name": name, "seq": last})


_PUT_WORDS = text(
    "INSERT INTO message_words (message_id, words) SELECT CAST(value ->> 0 AS bigint), "
    "array_to_tsvector(string_to_array(value ->> 1, ' ')) FROM json_array_elements(CAST(:rows AS json))"
)


@contextmanager
def opened_target(url: URL) -> Iterator[Target]:
    """A context manager that opens a database as the target of a copy or restore. Raises SQLAlchemyError, and
    TargetError if another process is filling the database or PostgreSQL or the database cannot be used."""
    engine = with_long_timeouts(writing_engine(url))
    try:
        refuse_unsuitable(engine, changes_tables=True)
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                _take(connection)
            yield Target(connection)
    except UnsuitableDatabaseError as error:
        raise TargetError(str(error)) from error
    finally:
        engine.dispose()


def _take(connection: Connection) -> None:
    with connection.begin():
        taken = connection.execute(select(func.pg_try_advisory_lock(_TAKEN_KEY))).scalar_one()
        if not taken:
            raise TargetError("another process is filling the database")
        connection.execute(text("SET synchronous_commit = off"))


def _must_have(connection: Connection, tables: Iterable[MovedTable]) -> None:
    """Raises ArchiveError if the database does not have all of these tables and columns: an archive may contain any
    names, and they become part of statements."""
    inspector = inspect(connection)
    names = set(inspector.get_table_names())
    for moved in tables:
        columns = {column["name"] for column in inspector.get_columns(moved.name)} if moved.name in names else set()
        if moved.name == WORDS_TABLE:
            columns |= {"message_id"}  # SQLite numbers these rows by it, and has no such column
        if not moved.columns.keys() <= columns:
            raise ArchiveError(f"has a table that a Talkwire of its version has not: {moved.name!r}")


def _must_be_empty(connection: Connection, mark: UnfinishedMark) -> None:
    """Raises TargetError unless the database has no tables, or only Talkwire's tables without a chat in them. `mark`
    names the chat that is about to be written, for a better error text."""
    names = set(inspect(connection).get_table_names())
    migrated = "alembic_version" in names
    for name in sorted(names):
        if name.startswith(f"{WORDS_TABLE}_") and migrated:
            continue  # what SQLite's index is made of
        if not migrated or name not in {*metadata.tables, WORDS_TABLE, "alembic_version"}:
            raise TargetError(f"the database is not empty: it has a table {name}, which is not of Talkwire")
        if name not in _FILLED_WHEN_EMPTY and _has_rows(connection, name):
            raise TargetError(_same_chat(connection, mark) or f"the database is not empty: there are rows in {name}")
    if log_head.name in names and connection.execute(select(log_head.c.pos)).scalar():
        raise TargetError(_same_chat(connection, mark) or "the database is not empty: its log has begun")


def _same_chat(connection: Connection, mark: UnfinishedMark) -> str | None:
    """Returns an error text if the database already contains the log that `mark` names, by its epoch; else None."""
    same = connection.execute(select(log_head.c.epoch)).scalar() == mark.epoch
    return f"the database has this chat already, or a whole copy of it (epoch {mark.epoch})" if same else None


def _has_rows(connection: Connection, name: str) -> bool:
    return bool(connection.execute(select(exists(select(1).select_from(table(name))))).scalar())


def _listed(columns: Iterable[str]) -> str:
    """Returns column names as a quoted, comma-separated list for a statement. Quotes are needed since one column is
    called `by`."""
    return ", ".join(f'"{name}"' for name in columns)


def _drop_tables(connection: Connection) -> None:
    if WORDS_TABLE in inspect(connection).get_table_names():
        Table(WORDS_TABLE, MetaData()).drop(connection)  # on SQLite with those that it is made of
    for name in inspect(connection).get_table_names():
        Table(name, MetaData()).drop(connection)
