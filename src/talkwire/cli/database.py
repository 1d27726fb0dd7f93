"""Opens the databases that commands work on, and turns database errors into one line of text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from talkwire.cli.extras import how_to_install
from talkwire.cli.failures import Failure, TransientFailure, one_line
from talkwire.datafolder import FolderLock
from talkwire.logs import without_values
from talkwire.settings import Settings
from talkwire.settings.secrets import secret_values
from talkwire.storage.conninfo import shown
from talkwire.storage.engine import database_url, sqlite_url
from talkwire.storage.migrations import NewerTablesError
from talkwire.storage.session import UnsuitableDatabaseError, hint_for
from talkwire.storage.unfinished import UnfinishedError
from talkwire.store import OtherTablesError


def url_of(settings: Settings) -> URL:
    """Returns the URL of the database that the settings name."""
    file = settings.sqlite_file
    if file is None:
        assert settings.database is not None, "only a URL selects PostgreSQL"
        return database_url(settings.database)
    return sqlite_url(file)


def printable_database(settings: Settings) -> str:
    """Returns a text that names the database of the settings, without its password, for printing."""
    file = settings.sqlite_file
    return str(file) if file is not None else shown(settings.database or "")


@contextmanager
def owned_database(settings: Settings) -> Iterator[None]:
    """Prevents servers from opening the database until the context ends, if it is SQLite.

    Raises FolderInUse if a server has it open, and DataFolderError if its folder cannot be used.
    """
    if settings.lock_file is None:
        yield
        return
    lock = FolderLock.acquire(settings.lock_file)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def database_failures(settings: Settings) -> Iterator[None]:
    """Turns errors of the database or its driver, raised inside the context, into a Failure with one line of text."""
    try:
        yield
    except (OtherTablesError, NewerTablesError, UnfinishedError) as error:
        raise Failure(str(error)) from error
    except (SQLAlchemyError, UnsuitableDatabaseError) as error:
        text = f"{reason_of(error)}{_hint(error, settings)}" if isinstance(error, SQLAlchemyError) else str(error)
        reason = without_values(text, secret_values(settings))
        raise TransientFailure(f"the database {printable_database(settings)} cannot be used: {reason}") from error
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("psycopg"):
            raise
        raise Failure(f"PostgreSQL needs its driver: {how_to_install('postgres')}") from error


def _hint(error: SQLAlchemyError, settings: Settings) -> str:
    """Returns what to do about an error of SQLite that network folders cause, or another program; else nothing."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    if settings.sqlite_file is None or not isinstance(cause, sqlite3.Error):
        return ""
    name = getattr(cause, "sqlite_errorname", "")
    if not name.startswith(("SQLITE_BUSY", "SQLITE_IOERR", "SQLITE_PROTOCOL")):
        return ""
    other = "another program has it open" if name.startswith("SQLITE_BUSY") else "its disk fails"
    folder = settings.sqlite_file.absolute().parent
    return f" ({name}): {other}, or {folder} is on a network drive without locks; use a folder on a local disk"


def reason_of(error: SQLAlchemyError) -> str:
    """Returns the text of a database error in one line, without the SQL statement and its parameters, and what to do if
    a pooler in front of PostgreSQL caused it."""
    text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    line, hint = one_line(text.partition("\n[SQL")[0].partition("\n")[0]), hint_for(text)
    return line if hint is None else f"{line} ({hint})"
