"""How a database gets its tables and gets from one version's tables to the next (Alembic).

Migrations only add: a version and the one before it work on the same database at once, while nodes are upgraded one by
one. A version that finds tables which it does not know leaves them alone.

Session settings stand here as text, which SQLAlchemy has no words for.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from secrets import token_hex

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, select, text

from talkwire.storage.unfinished import refuse_unfinished

_LOCK_KEY = 0x7461_6C6B  # "talk"


class NewerTablesError(Exception):
    """The database has tables of a version of Talkwire that is newer than this one."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"the database has tables of version {revision}, newer than {newest_revision()}, the newest that this "
            "version of Talkwire knows: run the newer one"
        )
        self.revision = revision


def migrate(engine: Engine) -> None:
    """Upgrades the database to this version's tables. Nodes that start at once on PostgreSQL take turns. Raises
    NewerTablesError and UnfinishedError; nothing is changed then.

    Each migration has a transaction of its own, so that none holds the locks of those before it; after a kill the next
    start continues. An empty database gets its tables in one.
    """
    while _advance(engine) != newest_revision():
        pass


def _advance(engine: Engine) -> str | None:
    """Carries out the next migration, if the database needs one. Returns the revision that it has then."""
    with engine.begin() as connection:
        lock_schema(connection)
        refuse_unfinished(connection)
        revision = _revision(connection)
        if revision != newest_revision():
            upgrade(connection, "head" if revision is None else "+1")
        return _revision(connection)


def lock_schema(connection: Connection) -> None:
    """Takes a lock that others who change the tables wait for until the transaction ends. It waits without a time
    limit."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK_KEY)))
        # Running nodes would queue up behind a migration that waits for a table.
        connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Carries out the migrations up to a revision, in the connection's transaction and without the time limits of
    statements and of the pauses between them. Raises NewerTablesError."""
    _refuse_newer_tables(_revision(connection))
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    command.upgrade(_config(connection), revision)


def revision_of(engine: Engine) -> str | None:
    """Returns the revision of the database; None: it is empty. Raises NewerTablesError if this version does not know
    the revision, and UnfinishedError."""
    with engine.connect() as connection:
        refuse_unfinished(connection)
        revision = _revision(connection)
    _refuse_newer_tables(revision)
    return revision


def newest_revision() -> str:
    """Returns the revision that this version of the program needs."""
    revision = _scripts().get_current_head()
    assert revision is not None
    return revision


def is_known(revision: str) -> bool:
    """Returns whether this version of the program has such a migration."""
    return revision in {script.revision for script in _scripts().walk_revisions()}


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer_tables(revision: str | None) -> None:
    """Raises NewerTablesError for an unknown revision: revisions are numbered, so it is newer than all known ones."""
    if revision is not None and not is_known(revision):
        raise NewerTablesError(revision)


@cache
def _scripts() -> ScriptDirectory:
    """Returns the migrations, which Alembic reads from their files once."""
    return ScriptDirectory.from_config(_config(None))


def new_epoch() -> str:
    """Returns a new name for the log's epoch: cursors of another epoch are refused."""
    return token_hex(4)


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config
