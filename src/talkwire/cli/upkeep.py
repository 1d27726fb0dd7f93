"""`talkwire migrate`: the database's tables as this version of the program needs them."""

from __future__ import annotations

from talkwire.cli.database import database_failures, shown_database, url_of
from talkwire.cli.flags import WHERE, Flag, load, takes_settings
from talkwire.cli.output import say_done
from talkwire.datafolder import FolderLock, prepare_folder
from talkwire.settings import Settings
from talkwire.storage.engine import writing_engine
from talkwire.storage.migrations import migrate, newest_revision


@takes_settings(*WHERE)
def migrate_database(**flags: Flag) -> None:
    """Bring the database to the tables of this version. `serve` does so too when it starts."""
    settings = load(flags).settings
    if settings.lock_file is None:
        _migrate(settings)
    else:
        prepare_folder(settings.data)
        lock = FolderLock.acquire(settings.lock_file)
        try:
            _migrate(settings)
        finally:
            lock.release()
    say_done(f"{shown_database(settings)} has the tables of version {newest_revision()}.")


def _migrate(settings: Settings) -> None:
    with database_failures(settings):
        engine = writing_engine(url_of(settings))
        try:
            migrate(engine)
        finally:
            engine.dispose()
