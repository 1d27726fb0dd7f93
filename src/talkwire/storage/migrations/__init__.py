"""Creates the database's tables, and upgrades them from one version to the next with Alembic.

Migrations only add tables and columns: two successive versions work on the same database at once while nodes are
upgraded one by one. A version that finds tables which it does not know leaves them alone.

An empty database gets the tables of `schema.py` at once instead of by migrations, which would take several times as
long.

Session settings are written as SQL text, because SQLAlchemy has no construct for them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import TypeVar

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, insert, select, text
from sqlalchemy.exc import OperationalError

from talkwire.storage.schema import LOG_HEAD_ID, SEARCH_INDEX, followers, log_head, metadata
from talkwire.storage.session import refuse_unsuitable
from talkwire.storage.unfinished import refuse_unfinished

LOCK_TRIES = 10
"""Most tries of a migration if running nodes hold the locks that it needs. PostgreSQL's `lock_timeout` limits how long
one try waits, and those who queue up behind it."""

_RETRY_PAUSE_S = 1.0
_LOCK_ERRORS = frozenset({"40P01", "55P03"})
"""PostgreSQL's error codes for a deadlock, which it ends by aborting one transaction, and for `lock_timeout`."""

_LOCK_KEY = 0x7461_6C6B  # "talk"

R = TypeVar("R")

_logger = structlog.get_logger(__name__)


class NewerTablesError(Exception):
    """The database has tables of a version of Talkwire that is newer than this one."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"the database has tables of version {revision}, newer than {newest_revision()}, the newest that this "
            "version of Talkwire knows: run the newer one"
        )
        self.revision = revision


def migrate(engine: Engine) -> None:
    """Upgrades the database to this version's tables. Nodes that start at the same time on PostgreSQL take turns.
    Raises NewerTablesError if a newer version created the tables, UnfinishedError if a copy or restore was interrupted,
    and UnsuitableDatabaseError if PostgreSQL or this database cannot be used; nothing is changed then.

    Each migration has a transaction of its own, so that none holds the locks of those before it. If the process is
    killed, the next start continues. An empty database gets all its tables in one transaction. A migration that did not
    get its locks beside running nodes is tried again, `LOCK_TRIES` times altogether.
    """
    refuse_unsuitable(engine, changes_tables=revision_of(engine) != newest_revision())
    while retry_on_locks(lambda: _advance(engine)) != newest_revision():
        pass


def retry_on_locks(change: Callable[[], R]) -> R:
    """Calls `change`, a transaction that changes tables beside running nodes, and returns its result. Calls it again if
    PostgreSQL did not give it its locks, and raises the error of the last of `LOCK_TRIES` attempts."""
    for _ in range(LOCK_TRIES - 1):
        try:
            return change()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in _LOCK_ERRORS:
                raise
            _logger.warning("migration_postponed", error=str(error.orig))
            time.sleep(_RETRY_PAUSE_S)
    return change()


def _advance(engine: Engine) -> str | None:
    """Runs the next migration, if the database needs one. Returns the database's revision (version of its tables) after
    that."""
    with engine.begin() as connection:
        lock_schema(connection)
        refuse_unfinished(connection)
        revision = _revision(connection)
        if revision is None:
            create(connection, newest_revision())
        elif revision != newest_revision():
            _stop_writers(connection)
            upgrade(connection, "+1")
        return _revision(connection)


def _stop_writers(connection: Connection) -> None:
    """Keeps the writers of running nodes from the log's head until the end of the transaction.

    Every batch locks the head before it uses any table. So a migration that locks it first never has a table that a
    batch needs, while it waits for one that the batch has.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE log_head IN EXCLUSIVE MODE"))


def lock_schema(connection: Connection) -> None:
    """Locks the schema until the end of the transaction, so that only one process at a time changes the tables. Waits
    for the lock without a time limit."""
    _lift_time_limits(connection)
    if connection.dialect.name == "postgresql":
        lock_timeout = connection.execute(select(func.current_setting("lock_timeout"))).scalar_one()
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK_KEY)))
        # Running nodes would queue up behind a migration that waits for a table.
        connection.execute(text("SELECT set_config('lock_timeout', :before, true)"), {"before": lock_timeout})


def _lift_time_limits(connection: Connection) -> None:
    """Lets statements and idle transactions last as long as they need, until the end of the transaction: on a busy
    machine, seconds may pass between two statements that change tables."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def create(connection: Connection, revision: str) -> None:
    """Creates the tables of a revision in a database that has none, with the rows that a new chat begins with, in the
    connection's transaction."""
    if revision != newest_revision():
        upgrade(connection, revision)
        return
    metadata.create_all(connection, checkfirst=False)
    for statement in SEARCH_INDEX[connection.dialect.name]:
        connection.execute(text(statement))
    connection.execute(insert(log_head), {"id": LOG_HEAD_ID, "epoch": new_epoch(), "pos": 0})
    connection.execute(insert(followers), {"name": "notifications", "pos": 0})
    MigrationContext.configure(connection).stamp(_scripts(), revision)


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Runs the migrations up to a revision, in the connection's transaction and without PostgreSQL's time limits for
    statements and idle transactions. Raises NewerTablesError."""
    _refuse_newer_tables(_revision(connection))
    _lift_time_limits(connection)
    command.upgrade(_config(connection), revision)


def revision_of(engine: Engine) -> str | None:
    """Returns the revision (version of the tables) of the database, or None if it is empty. Raises NewerTablesError if
    this version of Talkwire does not know the revision, and UnfinishedError if a copy or restore was interrupted."""
    with engine.connect() as connection:
        refuse_unfinished(connection)
        revision = _revision(connection)
    _refuse_newer_tables(revision)
    return revision


def newest_revision() -> str:
    """Returns the revision (version of the tables) that this version of Talkwire needs."""
    revision = _scripts().get_current_head()
    assert revision is not None
    return revision


def is_known(revision: str) -> bool:
    """Returns whether this version of Talkwire has a migration with this revision."""
    return revision in {script.revision for script in _scripts().walk_revisions()}


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer_tables(revision: str | None) -> None:
    """Raises NewerTablesError for an unknown revision: revisions are numbered, so it is newer than all known ones."""
    if revision is not None and not is_known(revision):
        raise NewerTablesError(revision)


@cache
def _scripts() -> ScriptDirectory:
    """Returns the directory of migrations. Alembic reads it once for each process."""
    return ScriptDirectory.from_config(_config(None))


def new_epoch() -> str:
    """Returns a random name for a new epoch of the log. Clients' cursors (positions in the log) of an earlier epoch are
    refused."""
    return token_hex(4)


def _config(connection: Connection | None) -> Config:
    config = Config()
    # Alembic replaces `%(name)s` in an option.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
