"""How a database gets its tables and gets from one version's tables to the next (Alembic)."""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

_LOCK_KEY = 0x7461_6C6B  # "talk"


def migrate(engine: Engine) -> None:
    """Brings the database to this version's tables. Nodes that start at once on PostgreSQL take turns."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        command.upgrade(_config(connection), "head")


def revision_of(engine: Engine) -> str | None:
    """The migration that the database is at; None: it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The migration that this version of the program needs."""
    revision = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert revision is not None
    return revision


def new_epoch() -> str:
    """Names a log: cursors of another epoch are refused."""
    return token_hex(4)


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config
